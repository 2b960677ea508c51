"""The Parzen window estimate of a test set's log-likelihood: the measure of the paper's table 1 (section 5).

A Gaussian of deviation sigma on each of n samples s_j of the generator makes a density,

    log p(x) = -log n - (d/2) log(2 pi sigma^2) + log sum_j exp(-|x - s_j|^2 / (2 sigma^2))

with  |x - s|^2 = |x|^2 + |s|^2 - 2 x.s,  so all the work is one matrix product, done in tiles whose logarithms of sums
are merged as they come.  Theis, van den Oord and Bethge (2015, arXiv 1511.01844) show how weak a measure it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi

import numpy as np

from minigan.backends import Ops
from minigan.errors import ConfigError

SAMPLES = 10_000
"""The authors draw so many."""
TILE = 2000
SIGMAS = np.logspace(-1, 0, 10)
"""The authors' grid."""
FINE_STEPS = 10
SMALLEST = 1e-100
"""below it 1 / sigma^2 is soon beyond float64"""


def ignore(points: int) -> None:
    """Nobody watches the progress."""


@dataclass(frozen=True)
class Estimate:
    """mean and standard error std / sqrt(n) over test points, in nats; sigma, and the curve that chose it.

    curve  ((sigma, mean over validation points), ...)
    """

    mean: float
    standard_error: float
    sigma: float
    curve: tuple[tuple[float, float], ...]

    @property
    def at_edge(self) -> bool:
        """Whether the best sigma is the grid's first or last, so that the true best may lie outside."""
        return len(self.curve) > 1 and self.sigma in (self.curve[0][0], self.curve[-1][0])


def log_likelihood(
    ops: Ops, points: np.ndarray, samples: np.ndarray, sigmas: np.ndarray, progress: Callable[[int], None] = ignore
) -> np.ndarray:
    """log p of each point under each sigma: points (N, d), samples (n, d) floats to (len(sigmas), N) float64 in nats.

    All in float64.  Memory beside the arguments: the samples in float64, and a tile of 2000 x 2000.  `progress` is
    told of points done.  Raises ConfigError for a sigma that is not above 1e-100, or for widths that differ.
    """
    sigmas = np.atleast_1d(np.asarray(sigmas, np.float64))
    if not (np.isfinite(sigmas) & (sigmas > SMALLEST)).all():
        raise ConfigError(f"sigma {sigmas.tolist()}: expected numbers above {SMALLEST:g}")
    if points.ndim != 2 or samples.ndim != 2 or points.shape[1] != samples.shape[1]:
        raise ConfigError(f"points {points.shape} and samples {samples.shape}: expected rows of one width")
    n, dimension = samples.shape
    precisions = ops.asarray(1 / (2 * sigmas**2), np.float64)
    s, s_norms = with_norms(ops, samples)
    products = ops.empty((min(TILE, len(points)) * min(TILE, n),), np.float64)
    out = np.empty((len(sigmas), len(points)))
    with ops.session():
        for start in range(0, len(points), TILE):
            x, x_norms = with_norms(ops, points[start : start + TILE])
            peak = ops.asarray(np.full((len(sigmas), len(x)), -np.inf))
            total = ops.zeros(peak.shape, np.float64)
            for first in range(0, n, TILE):
                tile = slice(first, min(first + TILE, n))
                shape = (len(x), tile.stop - first)
                product = ops.gemm(x, s[tile], out=products[: shape[0] * shape[1]].reshape(shape), trans_b=True)
                ops.log_sum_exp(product, x_norms, s_norms[tile], precisions, peak, total)
            out[:, start : start + TILE] = ops.to_host(peak) + np.log(ops.to_host(total))
            progress(len(x))
    return out - log(n) - 0.5 * dimension * np.log(2 * pi * sigmas**2)[:, None]


def with_norms(ops: Ops, rows: np.ndarray):
    """Rows (n, d) in float64 on the backend, and |row|^2 (n,)."""
    rows = np.ascontiguousarray(rows, np.float64)
    return ops.asarray(rows), ops.asarray(np.einsum("ij,ij->i", rows, rows))


def estimate(
    ops: Ops,
    test: np.ndarray,
    validation: np.ndarray,
    samples: np.ndarray,
    sigmas: np.ndarray = SIGMAS,
    progress: Callable[[int], None] = ignore,
) -> Estimate:
    """The authors' protocol: sigma by the mean on validation points, then mean and standard error on test points.

    test (N, d), validation (V, d), samples (n, d), sigmas (K,).  Raises ConfigError as `log_likelihood` does.
    """
    curve = log_likelihood(ops, validation, samples, sigmas, progress).mean(axis=1)
    sigma = float(sigmas[int(np.argmax(curve))])
    values = log_likelihood(ops, test, samples, np.array([sigma]), progress)[0]
    return Estimate(
        float(values.mean()),
        float(values.std() / np.sqrt(len(values))),
        sigma,
        tuple(zip(map(float, sigmas), map(float, curve))),
    )


def estimates(
    ops: Ops,
    test: np.ndarray,
    validation: np.ndarray,
    samples: np.ndarray,
    progress: Callable[[int], None] = ignore,
) -> tuple[Estimate, Estimate]:
    """`estimate` by the authors' grid, and by a finer one around the sigma that was best there; arguments as there."""
    found = estimate(ops, test, validation, samples, SIGMAS, progress)
    return found, estimate(ops, test, validation, samples, refined(SIGMAS, found.sigma), progress)


def refined(sigmas: np.ndarray, sigma: float) -> np.ndarray:
    """A finer grid around one sigma of a grid, from the one before to the one after, at tenths of their distance."""
    i = int(np.argmin(np.abs(np.log(sigmas / sigma))))
    low, high = np.log(sigmas[max(i - 1, 0)]), np.log(sigmas[min(i + 1, len(sigmas) - 1)])
    return np.exp(np.linspace(low, high, 2 * FINE_STEPS + 1))
