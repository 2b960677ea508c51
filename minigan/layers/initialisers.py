"""Initial parameters: the authors' recipe (uniform, sparse, bias from the data's marginals) and N(0, s^2).

An initialiser is called with the parameter's shape and a `Draw` without rows that is its own among all parameters of
the run, and returns a float64 NumPy array; the network rounds it to its dtype.  It runs once, on the host.  Those here
raise ConfigError for a number that is not finite or out of its bounds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf, isfinite
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from minigan import rng
from minigan.errors import ConfigError, shortened
from minigan.options.recipe import fits
from minigan.rng import Draw


class Initialiser(Protocol):
    def __call__(self, shape: tuple[int, ...], draw: Draw) -> NDArray[np.float64]: ...


def drawn(start: Initialiser, parameter: str, shape: tuple[int, ...], draw: Draw) -> NDArray[np.float64]:
    """What an initialiser returns.  Raises ConfigError, naming the parameter, unless it is finite and of that shape."""
    made = np.asarray(start(shape, draw))
    if made.shape != shape or made.dtype.kind not in "fiu" or not np.isfinite(made).all():
        other = f"shape {made.shape}" if made.shape != shape else "something else"
        raise ConfigError(f"{parameter}: expected finite numbers of shape {shape}, and {start!r} gave {other}")
    return made.astype(np.float64, copy=False)


def _number(name: str, value: Any, kind: type, least: float = -inf) -> None:
    if not (fits(value, kind) and isfinite(value) and value >= least):
        expected = "a whole number, at least 1" if kind is int else f"a finite number{', at least 0' * (least == 0)}"
        raise ConfigError(f"{name}={shortened(repr(value))}: expected {expected}")


def _words(shape: tuple[int, ...], draw: Draw, width: int) -> np.ndarray:
    return rng.words(replace(draw, rows=np.arange(shape[0], dtype=np.uint32)), width)


@dataclass(frozen=True)
class Constant:
    """Every entry the same."""

    value: float

    def __post_init__(self) -> None:
        _number("value", self.value, float)

    def __call__(self, shape: tuple[int, ...], draw: Draw) -> NDArray[np.float64]:
        return np.full(shape, float(self.value))


@dataclass(frozen=True)
class Uniform:
    """Uniform on [-limit, limit): pylearn2's `irange`.  W (I, O)"""

    limit: float

    def __post_init__(self) -> None:
        _number("limit", self.limit, float, 0)

    def __call__(self, shape: tuple[int, ...], draw: Draw) -> NDArray[np.float64]:
        return self.limit * (2 * rng.unit_uniform(_words(shape, draw, shape[1])) - 1)


@dataclass(frozen=True)
class Normal:
    """N(0, deviation^2).  W (I, O)"""

    deviation: float

    def __post_init__(self) -> None:
        _number("deviation", self.deviation, float, 0)

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

    def __post_init__(self) -> None:
        _number("incoming", self.incoming, int, 1)

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

    def __post_init__(self) -> None:
        means = np.asarray(self.means)
        if means.dtype.kind not in "fiu" or not ((means >= 0) & (means <= 1)).all():
            raise ConfigError("means: expected an array of numbers in [0, 1]")

    def __call__(self, shape: tuple[int, ...], draw: Draw) -> NDArray[np.float64]:
        mean = np.clip(np.asarray(self.means, dtype=np.float64), 1e-7, 1 - 1e-7)
        return np.log(mean) - np.log1p(-mean)
