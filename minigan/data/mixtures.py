"""Mixtures of Gaussians: data whose density is known, drawn afresh for every minibatch."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import pi

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from minigan.backends import Array, Ops, get
from minigan.backends.clock import Count
from minigan.errors import DataError
from minigan.options.recipe import check_sample
from minigan.rng import Draw, Stream

NO_SUBSTEP = 2**32 - 1


@dataclass(frozen=True, eq=False)
class Mixture:
    """p(x) = (1/K) sum_k N(x; c_k, s^2 I)

    centres    (K, n) float64
    deviation  s > 0

    Raises DataError for centres of another shape or a deviation that is not positive.
    """

    name: str
    centres: np.ndarray = field(repr=False)
    deviation: float
    image_shape = None

    def __post_init__(self) -> None:
        if self.centres.ndim != 2 or self.centres.size == 0 or not np.isfinite(self.centres).all():
            raise DataError(f"{self.name}: centres of shape {self.centres.shape}, expected a finite (K, n)")
        if not 0 < self.deviation < np.inf:
            raise DataError(f"{self.name}: deviation {self.deviation}, expected a positive number")

    @classmethod
    def gaussian(cls) -> Mixture:
        """N(0, 1) on the line: the data of figure 1."""
        return cls("gaussian", np.zeros((1, 1)), 1.0)

    @classmethod
    def ring(cls) -> Mixture:
        """Eight modes on the unit circle."""
        angle = 2 * pi * np.arange(8) / 8
        return cls("ring", np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.01)

    @classmethod
    def grid(cls) -> Mixture:
        """Twenty-five modes, five by five, two apart."""
        ticks = 2.0 * np.arange(-2, 3)
        return cls("grid", np.array([(x, y) for x in ticks for y in ticks]), 0.05)

    @property
    def n_features(self) -> int:
        """n"""
        return self.centres.shape[1]

    def density(self, x: ArrayLike) -> NDArray[np.float64]:
        """p(x): x (B, n) to (B,) float64."""
        x = np.asarray(x, dtype=np.float64)
        total = np.zeros(len(x))
        for centre in self.centres:
            total += np.exp(-np.sum((x - centre) ** 2, axis=1) / (2 * self.deviation**2))
        return total / (len(self.centres) * (2 * pi * self.deviation**2) ** (self.n_features / 2))

    def sample(self, n_samples: int = 1, seed: int = 0) -> NDArray[np.float64]:
        """Points, (n_samples, n) float64, that training with this seed never meets: no iteration has their substep.

        Raises ConfigError for a wrong number or seed.
        """
        check_sample(n_samples, seed)
        draw = Draw(seed, 0, NO_SUBSTEP, Stream.MIXTURE_MODE, np.arange(n_samples, dtype=np.uint32))
        centres = np.asarray(self.centres, dtype=np.float64)
        out = np.empty((n_samples, self.n_features))
        get("numpy").mixture(draw, draw.layer(1), centres, self.deviation, out)
        return out


class MixtureBatches:
    """Minibatches of a mixture.  It takes what `ExampleBatches` takes; the seed and the rows come with each draw.

    Raises DataError for a batch size below 1.
    """

    batches_per_epoch = 500

    def __init__(self, ops: Ops, mixture: Mixture, batch_size: int, seed: int, dtype: DTypeLike):
        if batch_size < 1:
            raise DataError(f"--batch-size {batch_size}: expected at least 1")
        self.ops, self.deviation = ops, mixture.deviation
        self.centres = ops.asarray(mixture.centres, dtype)

    def prepare(self, iteration: int, k: int, ahead: int = 0) -> None:
        """Nothing to lay out: each minibatch is drawn where it is needed."""

    def minibatch(self, draw: Draw, count: Count, out: Array) -> Array:
        """Fill out (B, n) with fresh points: modes from the draw's own stream, noise from the next one."""
        return self.ops.mixture(draw, draw.layer(1), self.centres, self.deviation, out)
