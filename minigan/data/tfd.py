"""The Toronto Face Database (Susskind, Anderson and Hinton 2010): two arrays of the MATLAB file that is handed on.

images  (N, H, W) uint8, grey faces of 48 x 48 or 96 x 96
folds   (N, 5), what an image is in each of five official splits: 0 unlabelled, 1 train, 2 validation, 3 test

They are read from an .npz, which `CONVERSION` makes once.  MATLAB's own format is not read, since scipy.io.loadmat
believes a damaged file and can crash Python.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from minigan.data.arrays import read_npz
from minigan.data.dataset import Dataset
from minigan.data.reading import naming
from minigan.errors import DataError

TFD_FILES = ("TFD_48x48.npz", "TFD_96x96.npz")
CONVERSION = (
    """python -c "from numpy import savez; from scipy.io import loadmat; tfd = loadmat('TFD_48x48.mat'); """
    """savez('TFD_48x48.npz', images=tfd['images'], folds=tfd['folds'])\""""
)
UNLABELLED, TRAIN, VALIDATION, TEST = range(4)
FOLDS = 5


def find_tfd(folder: str | Path) -> Path | None:
    """The file in a folder or in its subfolder `tfd`, the one of 48 x 48 first; or None."""
    paths = [here / name for here in (Path(folder), Path(folder, "tfd")) for name in TFD_FILES]
    return next((path for path in paths if os.path.isfile(path)), None)


def load_tfd(path: str | Path) -> Dataset:
    """As the authors: the unlabelled faces to train on, validation and test of the first fold.

    Raises DataError for a file of another format or that is broken, and for images or folds that are missing, of
    another shape or dtype, or of other values.
    """
    with naming(path), open(path, "rb") as file:
        found = read_npz(file, path, ("images", "folds"))
    images, folds = found["images"], found["folds"]
    if images.ndim != 3 or images.dtype != np.uint8:
        raise DataError(f"{path}: images of shape {images.shape}, {images.dtype}, expected (N, H, W), uint8")
    if folds.shape != (len(images), FOLDS):
        raise DataError(f"{path}: folds of shape {folds.shape}, expected ({len(images)}, {FOLDS})")
    fold = folds[:, 0]
    if not np.isin(fold, (UNLABELLED, TRAIN, VALIDATION, TEST)).all():
        raise DataError(f"{path}: other numbers in the first column of folds, expected 0 to {TEST}")
    if not (fold == UNLABELLED).any():
        raise DataError(f"{path}: no unlabelled images, expected 0 in the first column of folds for some")
    rows = images.reshape(len(images), -1)
    validation, test = (rows[fold == part] if (fold == part).any() else None for part in (VALIDATION, TEST))
    return Dataset("tfd", rows[fold == UNLABELLED], validation, test, images.shape[1:])
