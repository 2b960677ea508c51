"""A data set in memory: one example a row, bytes or floats, with its parts and the shape of a picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from minigan.data.chunks import chunks
from minigan.data.contrast import normalisation
from minigan.data.labels import Labels
from minigan.data.standardise import Standard
from minigan.errors import DataError

DTYPES = ("uint8", "float32", "float64")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples as matrices of one dtype: uint8, float32 or float64.  Bytes are trained on as byte / 255.

    train        (N, F)
    validation   (Nv, F) or None
    test         (Nt, F) or None
    image_shape  (H, W) or (H, W, 3), its product F; None where a row is no picture
    contrast     the length that global contrast normalisation gives to each example, instead of / 255; None for none
    standard     the means and deviations by which features are standardised, after / 255; None for none
    labels       the class of each row of `train`; None where nobody asks for them

    Raises DataError for another rank or dtype, for no example or no feature, for NaN or infinity, for parts that do
    not fit each other, the image or the labels, for a length that is not above 0, and for both contrast and standard.
    """

    name: str
    train: np.ndarray = field(repr=False)
    validation: np.ndarray | None = field(default=None, repr=False)
    test: np.ndarray | None = field(default=None, repr=False)
    image_shape: tuple[int, ...] | None = None
    contrast: float | None = None
    standard: Standard | None = field(default=None, repr=False)
    labels: Labels | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_examples(f"{self.name}: training data", self.train)
        for part, examples in (("validation data", self.validation), ("test data", self.test)):
            if examples is not None:
                check_examples(f"{self.name}: {part}", examples)
                check_alike(f"{self.name}: {part}", examples, self.train)
        if self.image_shape is not None:
            check_image_shape(self.name, self.image_shape, self.n_features)
        if self.labels is not None and len(self.labels.numbers) != len(self.train):
            raise DataError(f"{self.name}: {len(self.labels.numbers)} labels, expected {len(self.train)}, one a row")
        if self.contrast is not None and not 0 < self.contrast < np.inf:
            raise DataError(f"{self.name}: contrast {self.contrast}, expected a length above 0")
        if self.standard is not None:
            if self.contrast is not None:
                raise DataError(f"{self.name}: contrast-normalised and standardised, expected one of the two")
            if len(self.standard.mean) != self.n_features:
                features = f"{len(self.standard.mean)} means and deviations"
                raise DataError(f"{self.name}: {features}, expected {self.n_features}, one a feature")

    def standardised(self) -> Dataset:
        """The same examples, trained on with mean 0 and deviation 1 in each feature of `train`."""
        return replace(self, standard=Standard.of(self.train, self.plain))

    @property
    def n_features(self) -> int:
        """F"""
        return self.train.shape[1]

    @property
    def in_unit_interval(self) -> bool:
        """Whether training data lie in [0, 1] as they are trained on, as probabilities do."""
        return self.within(0, 1)

    def within(self, low: float, high: float) -> bool:
        """Whether training data lie in [low, high] as they are trained on, so that a G of this range makes their like.

        Data of one contrast, and standardised ones, lie in no interval but (-inf, inf).
        """
        if self.contrast is not None or self.standard is not None:
            return (low, high) == (-np.inf, np.inf)
        least, most = (0, 1) if self.train.dtype == np.uint8 else (self.train.min(), self.train.max())
        return bool(low <= least and most <= high)

    def affine(self, part: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """(scale, shift): rows x of `train`, `validation` or `test` become  scale x + shift,  yet to be standardised.

        part          (n, F)
        scale, shift  (n,) float64, or None for 1 and 0
        """
        if self.contrast is not None:
            return normalisation(part, self.contrast)
        return np.full(len(part), 1 / 255) if part.dtype == np.uint8 else None, None

    def scaled(self, part: np.ndarray, dtype: DTypeLike) -> np.ndarray:
        """Rows of `train`, `validation` or `test` as they are trained on: (n, F) to a new (n, F) of a float dtype."""
        if self.standard is None:
            return self.plain(part, dtype)
        scaled = np.empty(part.shape, dtype)
        for rows in chunks(part):
            scaled[rows] = self.standard.applied(self.plain(part[rows], np.float64))
        return scaled

    def plain(self, part: np.ndarray, dtype: DTypeLike) -> np.ndarray:
        """The same as `scaled`, but not standardised: in the units that samples have.

        dtype(dtype(x) dtype(scale)) + dtype(shift),  rounded after each step: to the last bit what `Ops.gather` makes.
        """
        rows = part.astype(dtype)
        scale, shift = self.affine(part)
        if scale is not None:
            rows *= scale.astype(dtype)[:, None]
        if shift is not None:
            rows += shift.astype(dtype)[:, None]
        return rows

    def means(self) -> np.ndarray:
        """The mean of each feature over the scaled training data: (F,) float64."""
        if self.contrast is None and self.standard is None:
            return self.train.mean(axis=0, dtype=np.float64) * (1 / 255 if self.train.dtype == np.uint8 else 1)
        total = np.zeros(self.n_features)
        for rows in chunks(self.train):
            total += self.scaled(self.train[rows], np.float64).sum(axis=0)
        return total / len(self.train)


def check_examples(what: str, examples: np.ndarray) -> None:
    """Raise DataError unless this is an (N, F) array of an accepted dtype, not empty and finite throughout."""
    if examples.ndim != 2:
        raise DataError(f"{what} of shape {examples.shape}: expected one row an example, (N, F)")
    if examples.dtype not in [np.dtype(name) for name in DTYPES]:
        raise DataError(f"{what} of dtype {examples.dtype}: expected {', '.join(DTYPES)}")
    if examples.size == 0:
        raise DataError(f"{what} of shape {examples.shape}: expected at least one example and one feature")
    if examples.dtype.kind == "f":
        check_finite(what, examples)


def check_finite(what: str, examples: np.ndarray) -> None:
    """Raise DataError at the first row with NaN or infinity."""
    for rows in chunks(examples):
        finite = np.isfinite(examples[rows]).all(axis=1)
        if not finite.all():
            raise DataError(f"{what}: NaN or infinity in row {rows.start + finite.argmin()}, expected finite numbers")


def check_alike(what: str, examples: np.ndarray, train: np.ndarray) -> None:
    """Raise DataError unless both have one number of features and one dtype."""
    if examples.shape[1] != train.shape[1]:
        raise DataError(f"{what}: {examples.shape[1]} features, expected {train.shape[1]} as in the training data")
    if examples.dtype != train.dtype:
        raise DataError(f"{what}: dtype {examples.dtype}, expected {train.dtype} as in the training data")


def check_image_shape(name: str, shape: tuple[int, ...], n_features: int) -> None:
    """Raise DataError unless (H, W) or (H, W, 3) has this many values."""
    if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)) or prod(shape) != n_features:
        raise DataError(f"{name}: image shape {shape}, expected (H, W) or (H, W, 3) with {n_features} values in all")
