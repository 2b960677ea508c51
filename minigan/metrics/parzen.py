"""The Parzen window estimate of a test set's log-likelihood: the measure of the paper's table 1 (section 5).

A Gaussian of deviation sigma on each of n samples s_i of the generator makes a density,

    log p(x) = -log n - (d/2) log(2 pi sigma^2) + log sum_i exp(-|x - s_i|^2 / (2 sigma^2))

with  |x - s|^2 = |x|^2 + |s|^2 - 2 x.s,  so all the work is one matrix product, done in tiles whose logarithms of sums
are merged as they come.  Theis, van den Oord and Bethge (2015, arXiv 1511.01844) show how weak a measure it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi

import numpy as np

from minigan.errors import ConfigError

TILE = 1024
SIGMAS = np.logspace(-1, 0, 10)
"""The authors' grid."""


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
    points: np.ndarray, samples: np.ndarray, sigmas: np.ndarray, progress: Callable[[int], None] = lambda done: None
) -> np.ndarray:
    """log p of each point under each sigma: points (N, d), samples (n, d) floats to (len(sigmas), N) float64 in nats.

    Products are in float64.  Memory beside the arguments: a few tiles of 1024 x 1024.  `progress` is told of points
    done.  Raises ConfigError for a sigma outside (0, inf), or for widths that differ.
    """
    sigmas = np.atleast_1d(np.asarray(sigmas, np.float64))
    if not (np.isfinite(sigmas) & (sigmas > 0)).all():
        raise ConfigError(f"sigma {sigmas.tolist()}: expected numbers above 0")
    if points.ndim != 2 or samples.ndim != 2 or points.shape[1] != samples.shape[1]:
        raise ConfigError(f"points {points.shape} and samples {samples.shape}: expected rows of one width")
    dimension, precision = points.shape[1], 1 / (2 * sigmas**2)
    out = np.empty((len(sigmas), len(points)))
    for start in range(0, len(points), TILE):
        x = points[start : start + TILE].astype(np.float64)
        peak = np.full((len(sigmas), len(x)), -np.inf)
        total = np.zeros((len(sigmas), len(x)))
        for first in range(0, len(samples), TILE):
            s = samples[first : first + TILE].astype(np.float64)
            distance = x @ s.T
            distance *= -2
            distance += np.sum(x**2, axis=1)[:, None]
            distance += np.sum(s**2, axis=1)
            nearest = distance.min(axis=1)
            for i, p in enumerate(precision):
                higher = np.maximum(peak[i], -p * nearest)
                total[i] *= np.exp(peak[i] - higher)
                total[i] += np.exp(-p * distance - higher[:, None]).sum(axis=1)
                peak[i] = higher
        out[:, start : start + TILE] = peak + np.log(total)
        progress(len(x))
    return out - log(len(samples)) - 0.5 * dimension * np.log(2 * pi * sigmas**2)[:, None]


def estimate(
    test: np.ndarray, validation: np.ndarray, samples: np.ndarray, sigmas=SIGMAS, progress=lambda done: None
) -> Estimate:
    """The authors' protocol: sigma by the mean on validation points, then mean and standard error on test points."""
    curve = log_likelihood(validation, samples, sigmas, progress).mean(axis=1)
    sigma = float(sigmas[int(np.argmax(curve))])
    values = log_likelihood(test, samples, np.array([sigma]), progress)[0]
    return Estimate(
        float(values.mean()),
        float(values.std() / np.sqrt(len(values))),
        sigma,
        tuple(zip(map(float, sigmas), map(float, curve))),
    )
