"""The IDX format of MNIST (LeCun, Cortes and Burges): a big-endian header, then bytes; plain or in gzip.

offset 0  magic 0x00000803: unsigned bytes, rank 3        offset 4  N    8  H    12  W        offset 16  N H W bytes
          magic 0x00000801: labels, rank 1                         4  N                               8  N bytes
"""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
from math import prod
from pathlib import Path

import numpy as np

from minigan.data.dataset import Dataset
from minigan.data.labels import Labels
from minigan.data.reading import Stream, naming, own_name, read_promised
from minigan.errors import DataError

IMAGES, LABELS = 0x803, 0x801
KINDS = {IMAGES: "images", LABELS: "labels"}
GZIP_MAGIC = b"\x1f\x8b"
# Deflate cannot pack tighter than 258 bytes into 2 bits.
DEFLATE_LIMIT = 1032
TRAINING_EXAMPLES = 50_000
MNIST = {
    "train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "t10k": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
}
"""SHA-256 of its files of images, unpacked: other data, Fashion-MNIST above all, come under the same names."""
FOLDERS = ("", "mnist", "MNIST/raw", "raw")
"""Where MNIST's files are in a folder; the last two as torchvision lays them out."""


def read_idx_images(path: str | Path) -> np.ndarray:
    """The images of one file: (N, H, W) uint8.

    Raises DataError for labels or another format, sizes of zero or beyond the file's, a truncated or corrupt file,
    and trailing bytes.
    """
    return read_idx(path, IMAGES)


def read_idx_labels(path: str | Path) -> np.ndarray:
    """The labels of one file: (N,) uint8.  Raises DataError as `read_idx_images`."""
    return read_idx(path, LABELS)


def read_idx(path: str | Path, magic: int) -> np.ndarray:
    """The array of a file with this magic number."""
    with naming(path), open(path, "rb") as file:
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        stream: Stream = gzip.GzipFile(fileobj=file) if packed else file
        shape = read_header(stream, path, magic)
        room = os.fstat(file.fileno()).st_size * (DEFLATE_LIMIT if packed else 1)
        if prod(shape) > room:
            raise DataError(f"{path}: truncated, expected {described(shape)} as its header says, more than it can hold")
        pixels = read_promised(stream, prod(shape), path)
    return np.frombuffer(pixels, dtype=np.uint8).reshape(shape)


def read_header(stream: Stream, path: str | Path, magic: int) -> tuple[int, ...]:
    """(N, H, W) of images, (N,) of labels, none of them zero."""
    rank, kind = magic & 0xFF, KINDS[magic]
    header = stream.read(4 + 4 * rank)
    found = int.from_bytes(header[:4], "big")
    if len(header) >= 4 and found != magic:
        if found in KINDS:
            wanted = f"expected {kind} (magic 0x{magic:08x})"
            raise DataError(f"{path}: a file of {KINDS[found]} (magic 0x{found:08x}), {wanted}")
        raise DataError(f"{path}: magic 0x{found:08x}, expected IDX {kind} (magic 0x{magic:08x})")
    if len(header) < 4 + 4 * rank:
        raise DataError(f"{path}: truncated, {len(header)} bytes, expected an IDX header of {4 + 4 * rank}")
    shape = struct.unpack(f">{rank}I", header[4:])
    if 0 in shape:
        least = "image of at least one pixel" if magic == IMAGES else "label"
        raise DataError(f"{path}: {described(shape)}, expected at least one {least}")
    return shape


def described(shape: tuple[int, ...]) -> str:
    return "{} images of {} x {}".format(*shape) if len(shape) == 3 else f"{shape[0]} labels"


def file_names(part: str, magic: int = IMAGES) -> list[str]:
    """The names that a file is known by: with a dash or a dot, plain or packed."""
    kind = f"idx{magic & 0xFF}-ubyte"
    return [f"{part}-{KINDS[magic]}{separator}{kind}{packed}" for separator in "-." for packed in ("", ".gz")]


def find_file(folder: str | Path, part: str, magic: int = IMAGES) -> Path | None:
    """The images, or labels, of "train" or "t10k" in a folder, or None."""
    paths = [Path(folder, name) for name in file_names(part, magic)]
    return next((path for path in paths if os.path.isfile(path)), None)


def find_mnist(folder: str | Path) -> Path | None:
    """The first of `FOLDERS` in a folder that has IDX images; or None."""
    inside = (Path(folder, name) for name in FOLDERS)
    return next((here for here in inside if find_file(here, "train") or find_file(here, "t10k")), None)


def find_idx_folder(folder: str | Path) -> Path | None:
    """As `find_mnist`, or where torchvision keeps another set of that format, FashionMNIST/raw; or None.

    Raises DataError where it keeps several.
    """
    if mnist := find_mnist(folder):
        return mnist
    found = [here for here in sorted(Path(folder).glob("*/raw")) if find_file(here, "train")]
    if len(found) > 1:
        several = " and ".join(here.parent.name for here in found)
        raise DataError(f"--data {folder}: {several} are there, expected the folder of one")
    return found[0] if found else None


def load_mnist(folder: str | Path, labels: bool = False) -> Dataset:
    """The authors' split: the first 50,000 training images to train on, the others for validation.

    Of a smaller file the last sixth is for validation.  The test images may be absent.  It is called mnist where its
    content is MNIST's, and otherwise by its folder.

    labels  whether to read those of the training images too, in train-labels-idx1-ubyte beside them

    Raises DataError where the training images, or their labels, are missing, where test images have another size, where
    there are not as many labels as images, and where a file is broken.
    """
    path, test_path = find_file(folder, "train"), find_file(folder, "t10k")
    if path is None:
        raise DataError(f"{folder}: no training images, expected one of {', '.join(file_names('train'))}")
    images = read_idx_images(path)
    test = None if test_path is None else read_idx_images(test_path)
    if test is not None and test.shape[1:] != images.shape[1:]:
        raise DataError(f"{test_path}: {described(test.shape)}, expected the size of {described(images.shape)}")
    rows = images.reshape(len(images), -1)
    n = TRAINING_EXAMPLES if len(rows) > TRAINING_EXAMPLES else len(rows) - len(rows) // 6
    is_mnist = digest(images) == MNIST["train"] and (test is None or digest(test) == MNIST["t10k"])
    return Dataset(
        name="mnist" if is_mnist else own_name(Path(folder)),
        train=rows[:n],
        validation=rows[n:] if n < len(rows) else None,
        test=None if test is None else test.reshape(len(test), -1),
        image_shape=images.shape[1:],
        labels=Labels.of(folder, training_labels(folder, len(images))[:n]) if labels else None,
    )


def training_labels(folder: str | Path, n: int) -> np.ndarray:
    """Those of a folder's n training images: (n,) uint8."""
    path = find_file(folder, "train", LABELS)
    if path is None:
        expected = f"expected one of {', '.join(file_names('train', LABELS))}"
        raise DataError(f"{folder}: no labels of its training images, {expected}")
    found = read_idx_labels(path)
    if len(found) != n:
        raise DataError(f"{path}: {len(found)} labels, expected {n}, one for each image")
    return found


def digest(images: np.ndarray) -> str:
    """The SHA-256 of the IDX file, unpacked, that holds these images (N, H, W)."""
    found = hashlib.sha256(struct.pack(">IIII", IMAGES, *images.shape))
    found.update(images.data)
    return found.hexdigest()
