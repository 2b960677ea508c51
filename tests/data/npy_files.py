"""NumPy's files, by NumPy or byte by byte."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np


def save(path: Path, array) -> Path:
    np.save(path, array, allow_pickle=True)
    return path


def npy(header: str, body: bytes = b"", version=b"\x01\x00") -> bytes:
    text = header.encode("latin1")
    return b"\x93NUMPY" + version + struct.pack("<H" if version[0] == 1 else "<I", len(text)) + text + body


def header(shape, descr="'<f4'", order=False) -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
