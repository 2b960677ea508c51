"""Images into z: the z of which G makes what is nearest to given images, by descent through G's backward.

    min_z |G(z) - x|^2 / 2,      dG = G(z) - x,   dz by G's backward,   z moved by L-BFGS

Each row has its own minimum, so all rows descend side by side.  x (m, n)   z (m, latent)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minigan.data import Dataset
from minigan.generator.inference import check_unconditional
from minigan.generator.lbfgs import LBFGS
from minigan.generator.sampler import Sampler
from minigan.metrics.neighbours import nearest

STEPS = 400
DRAWS = 1000


def nearest_draws(sampler: Sampler, x: np.ndarray, seed: int) -> np.ndarray:
    """Where descent may begin: for each image that z, of 1,000 from the prior, whose G(z) is nearest to it.

    x  (m, n) images, scaled as trained on      returns  (m, latent)

    From one point for all, the prior's mean, some images end in minima far off.  Raises ConfigError for a generator
    that is told labels, or a wrong seed.
    """
    check_unconditional(sampler)
    z = sampler.draw_z(DRAWS, seed)
    index, _ = nearest(sampler.ops, x, sampler.forward(z), lambda rows, dtype: rows.astype(dtype))
    return z[index]


class Descent:
    """z on its way, within the entries that the prior has: those of a uniform z stay in -sqrt 3 .. sqrt 3.

    x   (m, n) images, scaled as trained on      z  (m, latent) where it begins

    Raises ConfigError for a generator that is told labels.
    """

    def __init__(self, sampler: Sampler, x: np.ndarray, z: np.ndarray):
        check_unconditional(sampler)
        ops, dtype = sampler.ops, sampler.params.dtype
        self.sampler, self.ops = sampler, ops
        self.x, self.z = ops.asarray(x, dtype), ops.asarray(z, dtype)
        self.dx, self.dz = ops.empty(x.shape, dtype), ops.empty(z.shape, dtype)
        self.tape = sampler.generator.tape(ops, len(x), dtype)

    def run(self, steps: int) -> np.ndarray:
        """z after so many gradients: (m, latent)"""
        if steps == 0:
            return self.ops.to_host(self.z)
        bound = self.sampler.prior.bound
        start = np.clip(self.ops.to_host(self.z), -bound, bound)
        evaluate = self.ops.recorded(self.backward)
        with self.ops.session():
            search = LBFGS(start, *self.at(start, evaluate), bound)
            for _ in range(steps - 1):
                z = search.proposal()
                search.take(z, *self.at(z, evaluate))
        return search.z.astype(self.sampler.params.dtype)

    def at(self, z: np.ndarray, evaluate: Callable[[], object]) -> tuple[np.ndarray, np.ndarray]:
        """The losses (m,) and gradients (m, latent) at z."""
        self.ops.copy(self.ops.asarray(z, self.sampler.params.dtype), out=self.z)
        evaluate()
        return self.losses(), self.ops.to_host(self.dz)

    def backward(self) -> None:
        """dx = G(z) - x, and dz from it."""
        ops, g, params = self.ops, self.sampler.generator, self.sampler.params
        x = g.forward(ops, params, self.z, self.tape)
        dx = ops.residual(x, self.x, 1.0, out=self.dx)
        ops.copy(g.backward(ops, params, dx, self.tape), out=self.dz)

    def losses(self) -> np.ndarray:
        """|G(z_i) - x_i|^2 / 2 of the last pass: (m,)"""
        return np.sum(np.square(self.ops.to_host(self.dx), dtype=float), axis=1) / 2


@dataclass(frozen=True)
class Fit:
    """How near reconstructions come: lengths of differences in all pixels, the mean over images.

    error    |G(z) - x|
    nearest  |t - x|, t the nearest training image
    """

    error: float
    nearest: float

    @property
    def ratio(self) -> float:
        """Below 1 where G makes what is nearer than any training image."""
        return self.error / self.nearest


def fit(sampler: Sampler, x: np.ndarray, z: np.ndarray, data: Dataset) -> Fit:
    """Of images x (m, n), scaled as trained on, with the z (m, latent) that were found for them."""
    _, distance = nearest(sampler.ops, x, data.train, data.scaled)
    error = np.linalg.norm(sampler.forward(z).astype(np.float64) - x, axis=1)
    return Fit(float(np.mean(error)), float(np.mean(distance)))
