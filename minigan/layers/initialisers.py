"""Initial parameters: the authors' recipe (uniform, sparse, bias from the data's marginals) and N(0, s^2).

An initialiser is called with the parameter's shape and a `Draw` without rows that is its own among all parameters of
the run, and returns a float64 NumPy array; the network rounds it to its dtype.  It runs once, on the host.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from minigan import rng
from minigan.rng import Draw


class Initialiser(Protocol):
    def __call__(self, shape: tuple[int, ...], draw: Draw) -> NDArray[np.float64]: ...


def _words(shape: tuple[int, ...], draw: Draw, width: int) -> np.ndarray:
    return rng.words(replace(draw, rows=np.arange(shape[0], dtype=np.uint32)), width)


@dataclass(frozen=True)
class Constant:
    """Every entry the same."""

    value: float

    def __call__(self, shape: tuple[int, ...], draw: Draw) -> NDArray[np.float64]:
        return np.full(shape, float(self.value))


@dataclass(frozen=True)
class Uniform:
    """Uniform on [-limit, limit): pylearn2's `irange`.  W (I, O)"""

    limit: float

    def __call__(self, shape: tuple[int, ...], draw: Draw) -> NDArray[np.float64]:
        return self.limit * (2 * rng.unit_uniform(_words(shape, draw, shape[1])) - 1)


@dataclass(frozen=True)
class Normal:
    """N(0, deviation^2).  W (I, O)"""

    deviation: float

    def __call__(self, shape: tuple[int, ...], draw: Draw) -> NDArray[np.float64]:
        n = shape[1]
        return self.deviation * rng.standard_normal(_words(shape, draw, n + n % 2))[:, :n]


@dataclass(frozen=True)
class Sparse:
    """Each unit has `incoming` weights from N(0, 1), the others are 0 (Martens 2010; pylearn2's `sparse_init`).

    W (I, O).  The inputs of a unit are the first of a random order of all of them.  Raises ValueError where I is
    smaller than `incoming`.
    """

    incoming: int

    def __call__(self, shape: tuple[int, ...], draw: Draw) -> NDArray[np.float64]:
        n_in, n_out = shape
        if n_in < self.incoming:
            raise ValueError(f"sparse={self.incoming}: expected at most {n_in}, the layer's inputs")
        word = _words((n_out, n_in), draw, n_in + self.incoming + self.incoming % 2)
        chosen = np.argsort(word[:, :n_in], axis=1, kind="stable")[:, : self.incoming]
        W = np.zeros((n_out, n_in))
        np.put_along_axis(W, chosen, rng.standard_normal(word[:, n_in:])[:, : self.incoming], axis=1)
        return W.T


@dataclass(frozen=True, eq=False)
class Marginals:
    """Bias of a sigmoid output: the logit of each pixel's mean, so that G begins with the data's marginals.

    means  (O,) in [0, 1]; clipped to [1e-7, 1 - 1e-7] first, since many pixels are never lit
    """

    means: np.ndarray = field(repr=False)

    def __call__(self, shape: tuple[int, ...], draw: Draw) -> NDArray[np.float64]:
        mean = np.clip(np.asarray(self.means, dtype=np.float64), 1e-7, 1 - 1e-7)
        if mean.shape != shape:
            raise ValueError(f"bias from marginals: means of shape {mean.shape} for a bias of shape {shape}")
        return np.log(mean) - np.log1p(-mean)
