"""Features of examples in an .npz, made by a network of the user's own: what `evaluate --features` compares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigan.data.arrays import read_npz
from minigan.data.dataset import check_finite
from minigan.data.reading import naming
from minigan.errors import DataError


@dataclass(frozen=True, eq=False)
class Features:
    """Rows of floats of one length, of one dtype.

    samples  (n, F) of what G makes
    test     (N, F) of data that G has not seen
    train    (T, F) of those it was trained on, or None
    """

    name: str
    samples: np.ndarray
    test: np.ndarray
    train: np.ndarray | None


def load_features(path: str) -> Features:
    """The arrays `samples`, `test` and, where it is there, `train` of a file.

    Raises DataError for another shape, features of another length, NaN, a missing array or another format.
    """
    with naming(path), open(path, "rb") as file:
        arrays = read_npz(file, path, ("samples", "test"), ("train",))
    dtype = np.result_type(np.float32, *arrays.values())
    for name, array in arrays.items():
        if array.ndim != 2:
            raise DataError(f"{path}: {name} of shape {array.shape}, expected (n, features)")
        if array.shape[1] != arrays["test"].shape[1]:
            expected = f"expected {arrays['test'].shape[1]} as of 'test'"
            raise DataError(f"{path}: {name} has {array.shape[1]} features, {expected}")
        arrays[name] = array.astype(dtype)
        check_finite(f"{path}: {name}", arrays[name])
    return Features(Path(path).name, arrays["samples"], arrays["test"], arrays.get("train"))
