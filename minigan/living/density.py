"""Densities on the cells of a window, by a kernel; with them D* = p_data / (p_data + p_g), seen through that kernel.

Samples of p_g alone are known, not its density.  Each is given a normal kernel of deviation h, and p_data too, so that
what is shown is the D* of data and samples to which the same noise was added.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from minigan.data import Dataset, Mixture

MOST = 10_000
"""Examples of which p_data is estimated, evenly from all."""
HARDLY_ANY = 1e-3
"""Below this share of the largest density of both, D* is not shown: there is hardly anything to tell apart."""


@dataclass(frozen=True, eq=False)
class Window:
    """A box of `cells` to a side around the data, in one or two dimensions.

    low   (n,) its corner
    side  its length
    """

    low: np.ndarray
    side: float
    cells: int

    @classmethod
    def around(cls, x: np.ndarray, cells: int) -> Window:
        """With room for what G makes beside the data x (N, n)."""
        low, high = x.min(axis=0), x.max(axis=0)
        side = 1.35 * float((high - low).max()) or 1.0
        return cls((low + high - side) / 2, side, cells)

    @property
    def cell(self) -> float:
        """The length of a cell."""
        return self.side / self.cells

    @property
    def h(self) -> float:
        """The kernel's deviation."""
        return 1.25 * self.cell

    @property
    def middles(self) -> np.ndarray:
        """(cells,) the middles of cells along a side, from 0."""
        return (np.arange(self.cells) + 0.5) * self.cell

    @property
    def points(self) -> np.ndarray:
        """(cells^n, n) the middles of all cells, the first coordinate running fastest: row by row from below."""
        n = len(self.low)
        steps = np.stack(np.meshgrid(*[self.middles] * n, indexing="ij"), axis=-1).reshape(-1, n)
        return steps[:, ::-1] + self.low

    def estimate(self, x: np.ndarray) -> np.ndarray:
        """The density of samples x (N, n) on the cells, (cells^n,):  (1/N) sum_i prod_a N(cell_a; x_ia, h^2)."""
        along = [
            np.exp(-(((self.middles + low)[:, None] - values) ** 2) / (2 * self.h**2)) / (np.sqrt(2 * np.pi) * self.h)
            for low, values in zip(self.low, np.asarray(x, np.float64).T)
        ]
        return along[0].mean(axis=1) if len(along) == 1 else (along[1] @ along[0].T).ravel() / len(x)

    def density_of(self, data: Dataset | Mixture, dtype: np.dtype[np.floating]) -> np.ndarray:
        """p_data on the cells: of a mixture its own, convolved with the kernel; of examples their estimate."""
        if isinstance(data, Mixture):
            wider = float(np.hypot(data.deviation, self.h))
            return replace(data, deviation=wider).density(self.points)
        some = data.train[:: -(-len(data.train) // MOST)]
        return self.estimate(data.scaled(some, dtype))


def optimal(p_data: np.ndarray, p_g: np.ndarray) -> np.ndarray:
    """D* (proposition 1); NaN where there is hardly any of both."""
    both = p_data + p_g
    there = both > HARDLY_ANY * max(p_data.max(), p_g.max())
    return np.where(there, p_data / np.where(there, both, 1), np.nan)
