"""What class each example is of: labels as data sets have them, and the classes that a trained generator knows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from minigan.errors import ConfigError, DataError, did_you_mean, one_line, shortened
from minigan.rng import Draw, Stream, unit_uniform, words

EXPECTED = "whole numbers or texts of shape (N,), one a row"


class DescribedLabels(TypedDict):
    """What a checkpoint says of the training data's labels."""

    classes: list[int | str]
    counts: list[int]
    sha256: str


@dataclass(frozen=True)
class Classes:
    """The classes that there are.      C = len(names)

    names   whole numbers or texts, each once
    counts  how many training examples are of each
    """

    names: tuple[int | str, ...]
    counts: tuple[int, ...]

    def numbers(self, labels: ArrayLike, n: int) -> np.ndarray:
        """The number of each row's class, (n,): labels (n,), or one for all rows, by the classes' names.

        Raises ConfigError for another number of labels and for what is no class.
        """
        named = {str(name): number for number, name in enumerate(self.names)}
        given = np.atleast_1d(as_labels("labels", labels))
        if given.shape not in ((1,), (n,)):
            raise ConfigError(f"labels of shape {given.shape}: expected {n}, one a row, or one for all")
        found = [named.get(str(label), -1) for label in given.tolist()]
        if min(found) < 0:
            odd = str(given[found.index(-1)])
            known = shortened(", ".join(named))
            raise ConfigError(f"label {shortened(odd)}: expected one of {known}{did_you_mean(odd, named)}")
        return np.broadcast_to(np.array(found), (n,))

    def draw(self, n: int, seed: int) -> np.ndarray:
        """Classes by their frequency among the training examples, by number: (n,), the same ones however many."""
        u = unit_uniform(words(Draw(seed, 0, 0, Stream.LABEL, np.arange(n, dtype=np.uint32)), 1)[:, 0])
        return np.searchsorted(np.cumsum(self.counts) / sum(self.counts), u, side="right")

    def one_hot(self, numbers: np.ndarray, dtype: DTypeLike) -> np.ndarray:
        """y (n, C): 1 in the column of each row's class, else 0."""
        return np.eye(len(self.names), dtype=dtype)[numbers]


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of a data set's training examples.

    classes  those that occur, in order
    numbers  (N,) the number of each example's class
    """

    classes: Classes
    numbers: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, source: object, values: ArrayLike, names: tuple[str, ...] = ()) -> Labels:
        """Labels as scikit-learn takes them: (N,) whole numbers, truth values or texts.

        source  what errors call them
        names   of the classes that are numbered 0, 1, ...; without them a class is called what its label is

        Raises DataError for another kind or shape.
        """
        labels = as_labels(source, values)
        if labels.ndim != 1 or not len(labels):
            raise DataError(f"{source}: labels of shape {labels.shape}, expected {EXPECTED}")
        known, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
        called = tuple(names[number] for number in known) if names else tuple(known.tolist())
        return cls(Classes(called, tuple(counts.tolist())), numbers.reshape(-1))

    def one_hot(self) -> np.ndarray:
        """(N, C) uint8"""
        return self.classes.one_hot(self.numbers, np.uint8)

    def to_json(self) -> DescribedLabels:
        """The classes, and a SHA-256 of which example is of which."""
        sha256 = hashlib.sha256(self.numbers.astype("<i8").data).hexdigest()
        return {"classes": list(self.classes.names), "counts": list(self.classes.counts), "sha256": sha256}


def as_labels(source: object, values: ArrayLike) -> np.ndarray:
    """Values as an array of whole numbers or of texts.  Raises DataError for others."""
    try:
        labels = np.asarray(values)
    except Exception as error:  # ragged lists, tensors on a GPU, ...
        raise DataError(f"{source}: no labels ({one_line(error)}), expected {EXPECTED}") from error
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels.flat):
        labels = labels.astype(str)
    if labels.dtype.kind == "f" and (np.abs(labels) < 2**53).all() and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "b":
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iuU":
        raise DataError(f"{source}: labels of dtype {labels.dtype}, expected {EXPECTED}")
    return labels


def row_by_row(names: tuple[int | str, ...], columns: int, n: int | None = None) -> np.ndarray:
    """The labels of a grid of n samples whose rows have a class each, one after the other; n None: of a row a class."""
    n = len(names) * columns if n is None else n
    return np.array(names)[np.arange(n) // columns % len(names)]


def are_described(labels: Any) -> bool:
    """Whether this, read from a checkpoint's JSON, can be what `Labels.to_json` made."""
    if not (isinstance(labels, dict) and labels.keys() == {"classes", "counts", "sha256"}):
        return False
    names, counts = labels["classes"], labels["counts"]
    return (
        isinstance(names, list)
        and isinstance(counts, list)
        and len(names) == len(counts) > 0
        and any(all(type(name) is kind for name in names) for kind in (int, str))
        and len(set(names)) == len(names)
        and all(type(count) is int and 1 <= count < 2**53 for count in counts)
        and isinstance(labels["sha256"], str)
    )


def beside(classes: Classes | None, rows: np.ndarray, labels: ArrayLike | None) -> np.ndarray:
    """[rows; y] (n, n_in + C), y one-hot (n, C); without classes the rows (n, n_in) as they are.

    Raises ConfigError for labels that are missing, or that there are no classes for.
    """
    if classes is None:
        if labels is not None:
            raise ConfigError("labels: expected none, since both players were trained without --condition labels")
        return rows
    if labels is None:
        known = shortened(", ".join(map(str, classes.names)))
        raise ConfigError(f"no labels: expected one for each row, since G and D are told its class, one of {known}")
    return np.hstack([rows, classes.one_hot(classes.numbers(labels, len(rows)), rows.dtype)])
