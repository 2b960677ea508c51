"""By how much two arrays of one name differ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

WEIGHT = re.compile(r"(generator|discriminator)\.\d+\.\w+")
ROUNDING = 256
"""Units in the last place of an array's largest entry: by no more does one kernel's order of adding up move it."""


@dataclass(frozen=True, eq=False)
class Apart:
    """Two arrays that should be one.

    name        as checkpoints have it, "generator.velocity.0.W", or what a move of the game made: "D(x), D(G(z))"
    one, other  arrays, perhaps of different shapes
    """

    name: str
    one: np.ndarray
    other: np.ndarray

    @property
    def alike(self) -> bool:
        """Whether the shapes are the same, without which no entry is the other's."""
        return self.one.shape == self.other.shape

    @cached_property
    def _differs(self) -> np.ndarray:
        return ~((self.one == self.other) | (np.isnan(self.one) & np.isnan(self.other)))

    @cached_property
    def entries(self) -> int:
        """How many entries differ; all of them where the shapes do."""
        return int(self._differs.sum()) if self.alike else self.one.size

    @cached_property
    def where(self) -> tuple[int, ...]:
        """The entry that differs most."""
        distance = np.where(self._differs, np.nan_to_num(self._distance, nan=np.inf), -1)
        return tuple(int(i) for i in np.unravel_index(distance.argmax(), distance.shape))

    @property
    def _distance(self) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.abs(self.one.astype(np.float64) - self.other)

    @cached_property
    def largest(self) -> float:
        """max |one - other|"""
        return float(self._distance[self.where])

    @cached_property
    def relative(self) -> float:
        """max |one - other| / max(|one|, |other|)"""
        scale = max(float(np.abs(array).max()) for array in (self.one, self.other))
        return self.largest / scale if scale else 0.0

    @property
    def is_rounding(self) -> bool:
        """Whether another order of adding up explains it; nothing does where the shapes differ."""
        if not self.alike:
            return False
        return self.relative <= ROUNDING * float(max(np.finfo(a.dtype).eps for a in (self.one, self.other)))

    @property
    def is_weight(self) -> bool:
        return WEIGHT.fullmatch(self.name) is not None

    @property
    def at(self) -> str:
        """The name with the entry that differs most: "generator.2.W[3, 5]"."""
        return f"{self.name}{list(self.where)}" if self.alike else self.name

    @property
    def by(self) -> str:
        """ "by 3.1e-03 (5.0e-01 of its largest entry)" """
        if not self.alike:
            return f"of shape {self.one.shape} and {self.other.shape}"
        return f"by {self.largest:.1e} ({self.relative:.1e} of its largest entry)"

    @property
    def values(self) -> str:
        """The entry that differs most, in both, with the digits that tell them apart; or their shapes."""
        if not self.alike:
            return f"shapes {self.one.shape} and {self.other.shape}"
        return f"{self.one[self.where]!s} and {self.other[self.where]!s}"


def apart(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> list[Apart]:
    """Those of the names that both have whose arrays differ, in the order of `one`; NaN is equal to NaN."""
    pairs = [(name, array, other[name]) for name, array in one.items() if name in other]
    return [Apart(name, a, b) for name, a, b in pairs if not np.array_equal(a, b, equal_nan=True)]
