"""The user's own arrays: .npy, or .npz with "train" and perhaps "validation" and "test".  Nothing is ever unpickled.

The body is read here and not by `np.load`, which allocates what a header claims before it looks for the bytes.
"""

from __future__ import annotations

import zipfile
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from minigan.data.dataset import Dataset
from minigan.data.reading import naming, read_promised
from minigan.errors import DataError, shortened

ZIP_MAGIC = b"PK"
KINDS = ("bool", "uint8", "float16", "float32", "float64")
PARTS = ("train", "validation", "test")
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def load_array(path: str | Path) -> Dataset:
    """A file with (N, F), (N, H, W), (N, H, W, 1) or (N, H, W, 3) arrays; its kind is told by its first bytes.

    uint8 stays as it is, bool becomes 0 and 255, float16 becomes float32.  Raises DataError for another shape, dtype
    or key, for NaN, and for a truncated file or another format.
    """
    with naming(path), open(path, "rb") as file:
        packed = file.read(2) == ZIP_MAGIC
        file.seek(0)
        arrays = read_npz(file, path) if packed else {"train": read_npy(file, path)}
    train, others = arrays["train"], [arrays.get(part) for part in PARTS[1:]]
    for array in others:
        if array is not None and array.shape[1:] != train.shape[1:]:
            raise DataError(f"{path}: examples of shape {array.shape[1:]}, expected {train.shape[1:]} as in 'train'")
    name, image_shape = Path(path).name, image_shape_of(train.shape, path)
    return Dataset(name, as_rows(train), *(array if array is None else as_rows(array) for array in others), image_shape)


def read_npz(file: BinaryIO, path: str | Path) -> dict[str, np.ndarray]:
    """The arrays "train", "validation" and "test", as far as they are there; a single array is "train"."""
    with zipfile.ZipFile(file) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")}
        if "train" not in members and len(members) == 1:
            members = {"train": members.popitem()[1]}
        if "train" not in members:
            keys = shortened(", ".join(repr(key) for key in sorted(members))) or "none"
            raise DataError(f"{path}: keys {keys}, expected 'train' or a single array")
        arrays = {}
        for part in PARTS:
            if part in members:
                # Of any other packing `zipfile` unpacks all that there is at once, whatever was promised.
                if (packing := archive.getinfo(members[part]).compress_type) not in PACKINGS:
                    raise DataError(f"{path}: {part} packed by zip's method {packing}, expected 0 or 8 as NumPy writes")
                with archive.open(members[part]) as stream:
                    arrays[part] = read_npy(stream, f"{path}: {members[part]}")
    return arrays


def read_npy(stream: BinaryIO, path: str | Path) -> np.ndarray:
    """One array of an accepted dtype, in the machine's byte order; bool and float16 are still themselves."""
    version = npy.read_magic(stream)
    if version != (1, 0):
        raise DataError(f"{path}: .npy format {version[0]}.{version[1]}, expected 1.0 as of plain numbers")
    shape, fortran_order, dtype = npy.read_array_header_1_0(stream)
    native = dtype.newbyteorder("=")
    if native.name not in KINDS:
        raise DataError(f"{path}: dtype {dtype}, expected uint8 (0 to 255), bool or a float of 16, 32 or 64 bits")
    if not shape or min(shape) < 1:
        raise DataError(f"{path}: shape {shape}, expected at least one example and one feature")
    content = read_promised(stream, prod(shape) * dtype.itemsize, path)
    array = np.frombuffer(content, dtype=dtype).reshape(shape, order="F" if fortran_order else "C")
    return array.astype(native, copy=False)


def image_shape_of(shape: tuple[int, ...], path: str | Path) -> tuple[int, ...] | None:
    """The image shape that the shape of an array of examples implies."""
    match shape:
        case (_, _):
            return None
        case (_, height, width) | (_, height, width, 1):
            return height, width
        case (_, height, width, 3):
            return height, width, 3
    raise DataError(f"{path}: shape {shape}, expected (N, F), (N, H, W), (N, H, W, 1) or (N, H, W, 3)")


def as_rows(array: np.ndarray) -> np.ndarray:
    """(N, ...) of an accepted dtype to (N, F) of one that `Dataset` takes."""
    rows = array.reshape(len(array), -1)
    match rows.dtype.name:
        case "bool":
            return rows.astype(np.uint8) * np.uint8(255)
        case "float16":
            return rows.astype(np.float32)
        case _:
            return rows
