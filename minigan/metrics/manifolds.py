"""Precision and recall (Kynkaanniemi et al. 2019, arXiv 1904.06991), density and coverage (Naeem et al. 2020, arXiv
2002.09797): how samples lie among data, in balls that reach to the k-th nearest neighbour.

For N real points x_i and M fake ones y_j, r the distance to the k-th nearest other point of the same set,

    precision  (1/M) sum_j [some i: |x_i - y_j| < r(x_i)]        fakes that lie among the real ones
    recall     (1/N) sum_i [some j: |x_i - y_j| < r(y_j)]        real ones that lie among the fakes
    density    (1/kM) sum_j sum_i [|x_i - y_j| < r(x_i)]         in how many real balls a fake lies, over k
    coverage   (1/N) sum_i [some j: |x_i - y_j| < r(x_i)]        real balls with a fake inside

as the authors of the latter two count (the package `prdc`).  Memory does not grow with N M.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigan.backends import Ops
from minigan.errors import ConfigError
from minigan.metrics.balls import Balls
from minigan.metrics.bounds import exact, lower, places, tiles
from minigan.metrics.distances import Frame

NEAREST = 5
"""k of Naeem et al."""


@dataclass(frozen=True)
class Overlap:
    """The four measures; density may be above 1."""

    precision: float
    recall: float
    density: float
    coverage: float


def overlap(ops: Ops, real: np.ndarray, fake: np.ndarray, k: int = NEAREST) -> Overlap:
    """The four measures of real (N, d) and fake (M, d) floats.

    Raises ConfigError for widths that differ, and unless k is at least 1 and below N and M.
    """
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1] or not real.size * fake.size:
        raise ConfigError(f"real points {real.shape} and fake ones {fake.shape}: expected rows of one width")
    frame = Frame.around(real, fake)
    return compared(ops, Balls.around(ops, frame, real, k), Balls.around(ops, frame, fake, k))


def compared(ops: Ops, real: Balls, fake: Balls) -> Overlap:
    """The four measures of points in one frame whose balls are known."""
    if real.points.right.dtype != fake.points.right.dtype:
        real, fake = real.in_double(ops), fake.in_double(ops)
    precise, recalled, covered = (np.zeros(len(of.points), bool) for of in (fake, real, real))
    inside = 0
    with ops.session():
        for rows in tiles(len(real.points)):
            left = real.points.left(ops, rows)
            for columns in tiles(len(fake.points)):
                tile = lower(ops, left, fake.points, columns)
                i, j = held(real, fake, tile, rows, columns, real.squares[rows, None])
                inside += len(i)
                covered[i], precise[j] = True, True
                i, _ = held(real, fake, tile, rows, columns, fake.squares[columns])
                recalled[i] = True
    return Overlap(
        float(precise.mean()), float(recalled.mean()), inside / (real.k * len(fake.points)), float(covered.mean())
    )


def held(
    real: Balls, fake: Balls, tile: np.ndarray, rows: slice, columns: slice, squares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(P,) i and (P,) j of all pairs of a tile nearer than a radius: |x_i - y_j|^2 < r^2.

    tile     (B, T) lower bounds, of the rows of `real` and of the columns that are those of `fake`
    squares  r^2, (B, 1) or (T,)
    """
    row, column = places(tile < np.nextafter(squares.astype(tile.dtype), np.inf, dtype=tile.dtype))
    i, j = rows.start + row, columns.start + column
    limit = np.broadcast_to(squares, tile.shape)[row, column]
    sure = tile[row, column] + real.points.width[i] + fake.points.width[j] < limit
    nearer = sure.copy()
    nearer[~sure] = exact(real.points, fake.points, i[~sure], j[~sure]) < limit[~sure]
    return i[nearer], j[nearer]
