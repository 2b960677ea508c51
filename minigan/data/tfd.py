"""The Toronto Face Database (Susskind, Anderson and Hinton 2010) as it is handed on: a MATLAB file of version 5.

images  (N, H, W) uint8, grey faces of 48 x 48 or 96 x 96
folds   (N, 5), what an image is in each of five official splits: 0 unlabelled, 1 train, 2 validation, 3 test
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from minigan.data.dataset import Dataset
from minigan.data.mat import read_mat
from minigan.data.reading import naming
from minigan.errors import DataError, shortened

NAMES = ("TFD_48x48.mat", "TFD_96x96.mat")
UNLABELLED, TRAIN, VALIDATION, TEST = range(4)
FOLDS = 5


def find_tfd(folder: str | Path) -> Path | None:
    """The file in a folder or in its subfolder `tfd`, the one of 48 x 48 first; or None."""
    paths = [here / name for here in (Path(folder), Path(folder, "tfd")) for name in NAMES]
    return next((path for path in paths if os.path.isfile(path)), None)


def load_tfd(path: str | Path) -> Dataset:
    """As the authors: the unlabelled faces to train on, validation and test of the first fold.

    Raises DataError for a file of another version or that is broken, and for images or folds that are missing, of
    another shape or dtype, or of other values.
    """
    images, folds = read_variables(path)
    fold = folds[:, 0]
    if not np.isin(fold, (UNLABELLED, TRAIN, VALIDATION, TEST)).all():
        raise DataError(f"{path}: other numbers in the first column of folds, expected 0 to {TEST}")
    if not (fold == UNLABELLED).any():
        raise DataError(f"{path}: no unlabelled images, expected 0 in the first column of folds for some")
    rows = images.reshape(len(images), -1)
    validation, test = (rows[fold == part] if (fold == part).any() else None for part in (VALIDATION, TEST))
    return Dataset("tfd", rows[fold == UNLABELLED], validation, test, images.shape[1:])


READS = {".mat": load_tfd}


def read_variables(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """images (N, H, W) uint8 and folds (N, 5)"""
    with naming(path):
        variables = read_mat(path, ("images", "folds"))
    images, folds = variables.get("images"), variables.get("folds")
    if images is None or folds is None:
        names = shortened(", ".join(repr(name) for name in sorted(variables))) or "none"
        raise DataError(f"{path}: variables {names}, expected 'images' and 'folds'")
    if images.ndim != 3 or images.size == 0 or images.dtype != np.uint8:
        raise DataError(f"{path}: images of shape {images.shape}, {images.dtype}, expected (N, H, W), uint8")
    if folds.shape != (len(images), FOLDS):
        raise DataError(f"{path}: folds of shape {folds.shape}, expected ({len(images)}, {FOLDS})")
    return images, folds
