"""The distance from each point of a set to its k-th nearest neighbour: the radius of the ball that it stands for.

Each tile of the symmetric matrix of distances is multiplied once and serves its rows and its columns.  Of its bounds
(`minigan.metrics.bounds`) a few are kept for each point, and their distances are then taken one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigan.backends import Ops
from minigan.errors import ConfigError
from minigan.metrics.bounds import Cloud, exact, lower, places, tiles
from minigan.metrics.distances import Frame
from minigan.metrics.smallest import Smallest

SPARE = 8
"""neighbours that are kept beyond the k-th: those that its bounds cannot tell from it"""
FEW = 0.01
"""Of more points than this share the spare neighbours do not suffice: products in float64 have closer bounds."""
WIDE = 64
"""From so many features on products in float32 are worth their wider bounds."""

FAR = 2.0**40
"""Beyond it in the frame squared lengths could leave float32."""


@dataclass(frozen=True)
class Balls:
    """Points x_i, and around each a ball that its k-th nearest neighbour among them bounds.

    points   the points
    squares  (n,) float64, r(x_i)^2 in the frame
    k        which neighbour, the point itself not counted
    """

    points: Cloud
    squares: np.ndarray
    k: int

    @classmethod
    def around(cls, ops: Ops, frame: Frame, rows: np.ndarray, k: int) -> Balls:
        """Rows (n, d) of floats, n > k.  Memory: twice the rows, in the products' precision, and some tiles.

        Raises ConfigError unless 1 <= k < n.
        """
        if not 1 <= k < len(rows):
            raise ConfigError(f"--k {k}: expected 1 to {len(rows) - 1}, as there are {len(rows)} points")
        with ops.session():
            reach = frame.scaled(max(rows.max(), -rows.min()) + np.abs(frame.centre).max())
            single = rows.shape[1] >= WIDE and reach < FAR
            for dtype in (np.float32, np.float64) if single else (np.float64,):
                points = Cloud.of(ops, frame, rows, dtype)
                nearest = neighbours(ops, points, min(k + 1 + SPARE, len(rows)))
                squares, crowded = settled(points, nearest, k)
                if len(crowded) <= FEW * len(rows):
                    break
            for part in tiles(len(crowded)):
                squares[crowded[part]] = scanned(ops, points, crowded[part], nearest, k)
        return cls(points, squares, k)

    def in_double(self, ops: Ops) -> Balls:
        """The same, for products in float64."""
        if self.points.right.dtype == np.float64:
            return self
        return Balls(Cloud.of(ops, self.points.frame, self.points.rows, np.float64), self.squares, self.k)


def neighbours(ops: Ops, x: Cloud, m: int) -> Smallest:
    """The m smallest lower bounds in each row of the matrix of all squared distances, 0 on its diagonal."""
    found = Smallest(len(x), m, x.right.dtype)
    for rows in tiles(len(x)):
        left = x.left(ops, rows)
        for columns in tiles(len(x)):
            if columns.start >= rows.start:
                tile = lower(ops, left, x, columns)
                found.offer(rows, tile, columns.start)
                if columns.start > rows.start:
                    found.offer(columns, np.ascontiguousarray(tile.T), rows.start)
    return found


def uppermost(x: Cloud, nearest: Smallest, k: int, of: slice | np.ndarray = slice(None)) -> np.ndarray:
    """An upper bound on the squared radius of points: the (k + 1)-th smallest upper bound of those kept."""
    upper = nearest.values[of] + x.width[of][:, None] + x.width[nearest.where[of]]
    return np.partition(upper, k, axis=1)[:, k]


def settled(x: Cloud, nearest: Smallest, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The squared radii (n,), and the points for which too few neighbours were kept to be sure of that."""
    squares = np.empty(len(x))
    for part in tiles(len(x)):
        within = nearest.values[part] <= uppermost(x, nearest, k, part)[:, None]
        row, column = places(within)
        found = np.full(within.shape, np.inf)
        found[row, column] = exact(x, x, part.start + row, nearest.where[part][row, column])
        squares[part] = np.partition(found, k, axis=1)[:, k]
    complete = nearest.values.shape[1] == len(x)
    crowded = np.zeros(len(x), bool) if complete else nearest.worst <= uppermost(x, nearest, k)
    return squares, np.flatnonzero(crowded)


def scanned(ops: Ops, x: Cloud, points: np.ndarray, nearest: Smallest, k: int) -> np.ndarray:
    """The squared radii of some points, of all distances that may be below them."""
    left, most = x.left(ops, points), uppermost(x, nearest, k, points)
    found = Smallest(len(points), k + 1, np.float64)
    every = slice(0, len(points))
    for columns in tiles(len(x)):
        row, column = places(lower(ops, left, x, columns) <= most[:, None])
        tile = np.full((len(points), columns.stop - columns.start), np.inf)
        tile[row, column] = exact(x, x, points[row], columns.start + column)
        found.offer(every, tile, columns.start)
    return found.worst
