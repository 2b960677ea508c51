"""Central differences, and when they may be trusted.

    df/dtheta_i  ~  (f(theta + h e_i) - f(theta - h e_i)) / 2h

in float64 with h = 1e-6.  The step must not cross a kink: relu signs, maxout winners and dropout masks have to be equal
at +h and -h, else the check draws again, a bounded number of times.  A gradient passes where
|difference| <= 1e-6 max|analytic|  and  max|analytic| >= 1e-3:  a gradient of 0 proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from minigan.backends import Array, Ops
from minigan.layers import Sequential, Tape
from minigan.layers.params import Params

H = 1e-6
TOLERANCE = 1e-6
AGREEMENT = 1e-9
"""the tolerance where known numbers are compared: rounding alone, on any BLAS"""
SMALLEST_GRADIENT = 1e-3
ATTEMPTS = 20
Sides = Callable[[], list[np.ndarray]]
"""which side of every kink the last pass was on"""


class KinkError(Exception):
    """The finite difference stepped over a kink; draw another point."""


@dataclass(frozen=True)
class Result:
    """One row of the table: `worst` of `checks` errors, relative to the `largest` of what was compared."""

    name: str
    method: str
    checks: int
    largest: float
    worst: float
    tolerance: float = TOLERANCE

    @property
    def passed(self) -> bool:
        return self.worst <= self.tolerance and self.largest >= SMALLEST_GRADIENT


def kinks(ops: Ops, network: Sequential, tape: Tape) -> list[np.ndarray]:
    """Which side of every kink a pass was on, by the arrays that the layers name: signs, maxout winners, kept units."""
    asked = [(getattr(stage.layer, "kinks", ()), memory) for stage, memory in zip(network.stages, tape.layers)]
    arrays = [ops.to_host(getattr(memory, name)) for names, memory in asked for name in names]
    return [a > 0 if a.dtype.kind == "f" else a for a in arrays]


def difference(ops: Ops, f: Callable[[], float], sides: Sides, theta: Array, direction: np.ndarray) -> float:
    """The central difference of f along `direction`; theta comes back as it was.  Raises KinkError across a kink."""
    start = ops.to_host(theta)

    def at(point: np.ndarray) -> tuple[float, list[np.ndarray]]:
        ops.copy(ops.asarray(point), out=theta)
        return f(), sides()

    above, sides_above = at(start + H * direction)
    below, sides_below = at(start - H * direction)
    ops.copy(ops.asarray(start), out=theta)
    if any((a != b).any() for a, b in zip(sides_above, sides_below)):
        raise KinkError
    return (above - below) / (2 * H)


def coordinates(shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """The unit vectors of a space."""
    for i in np.ndindex(shape):
        e = np.zeros(shape)
        e[i] = 1
        yield e


def compare(
    ops: Ops,
    name: str,
    method: str,
    gradient: np.ndarray,
    theta: Array,
    directions: Iterable[np.ndarray],
    f: Callable[[], float],
    sides: Sides,
) -> Result:
    """The analytic gradient against finite differences along each of the directions."""
    pairs = [(float(np.sum(gradient * e)), difference(ops, f, sides, theta, e)) for e in directions]
    analytic, numeric = np.array(pairs).T
    largest = float(np.abs(analytic).max())
    error = np.abs(analytic - numeric).max() if np.isfinite(numeric).all() else np.inf
    return Result(name, method, len(pairs), largest, float(error / max(largest, np.finfo(float).tiny)))


def agree(name: str, method: str, found: np.ndarray, expected: np.ndarray) -> Result:
    """Numbers against known ones, both of one shape, on the host."""
    largest = float(np.abs(expected).max())
    worst = float(np.abs(found - expected).max() / max(largest, np.finfo(float).tiny))
    return Result(name, method, expected.size, largest, worst, AGREEMENT)


def randomise(params: Params, generator: np.random.Generator) -> None:
    """W from N(0, 1 / n_in), b from N(0, 1 / 16): at the recipe's own scale gradients are too small to prove much."""
    for name, view in params.items():
        deviation = 0.25 if name.endswith("b") else 1 / np.sqrt(view.shape[0])
        params.ops.copy(params.ops.asarray(deviation * generator.standard_normal(view.shape)), out=view)


def bounded(check: Callable[[int], list[Result]]) -> list[Result]:
    """Run a check, from another seed where it met a kink."""
    for attempt in range(ATTEMPTS):
        try:
            return check(attempt)
        except KinkError:
            continue
    raise RuntimeError(f"gradcheck: met a kink {ATTEMPTS} times running")
