"""Squared distances between rows, accurate for rows far from 0 and for rows close to each other.

    |x - s|^2 = |x|^2 + |s|^2 - 2 x.s

takes one matrix product, but cancels: its error grows with |x|^2 + |s|^2.  So a common centre is taken off first, and
distances that are still too blurred, and matter, are summed anew from the differences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDING = 2.0**-53


@dataclass(frozen=True)
class Frame:
    """x -> (x - centre) 2^-exponent: where products are taken.  No entry is above 1 there, so no square overflows.

    centre  (d,) float64
    """

    centre: np.ndarray
    exponent: int

    @classmethod
    def around(cls, rows: np.ndarray, *others: np.ndarray) -> Frame:
        """The mean of the rows (n, d), and a power of two above every entry of theirs and of others (., d)."""
        centre = rows.mean(axis=0, dtype=np.float64)
        ends = [end.astype(np.float64) for part in (rows, *others) for end in (part.min(axis=0), part.max(axis=0))]
        largest = np.abs(ends - centre).max()
        return cls(centre, int(np.frexp(largest)[1]) if np.isfinite(largest) else 0)

    def scaled(self, lengths: np.ndarray) -> np.ndarray:
        """Lengths as they are in the frame."""
        return np.ldexp(lengths, -self.exponent)

    def normalised(self, rows: np.ndarray) -> Normalised:
        """Rows (n, d) of floats, in the frame."""
        there = rows - self.centre
        np.ldexp(there, -self.exponent, out=there)
        return Normalised(self, rows, there, np.einsum("ij,ij->i", there, there))


@dataclass(frozen=True)
class Normalised:
    """Rows in a frame.

    rows   (n, d) as they were given
    there  (n, d) float64 in the frame
    norms  (n,) float64, |there|^2
    """

    frame: Frame
    rows: np.ndarray
    there: np.ndarray
    norms: np.ndarray

    def __getitem__(self, part: slice) -> Normalised:
        return Normalised(self.frame, self.rows[part], self.there[part], self.norms[part])

    def largest(self) -> Normalised:
        """The longest row alone."""
        longest = int(self.norms.argmax())
        return self[longest : longest + 1]


def errors(x: Normalised, s: Normalised) -> np.ndarray:
    """A bound on the formula's error in the frame, for any order of its sums: B and n rows to (B, n).

    A product of d terms is off by at most d u |x| |s|, u = 2^-53 (Higham 2002, section 3.1); so are the squared
    lengths, and the entries by u each.
    """
    return 2 * (x.rows.shape[1] + 8) * ROUNDING * (x.norms[:, None] + s.norms)


def squared(
    x: Normalised, s: Normalised, products: np.ndarray, within: float = 0.0, bearable: float = 0.0
) -> np.ndarray:
    """|x - s|^2 in the frame, never negative: B and n rows to (B, n).

    products  (B, n) x.s in the frame
    within    what matters: all that may be at most so much farther than the nearest s of the same x
    bearable  an error that is left alone
    """
    distance, error = x.norms[:, None] + s.norms - 2 * products, errors(x, s)
    nearest = (distance + error).min(axis=1, keepdims=True)
    blurred = (distance - error <= nearest + within) & (error > bearable)
    for i in np.flatnonzero(blurred.any(axis=1)):
        differences = x.frame.scaled(x.rows[i].astype(np.float64) - s.rows[blurred[i]])
        distance[i, blurred[i]] = np.einsum("ij,ij->i", differences, differences)
    return np.maximum(distance, 0, out=distance)
