"""The Parzen window estimate of a test set's log-likelihood: the measure of the paper's table 1 (section 5).

A Gaussian of deviation sigma on each of n samples s_j of the generator makes a density,

    log p(x) = -log n - (d/2) log(2 pi sigma^2) + log sum_j exp(-|x - s_j|^2 / (2 sigma^2))

where the distances are one matrix product (`minigan.metrics.distances`), done in tiles whose logarithms of sums are
merged as they come.  Theis, van den Oord and Bethge (2015, arXiv 1511.01844) show how weak a measure it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi

import numpy as np

from minigan.backends import Array, Ops
from minigan.errors import ConfigError
from minigan.metrics.distances import Frame, Normalised, errors, squared

SAMPLES = 10_000
"""The authors draw so many."""
TILE = 2000
SIGMAS = np.logspace(-1, 0, 10)
"""The authors' grid."""
FINE_STEPS = 10
SMALLEST = 1e-150
"""sigma over the width of the data: below it |x - s|^2 / sigma^2 is soon beyond float64"""
BEARABLE = 1e-8
"""An exponent may be off by so many nats; where the product could be off by more, differences are taken."""
NEGLIGIBLE = 40
"""Terms e^-40 of the largest count for nothing."""


def ignore(points: int) -> None:
    """Progress that is not shown."""


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

    All in float64, and right to some 1e-8 nats or 15 digits, wherever the data lie and however small sigma is.  Memory
    beside the arguments: the samples in float64, and some tiles of 2000 x 2000.  `progress` is told of points done.
    Raises ConfigError for a sigma that is not above 1e-150 of the data's width, or for widths that differ.
    """
    sigmas = np.atleast_1d(np.asarray(sigmas, np.float64))
    if points.ndim != 2 or samples.ndim != 2 or points.shape[1] != samples.shape[1] or not points.size * samples.size:
        raise ConfigError(f"points {points.shape} and samples {samples.shape}: expected rows of one width")
    n, dimension = samples.shape
    frame = Frame.around(samples, points)
    if not (np.isfinite(sigmas) & (sigmas > 0) & (frame.scaled(sigmas) > SMALLEST)).all():
        least = f"above {np.ldexp(SMALLEST, frame.exponent):.1e}, the least that float64 resolves in these data"
        raise ConfigError(f"--sigma {', '.join(map(str, sigmas.tolist()))}: expected finite numbers {least}")
    precisions = 0.5 * (1 / frame.scaled(sigmas)) ** 2
    s = frame.normalised(samples)
    there, longest = ops.asarray(s.there), s.largest()
    out = np.empty((len(sigmas), len(points)))
    with ops.session():
        for start in range(0, len(points), TILE):
            x = frame.normalised(points[start : start + TILE])
            resolved = errors(x.largest(), longest)[0, 0] * precisions <= BEARABLE
            for some, sharp in ((resolved, False), (~resolved, True)):
                if some.any():
                    out[some, start : start + TILE] = log_sums(ops, x, s, there, precisions[some], sharp)
            progress(len(x.rows))
    return out - log(n) - dimension * (0.5 * log(2 * pi) + np.log(sigmas))[:, None]


def log_sums(ops: Ops, x: Normalised, s: Normalised, there: Array, precisions: np.ndarray, sharp: bool) -> np.ndarray:
    """log sum_j exp(-p |x_i - s_j|^2): B rows x and n rows s, K precisions p, to (K, B).

    there  `s.there` on the backend
    sharp  whether a distance by products alone would be too blurred
    """
    shape = len(precisions), len(x.rows)
    x_there, x_norms, s_norms = map(ops.asarray, (x.there, x.norms, s.norms))
    p, peak, total = ops.asarray(precisions), ops.asarray(np.full(shape, -np.inf)), ops.zeros(shape, np.float64)
    scratch = ops.empty((len(x.rows) * min(TILE, len(s.rows)),), np.float64)
    for first in range(0, len(s.rows), TILE):
        tile = slice(first, min(first + TILE, len(s.rows)))
        width = tile.stop - first
        product = scratch[: len(x.rows) * width].reshape((len(x.rows), width))
        ops.gemm(x_there, there[tile], out=product, trans_b=True)
        norms = x_norms, s_norms[tile]
        if sharp:
            within, bearable = NEGLIGIBLE / precisions.min(), BEARABLE / precisions.max()
            distance = squared(x, s[tile], ops.to_host(product), within, bearable)
            x_zeros, s_zeros = (ops.zeros((n,), np.float64) for n in product.shape)
            product, norms = ops.asarray(-distance / 2), (x_zeros, s_zeros)
        ops.log_sum_exp(product, *norms, p, peak, total)
    return ops.to_host(peak) + np.log(ops.to_host(total))


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
