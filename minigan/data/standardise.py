"""Standardised features: each less its mean over the training examples, divided by its deviation; and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigan.data.chunks import chunks


@dataclass(frozen=True, eq=False)
class Standard:
    """y = (x - mean) / deviation,  feature by feature.

    mean, deviation  (F,) float64; a deviation of 0, of a feature that never varies, counts as 1 on the way there, and
                     on the way back gives the mean
    """

    mean: np.ndarray = field(repr=False)
    deviation: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, examples: np.ndarray, units: Callable[[np.ndarray, type], np.ndarray]) -> Standard:
        """The mean and the deviation of examples (N, F) as `units` gives them, some rows at a time.

        units  (n, F) as stored, dtype -> (n, F) of this dtype
        """

        def mean_of(function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
            total = sum(function(units(examples[rows], np.float64)).sum(axis=0) for rows in chunks(examples))
            return total / len(examples)

        # Rounding would give a feature that never varies a tiny deviation.
        varies = examples.min(axis=0) < examples.max(axis=0)
        mean = np.where(varies, mean_of(lambda x: x), units(examples[:1], np.float64)[0])
        return cls(mean, np.where(varies, np.sqrt(mean_of(lambda x: np.square(x - mean))), 0.0))

    def applied(self, x: np.ndarray) -> np.ndarray:
        """x (n, F) to y (n, F)"""
        return (x - self.mean) / np.where(self.deviation == 0, 1, self.deviation)

    def undone(self, y: np.ndarray) -> np.ndarray:
        """y (n, F) to x (n, F) of its dtype, computed in float64."""
        return (self.mean + self.deviation * y).astype(y.dtype)

    def to_json(self) -> dict[str, list[float]]:
        """As a checkpoint's header keeps it; floats of JSON are exact."""
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}

    @classmethod
    def from_json(cls, kept: dict[str, list[float]]) -> Standard:
        return cls(np.array(kept["mean"], np.float64), np.array(kept["deviation"], np.float64))


def is_standard(kept: Any) -> bool:
    """Whether this, read from a checkpoint's JSON, can be what `to_json` made."""
    if not isinstance(kept, dict) or kept.keys() != {"mean", "deviation"}:
        return False
    mean, deviation = kept["mean"], kept["deviation"]
    return (
        isinstance(mean, list)
        and isinstance(deviation, list)
        and len(mean) == len(deviation) > 0
        and all(type(number) is float and abs(number) < float("inf") for number in mean + deviation)
        and min(deviation) >= 0
    )
