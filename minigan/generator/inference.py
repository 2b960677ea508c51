"""Learned inference (section 7 of the paper): a network E that predicts z from x, for a generator that stands still.

    E descends  (1/m) sum_i |E(G(z_i)) - z_i|^2 / (2 latent),      z_i fresh from the prior

so it needs no data: G makes the pairs (x, z).      x = G(z) (m, n)   z, E(x) (m, latent)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from math import sqrt
from pathlib import Path

import numpy as np

from minigan.backends.clock import Count
from minigan.errors import CheckpointError, ConfigError
from minigan.files import checkpoint
from minigan.game.optim import Adam
from minigan.game.player import Player
from minigan.game.schedules import ExponentialDecay
from minigan.generator.sampler import Sampler, forward_in_batches
from minigan.layers import Linear, ReLU, Sequential, models
from minigan.layers.initialisers import Normal
from minigan.rng import Draw, Stream

HIDDEN, M, LR, LR_END, ITERATIONS = 1000, 100, 1e-3, 0.01, 20_000
INFERENCE = 2
"""E's number among the networks that draw initial weights, after G's and D's"""
SAID_EVERY = 1000


class Inference:
    """E for the generator of a `Sampler`, and how it learns.

    network     x to z; None: two hidden layers of relu
    iterations  updates in all, while the learning rate falls, geometrically, to a hundredth of `lr`
    m           pairs a minibatch

    Raises ConfigError for a generator that is told labels: an image does not come with one.
    """

    def __init__(
        self,
        sampler: Sampler,
        network: Sequential | None = None,
        iterations: int = ITERATIONS,
        seed: int = 0,
        m: int = M,
        lr: float = LR,
    ):
        check_unconditional(sampler)
        ops, g, dtype = sampler.ops, sampler.generator, sampler.params.dtype
        self.sampler, self.ops, self.iterations, self.seed, self.m = sampler, ops, iterations, seed, m
        self.network = usual_network(g.n_out, g.n_in) if network is None else network
        self.clock = ops.clock(ExponentialDecay(lr, LR_END ** (-1 / max(1, iterations))), ExponentialDecay(0.0))
        self.player = Player(ops, self.network, dtype, lambda params: Adam(params, self.clock))
        self.player.initialise(seed, INFERENCE)
        self.rows = ops.asarray(range(m), "uint32")
        self.z, self.dz = (ops.empty((m, g.n_in), dtype) for _ in range(2))
        self.tape_g, self.tape = g.tape(ops, m, dtype), self.network.tape(ops, m, dtype)

    def train(self, say: Callable[[int, float], None] = lambda done, error: None) -> None:
        """All updates; `say` is told now and then how many are done, and the `error`."""
        iterate = self.ops.recorded(self.step)
        with self.ops.session():
            for done in range(1, self.iterations + 1):
                iterate()
                if done % SAID_EVERY == 0:
                    say(done, self.error())

    def step(self) -> None:
        """One update, on fresh pairs."""
        draw = Draw(self.seed, self.clock.iteration, 0, Stream.INFERENCE, self.rows)
        self.sampler.prior.draw(self.ops, draw, out=self.z)
        self.backward()
        self.player.update(Count(self.clock))
        self.ops.tick(self.clock)

    def backward(self) -> None:
        """The gradient by E's weights at the z at hand:  dE = (E(G(z)) - z) / (m latent)"""
        x = self.sampler.generator.forward(self.ops, self.sampler.params, self.z, self.tape_g)
        y = self.player.forward(x, self.tape)
        dy = self.ops.residual(y, self.z, 1 / (self.m * self.z.shape[1]), out=self.dz)
        self.player.backward(dy, self.tape, learn=True, need_dx=False)

    def error(self) -> float:
        """|E(G(z)) - z|^2 / latent, the mean over the last pairs: about 1 before E has learnt anything."""
        y, z = (self.ops.to_host(array) for array in (self.tape.layers[-1].y, self.z))
        return float(np.mean((y - z) ** 2))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """E(x): x (n, features), scaled as trained on, to z (n, latent)."""
        return forward_in_batches(self.ops, self.network, self.player.params, x)

    def save(self, path: Path) -> None:
        """A file with E alone, in half precision, that knows its generator.  Raises OSError where the disk refuses."""
        weights = {name: self.ops.to_host(view).astype(np.float16) for name, view in self.player.params.items()}
        checkpoint.write(path, weights, {"inference": models.to_json(self.network), "of": digest(self.sampler)})

    @classmethod
    def load(cls, path: Path, sampler: Sampler) -> Inference:
        """What `save` wrote.  Raises CheckpointError for another file, and for the network of another generator."""
        tensors, header = checkpoint.read(path)
        try:
            network = models.from_json(header["inference"])
        except CheckpointError:
            raise
        except ValueError as error:
            raise CheckpointError(f"{path}: its header describes no network ({error})") from None
        if header["of"] != digest(sampler):
            raise CheckpointError(f"{path}: for another generator, expected a network that was trained for this one")
        made = cls(sampler, network)
        checkpoint.fill(made.ops, dict(made.player.params.items()), tensors, path)
        return made


def usual_network(n_in: int, n_out: int) -> Sequential:
    """Two hidden layers of relu, W from N(0, 2 / n_in) (He et al. 2015)."""
    first, second = (Linear(i, HIDDEN, Normal(sqrt(2 / i))) for i in (n_in, HIDDEN))
    return Sequential(first, ReLU(), second, ReLU(), Linear(HIDDEN, n_out, Normal(sqrt(1 / HIDDEN))))


def digest(sampler: Sampler) -> str:
    """A SHA-256 of a generator's weights."""
    return hashlib.sha256(sampler.params.on_host().astype("<f4").data).hexdigest()


def check_unconditional(sampler: Sampler) -> None:
    """Raise ConfigError for a generator that is told labels."""
    if sampler.classes is not None:
        raise ConfigError("the generator is told labels, expected one that makes images of z alone")
