"""CIFAR-10 (Krizhevsky 2009): a folder with the batches, binary or pickled, or their archive as it is downloaded.

data_batch_1.bin ... data_batch_5.bin, test_batch.bin    records of 3,073 bytes: a label from 0 to 9, then 1,024
                                                         red, 1,024 green and 1,024 blue values, row by row
data_batch_1 ... data_batch_5, test_batch                the same values, pickled (`minigan.data.cifar10_pickle`)
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import TypeAlias

import numpy as np

from minigan.data.cifar10_pickle import unpickle_planes
from minigan.data.dataset import Dataset
from minigan.data.labels import Labels
from minigan.data.reading import naming
from minigan.data.tar import members
from minigan.errors import DataError

TRAINING = tuple(f"data_batch_{number}" for number in range(1, 6))
BATCHES = (*TRAINING, "test_batch")
FOLDERS = ("cifar-10-batches-bin", "cifar-10-batches-py")
ARCHIVES = ("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz")
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE, COLOURS = 32, 3
Batch: TypeAlias = tuple[np.ndarray, np.ndarray]
"""images (n, 3072) uint8, and labels (n,); none, (0,), of a pickle that has no such numbers"""
RECORD = 1 + SIDE * SIDE * COLOURS
LARGEST_BATCH = 48 << 20


def find_cifar10(folder: str | Path) -> Path | None:
    """What `load_cifar10` can read, in a folder or in its subfolder `cifar10`: a folder or an archive; or None."""
    for here in (Path(folder), Path(folder, "cifar10")):
        for inside in (here, *(here / name for name in FOLDERS)):
            if batch_files(inside):
                return inside
        for archive in (here / name for name in ARCHIVES):
            if os.path.isfile(archive):
                return archive
    return None


def batch_files(folder: Path) -> dict[str, Path]:
    """The batches right in a folder, {"data_batch_1": its path, ...}; a binary one goes before a pickled one."""
    named = [(batch, folder / f"{batch}{suffix}") for suffix in ("", ".bin") for batch in BATCHES]
    return {batch: path for batch, path in named if os.path.isfile(path)}


def load_cifar10(path: str | Path, labels: bool = False) -> Dataset:
    """The authors' split of the batches that are there: the last fifth of the training images is for validation.

    Of all 50,000 training images these are the last 10,000.  Rows are (32, 32, 3) pictures.

    labels  whether to keep those of the training images, as `CLASSES` names them

    Raises DataError where there is no training batch, and where a batch or the archive is broken.
    """
    batches = read_archive(path) if os.path.isfile(path) else read_folder(path)
    training = [batches[name] for name in TRAINING if name in batches]
    if not training:
        raise DataError(f"{path}: no training images, expected data_batch_1.bin to data_batch_5.bin, or such pickles")
    rows, numbers = (np.concatenate(part) for part in zip(*training))
    n = len(rows) - len(rows) // 5
    if labels and len(numbers) != len(rows):
        raise DataError(f"{path}: {len(numbers)} labels of its {len(rows)} training images, expected one for each")
    return Dataset(
        name="cifar10",
        train=rows[:n],
        validation=rows[n:] if n < len(rows) else None,
        test=batches["test_batch"][0] if "test_batch" in batches else None,
        image_shape=(SIDE, SIDE, COLOURS),
        labels=Labels.of(path, numbers[:n], CLASSES) if labels else None,
    )


def read_folder(folder: str | Path) -> dict[str, Batch]:
    """{"data_batch_1": (images, labels), ...} of a folder."""
    batches = {}
    for name, path in batch_files(Path(folder)).items():
        with naming(path), open(path, "rb") as file:
            check_size(os.fstat(file.fileno()).st_size, path)
            batches[name] = read_batch(file.read(), path)
    return batches


def read_archive(path: str | Path) -> dict[str, Batch]:
    """{"data_batch_1": (images, labels), ...} of a .tar.gz file; nothing is unpacked to the disk."""
    batches = {}
    with naming(path), gzip.open(path) as unpacked:
        for member in members(unpacked, path):
            batch, label = member.name.removesuffix(".bin"), f"{path}: {member.name}"
            if batch in BATCHES:
                check_size(member.size, label)
                batches[batch] = read_batch(member.read(), label)
    return batches


def check_size(size: int, path: str | Path) -> None:
    """Raise DataError for more bytes than any batch has, and for a binary batch that is no number of images."""
    if size > LARGEST_BATCH:
        raise DataError(f"{path}: more than {LARGEST_BATCH} bytes, expected a batch of 10,000 images")
    if str(path).endswith(".bin") and (size == 0 or size % RECORD):
        raise DataError(f"{path}: {size} bytes, expected some times {RECORD}, a label and 3072 pixels")


def read_batch(content: bytes | bytearray, path: str | Path) -> Batch:
    """The images of one batch, from three planes each to (32, 32, 3) pictures, and their labels."""
    planes, labels = binary_planes(content, path) if str(path).endswith(".bin") else unpickle_planes(content, path)
    return planes.reshape(-1, COLOURS, SIDE * SIDE).transpose(0, 2, 1).reshape(len(planes), -1), labels


def binary_planes(content: bytes | bytearray, path: str | Path) -> Batch:
    """The pixels of a binary batch, (n, 3072) uint8, red before green before blue; and the labels (n,)."""
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, RECORD)
    if records[:, 0].max() >= len(CLASSES):
        raise DataError(f"{path}: label {records[:, 0].max()}, expected 0 to {len(CLASSES) - 1} before each image")
    return records[:, 1:], records[:, 0]
