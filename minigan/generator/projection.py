"""Images into z: the z of which G makes what is nearest to given images, by descent through G's backward.

    min_z |G(z) - x|^2 / 2,      dG = G(z) - x,   dz by G's backward,   z moved by Adam

Each row has its own minimum, so all rows descend side by side.  x (m, n)   z (m, latent)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigan.backends.clock import Count
from minigan.data import Dataset
from minigan.game.optim import Adam
from minigan.game.schedules import ExponentialDecay
from minigan.generator.inference import check_unconditional
from minigan.generator.sampler import Sampler
from minigan.layers.params import Params
from minigan.metrics.neighbours import nearest

STEPS, LR, LR_END = 400, 0.05, 0.1


class Descent:
    """z on its way.

    x   (m, n) images, scaled as trained on      z  (m, latent) where it begins
    lr  of Adam at the first of `steps`; it falls, geometrically, to a tenth

    Raises ConfigError for a generator that is told labels.
    """

    def __init__(self, sampler: Sampler, x: np.ndarray, z: np.ndarray, steps: int = STEPS, lr: float = LR):
        check_unconditional(sampler)
        ops, dtype = sampler.ops, sampler.params.dtype
        self.sampler, self.ops = sampler, ops
        self.clock = ops.clock(ExponentialDecay(lr, LR_END ** (-1 / max(1, steps))), ExponentialDecay(0.0))
        self.params = Params(ops, {"0.z": z.shape}, dtype)
        self.optimiser = Adam(self.params, self.clock)
        self.z, self.dz = self.params["0.z"], self.optimiser.grads.target["0.z"]
        ops.copy(ops.asarray(z, dtype), out=self.z)
        self.x = ops.asarray(x, dtype)
        self.tape, self.dx = sampler.generator.tape(ops, len(x), dtype), ops.empty(x.shape, dtype)

    def run(self, steps: int) -> np.ndarray:
        """z after so many steps: (m, latent)"""
        iterate = self.ops.recorded(self.step)
        with self.ops.session():
            for _ in range(steps):
                iterate()
        return self.ops.to_host(self.z)

    def step(self) -> None:
        """One step of every row."""
        self.backward()
        self.optimiser.update(Count(self.clock))
        self.ops.tick(self.clock)

    def backward(self) -> None:
        """The gradient by z, where the optimiser takes it."""
        ops, g, params = self.ops, self.sampler.generator, self.sampler.params
        x = g.forward(ops, params, self.z, self.tape)
        dx = ops.residual(x, self.x, 1.0, out=self.dx)
        ops.copy(g.backward(ops, params, dx, self.tape), out=self.dz)

    def loss(self) -> float:
        """sum_i |G(z_i) - x_i|^2 / 2 of the last pass."""
        y, x = self.ops.to_host(self.tape.layers[-1].y), self.ops.to_host(self.x)
        return float(np.sum((y - x) ** 2) / 2)


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
