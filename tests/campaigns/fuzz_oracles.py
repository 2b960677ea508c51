"""What files honestly say, read without minigan: by their formats' definitions, NumPy, Pillow and tomllib."""

from __future__ import annotations

import io
import pickletools
import struct
import tarfile
import tomllib
import zlib
from pathlib import Path

import fuzz_checkpoints
import numpy as np
from PIL import Image

Parts = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]


def inflated(content: bytes) -> bytes:
    """All members of a gzip file."""
    out = b""
    while content:
        member = zlib.decompressobj(31)
        out += member.decompress(content)
        assert member.eof
        content = member.unused_data.lstrip(b"\0")
    return out


def cut(rows: np.ndarray, part: int, test: np.ndarray | None) -> Parts:
    """The last so-manieth part of the training examples is for validation."""
    n = len(rows) - len(rows) // part
    return rows[:n], rows[n:] if n < len(rows) else None, test


def mnist(folder: Path) -> Parts:
    found = {}
    for path in folder.iterdir():
        content = path.read_bytes()
        content = inflated(content) if content[:2] == b"\x1f\x8b" else content
        magic, n, h, w = struct.unpack(">IIII", content[:16])
        assert magic == 0x803 and len(content) == 16 + n * h * w
        found[path.name[:4]] = np.frombuffer(content, np.uint8, offset=16).reshape(n, h * w)
    return cut(found["trai"], 6, found.get("t10k"))


def pixels_of(name: str, content: bytes) -> list[np.ndarray]:
    """What the planes of a batch can be: of a pickle, every text in it that has the length of some images."""
    if name.endswith(".bin"):
        records = np.frombuffer(content, np.uint8).reshape(-1, 3073)
        assert records[:, 0].max() < 10
        return [records[:, 1:]]
    texts = [argument for _, argument, _ in pickletools.genops(content) if isinstance(argument, (bytes, str))]
    texts = [text if isinstance(text, bytes) else text.encode("latin1", "replace") for text in texts]
    arrays = [np.frombuffer(text, np.uint8) for text in texts if text and len(text) % 3072 == 0]
    return [array.reshape((-1, 3072), order=order) for array in arrays for order in "CF"]


def cifar10(batches: dict[str, bytes]) -> list[Parts]:
    """The possible contents; with several pickles their orders differ one by one."""
    training = sorted(name for name in batches if name.startswith("data_batch_"))
    choices: list[list[np.ndarray]] = [[]]
    for name in training:
        choices = [[*rows, more] for rows in choices for more in pixels_of(name, batches[name])]
    tests = [None]
    if test := next((name for name in batches if name.startswith("test_batch")), None):
        tests = pixels_of(test, batches[test])

    def rows(planes: np.ndarray) -> np.ndarray:
        return planes.reshape(-1, 3, 1024).transpose(0, 2, 1).reshape(len(planes), 3072)

    return [
        cut(rows(np.concatenate(choice)), 5, None if test is None else rows(test))
        for choice in choices
        for test in tests
    ]


def in_archive(content: bytes) -> dict[str, bytes]:
    unpacked = inflated(content)
    with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as archive:
        files = [(Path(member.name).name, archive.extractfile(member)) for member in archive if member.isreg()]
        found = {name: file.read() for name, file in files if name.startswith(("data_batch_", "test_batch"))}
        # A damaged header looks like the end to `tarfile`.
        assert not any(unpacked[archive.offset :])
    batches = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    return {name: content for name, content in found.items() if name.removesuffix(".bin") in batches}


def tfd(path: Path) -> Parts:
    found = np.load(path, allow_pickle=False)
    images, fold = found["images"], found["folds"][:, 0]
    rows = images.reshape(len(images), -1)
    return rows[fold == 0], *(rows[fold == part] if (fold == part).any() else None for part in (2, 3))


def rows_of(array: np.ndarray) -> np.ndarray:
    if array.ndim == 4 and array.shape[3] not in (1, 3) and array.shape[1] == 3:
        array = np.moveaxis(array, 1, 3)
    rows = array.reshape(len(array), -1)
    if rows.dtype == bool:
        return np.where(rows.view(np.uint8) != 0, np.uint8(255), np.uint8(0))
    if rows.dtype.kind in "iu":
        assert rows.min() >= 0 and rows.max() <= 255
        return rows.astype("u1")
    return rows.astype("f4" if rows.dtype.itemsize == 2 else rows.dtype.newbyteorder("="))


def arrays(path: Path) -> Parts:
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return rows_of(loaded), None, None
    names = {name.removesuffix(".npy"): name for name in loaded.files}
    if "train" not in names and len(names) == 1:
        names = {"train": next(iter(names.values()))}
    parts = ("train", "validation", "test")
    return tuple(rows_of(loaded[names[part]]) if part in names else None for part in parts)


def pictures(folder: Path) -> Parts:
    opened = [Image.open(path) for path in sorted(folder.iterdir())]
    grey = all(picture.mode in ("1", "L", "LA") for picture in opened)
    return np.stack([np.asarray(p.convert("L" if grey else "RGB")).ravel() for p in opened]), None, None


def is_sound_png(content: bytes) -> bool:
    """Whether every critical chunk has its checksum."""
    at = 8
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        kind, body = content[at + 4 : at + 8], content[at + 4 : at + 8 + length]
        if kind[:1].isupper() and zlib.crc32(body).to_bytes(4, "big") != content[at + 8 + length : at + 12 + length]:
            return False
        at += 12 + length
    return True


def generator(path: Path) -> dict[str, np.ndarray]:
    """G's own weights by name, "0.W", as the recipe's dtype has them."""
    tensors, header = fuzz_checkpoints.read(path.read_bytes())
    dtype = header["recipe"]["precision"].replace("tf32", "float32")
    own = {name.removeprefix("generator."): tensor for name, tensor in tensors.items() if name.startswith("generator.")}
    return {name: tensor.astype(dtype) for name, tensor in own.items() if name[0].isdigit()}


def options(path: Path) -> dict:
    return tomllib.loads(path.read_bytes().decode("utf-8"))
