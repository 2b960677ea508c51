"""Arrays of the usual shapes and dtypes made into a `Dataset`, for files and for `GAN.fit` alike."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from minigan.data.dataset import Dataset
from minigan.errors import DataError, DataWarning, one_line

SHAPES = "(N, F), (N, H, W), (N, H, W, 1), (N, H, W, 3), (N, 1, H, W) or (N, 3, H, W)"
DARK = 16
"""Bytes that are all this small are hardly bytes: 0 and 1, or grey values of 4 bits."""


def dataset_of(
    name: str,
    train: ArrayLike,
    validation: ArrayLike | None = None,
    test: ArrayLike | None = None,
    source: object = None,
) -> Dataset:
    """A data set of arrays, all of one of the shapes above: channels first become channels last.

    source  what errors call it; without it the name

    bool becomes 0 and 255; whole numbers of any dtype, if they are in 0..255, bytes; float16 becomes float32.  Raises
    DataError for another shape or dtype, whole numbers beyond bytes, NaN, and parts that do not fit each other.
    Warns, DataWarning, of bytes that are nearly black throughout.
    """
    source = source or name
    first = in_pictures(source, train)
    others = [None if part is None else in_pictures(source, part) for part in (validation, test)]
    for array in others:
        if array is not None and array.shape[1:] != first.shape[1:]:
            raise DataError(f"{source}: examples of shape {array.shape[1:]}, expected {first.shape[1:]} as in 'train'")
    rows = as_rows(source, first)
    for_validation, for_test = (None if array is None else as_rows(source, array) for array in others)
    if rows.dtype == np.uint8 and 0 < (most := rows.max()) <= DARK:
        as_is = f"trained on as bytes, so as 0 to {most / 255:.2g}"
        advice = f"divided by {most} they fill [0, 1]"
        warnings.warn(f"{source}: whole numbers up to {most}, {as_is}; {advice}", DataWarning, stacklevel=3)
    return Dataset(name, rows, for_validation, for_test, first.shape[1:] if first.ndim > 2 else None)


def as_array(name: object, values: ArrayLike) -> np.ndarray:
    """Values as an array of real numbers in the machine's byte order; not empty."""
    if hasattr(values, "toarray"):
        raise DataError(f"{name}: a sparse matrix, expected an array (its toarray())")
    try:
        array = np.asarray(values)
    except Exception as error:  # lists that are ragged, tensors on a GPU or with a gradient, ...
        raise DataError(f"{name}: no array ({one_line(error)}), expected numbers of shape {SHAPES}") from error
    if np.ma.is_masked(values):
        raise DataError(f"{name}: a masked array, expected a number in each entry")
    native = array.dtype.newbyteorder("=")
    if native.kind not in "biuf" or native.itemsize > 8:
        raise DataError(f"{name}: dtype {array.dtype}, expected uint8 (0 to 255), bool or a float of 16, 32 or 64 bits")
    if array.ndim < 2 or array.size == 0:
        advice = "; one feature is (N, 1)" if array.ndim == 1 else ""
        raise DataError(f"{name}: shape {array.shape}, expected {SHAPES}, at least one example and one feature{advice}")
    return array.astype(native, copy=False)


def in_pictures(name: object, values: ArrayLike) -> np.ndarray:
    """(N, F), (N, H, W) or (N, H, W, 3), colours last, of any of the shapes above."""
    array = as_array(name, values)
    match array.shape:
        case (_, _) | (_, _, _) | (_, _, _, 3):
            return array
        case (n, height, width, 1) | (n, 1, height, width):
            return array.reshape(n, height, width)
        case (_, 3, _, _):
            return array.transpose(0, 2, 3, 1)
    raise DataError(f"{name}: shape {array.shape}, expected {SHAPES}")


def as_rows(name: object, array: np.ndarray) -> np.ndarray:
    """(N, ...) to (N, F) of a dtype that `Dataset` takes."""
    rows = array.reshape(len(array), -1)
    match rows.dtype.kind:
        case "b":
            return rows.astype(np.uint8) * np.uint8(255)
        case "f":
            return rows.astype(np.float32) if rows.dtype == np.float16 else rows
    if rows.min() < 0 or rows.max() > 255:
        whole = f"whole numbers from {rows.min()} to {rows.max()}"
        raise DataError(f"{name}: {whole}, expected 0 to 255, which are trained on as bytes, or floats")
    return rows.astype(np.uint8, copy=False)
