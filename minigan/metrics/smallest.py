"""The few smallest numbers of each row of a matrix that comes in tiles, and where they stood."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from minigan.metrics.bounds import places


class Smallest:
    """The m smallest of what has been offered to each of n rows, in no order.

    values  (n, m), infinite where fewer have been offered
    where   (n, m) int32, the columns that they come from
    worst   (n,) the largest of `values`: what is not below it is passed over
    """

    def __init__(self, n: int, m: int, dtype: DTypeLike):
        self.values = np.full((n, m), np.inf, dtype)
        self.where = np.zeros((n, m), np.int32)
        self.worst = np.full(n, np.inf, dtype)

    def offer(self, rows: slice, tile: np.ndarray, first: int) -> None:
        """A tile (B, T), of B rows and of the columns `first` to `first` + T - 1."""
        m = self.values.shape[1]
        near = tile < self.worst[rows, None]
        if np.count_nonzero(near) > 4 * m * len(tile):
            column = np.argpartition(tile, m - 1, axis=1)[:, :m].ravel()
            row = np.repeat(np.arange(len(tile)), m)
        else:
            row, column = places(near)
        if len(row):
            self._take(rows, row, tile[row, column], first + column)

    def _take(self, rows: slice, row: np.ndarray, values: np.ndarray, where: np.ndarray) -> None:
        """Keep what is small of values that come in the order of their rows, counted from the first of `rows`."""
        n, m = rows.stop - rows.start, self.values.shape[1]
        counts = np.bincount(row, minlength=n)
        behind = m + np.arange(len(row)) - (np.cumsum(counts) - counts)[row]
        table = np.full((n, m + counts.max()), np.inf, self.values.dtype)
        places = np.zeros(table.shape, np.int32)
        table[:, :m], places[:, :m] = self.values[rows], self.where[rows]
        table[row, behind], places[row, behind] = values, where
        kept = np.argpartition(table, m - 1, axis=1)[:, :m]
        self.values[rows] = np.take_along_axis(table, kept, axis=1)
        self.where[rows] = np.take_along_axis(places, kept, axis=1)
        self.worst[rows] = self.values[rows].max(axis=1)
