"""Squared distances between all rows of two sets, as bounds from one matrix product; and the exact ones of a few pairs.

    |x - s|^2 = |x|^2 + |s|^2 - 2 x.s = [-2x, |x|^2, 1] . [s, 1, |s|^2]

With both squared lengths made smaller by the product's largest error the product is a lower bound L; L + w(x) + w(s) is
an upper one.  What they leave undecided is summed from the differences in float64, always in the same order: equal
pairs have equal distances to the last bit, so that ties are ties.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from minigan.backends import Array, Ops
from minigan.metrics.distances import Frame

TILE = 1000
PAIRS_AT_ONCE = 1 << 20
"""entries of the differences that lie in memory at once"""


@dataclass(frozen=True)
class Cloud:
    """Rows in a frame, ready for products of one precision.

    rows    (n, d) floats as they were given
    right   (n, d + 2) [x, 1, low(|x|^2)] on the backend, in the product's dtype
    width   (n,) float64, w: its share of the distance between both bounds
    """

    frame: Frame
    rows: np.ndarray
    right: Array
    width: np.ndarray

    @classmethod
    def of(cls, ops: Ops, frame: Frame, rows: np.ndarray, dtype: DTypeLike) -> Cloud:
        """Rows (n, d).  A frame that is around them keeps the products finite."""
        n, d = rows.shape
        right, width = np.empty((n, d + 2), dtype), np.empty(n)
        limits = np.finfo(right.dtype)
        # A product of K = d + 2 terms is off by K u of the sum of their absolute values, at most 2 (|x|^2 + |s|^2)
        # (Higham 2002, section 3.1); the entries and the squared lengths are rounded besides.  Below the smallest
        # normal number rounding is absolute.
        share = (d + 8) * float(limits.eps) / 2
        error, floor = 2 * share / (1 - share), (d + 2) * float(limits.tiny)
        for part in tiles(n):
            there = np.ldexp(rows[part] - frame.centre, -frame.exponent)
            norms = np.einsum("ij,ij->i", there, there)
            right[part, :d], right[part, d] = there, 1
            right[part, d + 1] = norms * (1 - error) - floor
            width[part] = 2 * (norms * error + floor)
        return cls(frame, rows, ops.asarray(right), width)

    def __len__(self) -> int:
        return len(self.rows)

    def left(self, ops: Ops, of: slice | np.ndarray) -> Array:
        """[-2x, low(|x|^2), 1] of some rows: (B, d + 2) on the backend."""
        right = ops.to_host(self.right[of]) if isinstance(of, slice) else ops.to_host(self.right)[of]
        return ops.asarray(np.concatenate([-2 * right[:, :-2], right[:, :-3:-1]], axis=1))


def lower(ops: Ops, left: Array, s: Cloud, columns: slice) -> np.ndarray:
    """L, in the frame: B rows as `Cloud.left` gives them and T columns of s to (B, T)."""
    right = s.right[columns]
    return ops.to_host(ops.gemm(left, right, out=ops.empty((len(left), len(right)), right.dtype), trans_b=True))


def exact(x: Cloud, s: Cloud, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """|x_i - s_j|^2 in the frame, from the differences: P indices each to (P,) float64."""
    found = np.empty(len(i))
    step = max(1, PAIRS_AT_ONCE // x.rows.shape[1])
    for start in range(0, len(i), step):
        some = slice(start, start + step)
        differences = x.frame.scaled(x.rows[i[some]].astype(np.float64) - s.rows[j[some]])
        found[some] = np.einsum("ij,ij->i", differences, differences)
    return found


def places(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows and the columns of what is True in (B, T), row after row; faster than `nonzero` where that is little."""
    row, column = np.divmod(np.flatnonzero(chosen), chosen.shape[1])
    return row, column


def tiles(n: int) -> Iterator[slice]:
    """0 to n - 1 in runs of 1000."""
    return (slice(start, min(start + TILE, n)) for start in range(0, n, TILE))
