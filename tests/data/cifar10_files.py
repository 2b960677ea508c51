"""CIFAR-10's three forms, written here from their definition."""

from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

import numpy as np


def planes(n: int, seed: int = 0) -> np.ndarray:
    """Images as they are stored: (n, 3, 32, 32)."""
    return np.random.default_rng(seed).integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)


def pictures(stored: np.ndarray) -> np.ndarray:
    """The rows that have to come of them: (n, 32 32 3)."""
    return np.moveaxis(stored, 1, 3).reshape(len(stored), 3072)


def binary(stored: np.ndarray) -> bytes:
    return b"".join(bytes([i % 10]) + image.tobytes() for i, image in enumerate(stored))


def short(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode()


def integer(number: int) -> bytes:
    return b"J" + struct.pack("<i", number)


def array(content: bytes, shape: tuple[int, ...], kind: str = "u1", by_columns: bool = False) -> bytes:
    """The opcodes with which Python 2's pickle wrote a NumPy array."""
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + integer(0) + b"\x85" + short("b") + b"\x87R"
    dtype = b"cnumpy\ndtype\n" + short(kind) + integer(0) + integer(1) + b"\x87R"
    dtype += b"(" + integer(3) + short("|") + b"NNN" + integer(-1) + integer(-1) + integer(0) + b"tb"
    sizes = b"(" + b"".join(map(integer, shape)) + b"t"
    state = integer(1) + sizes + dtype + (b"\x88" if by_columns else b"\x89")
    return made + b"(" + state + b"T" + struct.pack("<I", len(content)) + content + b"tb"


def pickled(stored: np.ndarray, data: bytes | None = None, key: str = "data") -> bytes:
    """A batch of the Python version, as Python 2 wrote it."""
    labels = b"](" + b"".join(b"K" + bytes([i % 10]) for i in range(len(stored))) + b"e"
    items = short("batch_label") + short("training batch 1 of 5") + short("labels") + labels
    items += short(key) + (data or array(stored.tobytes(), (len(stored), 3072))) + short("filenames") + b"]"
    return b"\x80\x02}(" + items + b"u."


FORMS = {"cifar-10-batches-bin": (".bin", binary), "cifar-10-batches-py": ("", pickled)}


def write_folder(folder: Path, form: str, batches: dict[str, np.ndarray]) -> Path:
    suffix, pack = FORMS[form]
    folder.mkdir(parents=True, exist_ok=True)
    for name, stored in batches.items():
        (folder / f"{name}{suffix}").write_bytes(pack(stored))
    return folder


def write_archive(path: Path, form: str, batches: dict[str, np.ndarray]) -> Path:
    suffix, pack = FORMS[form]
    members = {f"{form}/{name}{suffix}": pack(stored) for name, stored in batches.items()}
    members |= {f"{form}/batches.meta.txt": b"airplane\n", f"{form}/readme.html": b"<html>"}
    return pack_members(path, members)


def pack_members(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
