"""Mode coverage of samples from a mixture with known modes: the protocol of VEEGAN (Srivastava et al. 2017,
arXiv 1705.07761).

A sample is of high quality if it lies within 3 deviations of its nearest mode; a mode is captured if at least one
sample of high quality is nearest to it.  In two dimensions 1 - e^(-9/2) = 98.9% of p_data itself is of high quality.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigan.errors import ConfigError

SAMPLES = 2500
"""The protocol draws so many."""
DEVIATIONS = 3
"""A sample of high quality is at most so many deviations from its nearest mode."""


@dataclass(frozen=True)
class Published:
    """A vanilla GAN in a paper's table: means and, where they are given, standard errors; high_quality is a share."""

    source: str
    modes: float
    high_quality: float
    modes_error: float | None = None


PUBLISHED = {
    "ring": (Published("VEEGAN", 1.0, 0.993), Published("PacGAN", 6.3, 0.982, 0.5)),
    "grid": (Published("VEEGAN", 3.3, 0.005), Published("PacGAN", 17.3, 0.948, 0.8)),
}
"""The rows `GAN` of table 1 of VEEGAN and of table 1 of PacGAN (Lin et al. 2018, arXiv 1712.04086), by data set."""


@dataclass(frozen=True)
class Coverage:
    """How samples lie among the K modes.

    n       samples in all
    counts  samples of high quality at each mode, K of them
    """

    n: int
    counts: tuple[int, ...]

    @property
    def captured(self) -> int:
        """Modes with at least one sample of high quality."""
        return sum(count > 0 for count in self.counts)

    @property
    def high_quality(self) -> float:
        """Share of the samples."""
        return sum(self.counts) / self.n

    @property
    def shares(self) -> tuple[float, ...] | None:
        """q (K,), the distribution over modes of the samples of high quality; None if there are none of them."""
        total = sum(self.counts)
        return tuple(count / total for count in self.counts) if total else None

    @property
    def divergence(self) -> float | None:
        """KL(q || uniform) = sum_k q_k log(K q_k), in nats: 0 for equal shares, log K for one mode alone."""
        if self.shares is None:
            return None
        q = np.array([share for share in self.shares if share > 0])
        return float(np.sum(q * np.log(len(self.counts) * q)))


def coverage(samples: np.ndarray, centres: np.ndarray, deviation: float) -> Coverage:
    """The protocol: samples (n, d), centres (K, d), and the one deviation of all modes.

    Distances are taken in float64; a sample that is not finite is near no mode.  Raises ConfigError for widths that
    differ, or no samples.
    """
    if samples.ndim != 2 or len(samples) == 0 or samples.shape[1] != centres.shape[1]:
        raise ConfigError(f"samples {samples.shape} and centres {centres.shape}: expected rows of one width")
    with np.errstate(over="ignore"):  # infinitely far is far
        distance = np.linalg.norm(samples[:, None].astype(np.float64) - centres, axis=2)
    near = distance.min(axis=1) <= DEVIATIONS * deviation
    counts = np.bincount(distance.argmin(axis=1)[near], minlength=len(centres))
    return Coverage(len(samples), tuple(map(int, counts)))
