"""The IDX format of MNIST (LeCun, Cortes and Burges): a big-endian header, then bytes; plain or in gzip.

    offset 0  magic 0x00000803: unsigned bytes, rank 3        offset 4  N    8  H    12  W        offset 16  N H W bytes
"""

from __future__ import annotations

import gzip
import os
import struct
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from minigan.data.dataset import Dataset
from minigan.data.reading import naming, read_promised
from minigan.errors import DataError

IMAGES, LABELS = 0x803, 0x801
GZIP_MAGIC = b"\x1f\x8b"
# Deflate cannot pack tighter than 258 bytes into 2 bits.
DEFLATE_LIMIT = 1032
TRAINING_EXAMPLES = 50_000


def read_idx_images(path: str | Path) -> np.ndarray:
    """The images of one file: (N, H, W) uint8.

    Raises DataError for labels or another format, sizes of zero or beyond the file's, a truncated or corrupt file,
    and trailing bytes.
    """
    with naming(path), open(path, "rb") as file:
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if packed else file
        shape = read_header(stream, path)
        room = os.fstat(file.fileno()).st_size * (DEFLATE_LIMIT if packed else 1)
        if prod(shape) > room:
            raise DataError(f"{path}: truncated, expected {in_words(shape)} as its header says, more than it can hold")
        pixels = read_promised(stream, prod(shape), path)
    return np.frombuffer(pixels, dtype=np.uint8).reshape(shape)


def read_header(stream: BinaryIO, path: str | Path) -> tuple[int, int, int]:
    """(N, H, W), none of them zero."""
    header = stream.read(16)
    magic = int.from_bytes(header[:4], "big")
    if len(header) >= 4 and magic == LABELS:
        raise DataError(f"{path}: a file of labels (magic 0x{LABELS:08x}), expected images (magic 0x{IMAGES:08x})")
    if len(header) >= 4 and magic != IMAGES:
        raise DataError(f"{path}: magic 0x{magic:08x}, expected IDX images (magic 0x{IMAGES:08x})")
    if len(header) < 16:
        raise DataError(f"{path}: truncated, {len(header)} bytes, expected an IDX header of 16")
    shape = struct.unpack(">III", header[4:])
    if 0 in shape:
        raise DataError(f"{path}: {in_words(shape)}, expected at least one image of at least one pixel")
    return shape


def in_words(shape: tuple[int, int, int]) -> str:
    return "{} images of {} x {}".format(*shape)


def file_names(part: str) -> list[str]:
    """The names that a file of images is known by: with a dash or a dot, plain or packed."""
    return [f"{part}{separator}idx3-ubyte{packed}" for separator in "-." for packed in ("", ".gz")]


def find_file(folder: str | Path, part: str) -> Path | None:
    """The images of "train" or "t10k" in a folder, or None."""
    paths = [Path(folder, name) for name in file_names(f"{part}-images")]
    return next((path for path in paths if os.path.isfile(path)), None)


def find_idx_folder(folder: str | Path) -> Path | None:
    """The folder, or its subfolder `mnist`, if it has IDX images; or None."""
    folders = (Path(folder), Path(folder, "mnist"))
    return next((here for here in folders if find_file(here, "train") or find_file(here, "t10k")), None)


def load_mnist(folder: str | Path) -> Dataset:
    """The authors' split: the first 50,000 training images to train on, the others for validation.

    Of a smaller file the last sixth is for validation.  The test images may be absent.  Raises DataError where the
    training images are missing, where test images have another size, and where a file is broken.
    """
    path, test_path = find_file(folder, "train"), find_file(folder, "t10k")
    if path is None:
        raise DataError(f"{folder}: no training images, expected one of {', '.join(file_names('train-images'))}")
    images = read_idx_images(path)
    test = None if test_path is None else read_idx_images(test_path)
    if test is not None and test.shape[1:] != images.shape[1:]:
        raise DataError(f"{test_path}: {in_words(test.shape)}, expected the size of {in_words(images.shape)}")
    rows = images.reshape(len(images), -1)
    n = TRAINING_EXAMPLES if len(rows) > TRAINING_EXAMPLES else len(rows) - len(rows) // 6
    return Dataset(
        name="mnist",
        train=rows[:n],
        validation=rows[n:] if n < len(rows) else None,
        test=None if test is None else test.reshape(len(test), -1),
        image_shape=images.shape[1:],
    )
