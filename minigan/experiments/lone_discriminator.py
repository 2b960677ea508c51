"""The inner loop of algorithm 1 with no G in it: D learns to tell points of p_data from points of a fixed p_g."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from minigan import backends
from minigan.backends.clock import Count
from minigan.game import optim
from minigan.game.losses import NON_SATURATING
from minigan.game.player import DISCRIMINATOR, Player
from minigan.game.schedules import ExponentialDecay, LinearRamp
from minigan.generator.sampler import forward_in_batches
from minigan.layers import Sequential

STEPS_AT_ONCE = 50


class Source(Protocol):
    """A density to draw from: a `Mixture`, or the `Sampler` of a generator."""

    def sample(self, n: int, seed: int) -> np.ndarray:
        """n points, (n, features)"""


class LoneDiscriminator:
    """D: x (B, n) -> logit (B, 1), its parameters, and Adam with a learning rate that falls a hundredfold.

    steps  ascents of V, each on m fresh points of p_data and m of p_g
    """

    def __init__(self, network: Sequential, seed: int, steps: int, m: int = 512, lr: float = 0.01):
        self.network, self.seed, self.steps, self.m = network, seed, steps, m
        self.ops = backends.get("numpy")
        self.clock = self.ops.clock(ExponentialDecay(lr, 100 ** (1 / steps)), LinearRamp(0.0, 0.0, 1, 1))
        self.player = Player(self.ops, network, np.dtype("float64"), lambda p: optim.Adam(p, self.clock))
        self.player.initialise(seed, DISCRIMINATOR)

    def train(self, p_data: Source, p_g: Source) -> LoneDiscriminator:
        """D ascends  V = (1/m) sum_i [log D(x_i) + log(1 - D(y_i))],  x_i of p_data and y_i of p_g.

        dV/dlogit = (1/m) (1 - D) on the rows of p_data, -(1/m) D on those of p_g.
        """
        tape = self.network.tape(self.ops, 2 * self.m, np.float64)
        dlogits = np.empty((2 * self.m, 1))
        with self.ops.session():
            for pair in self._pairs(p_data, p_g):
                logits = self.player.forward(pair, tape)
                NON_SATURATING.d_backward(self.ops, logits, 1.0, out=dlogits)
                self.player.backward(dlogits, tape, learn=True, need_dx=False)
                self.player.update(Count(self.clock))
                self.ops.tick(self.clock)
        return self

    def logits(self, x: np.ndarray) -> np.ndarray:
        """logit D(x): x (N, n) to (N,)."""
        return forward_in_batches(self.ops, self.network, self.player.params, x)[:, 0]

    def _pairs(self, p_data: Source, p_g: Source) -> Iterator[np.ndarray]:
        """[x; y] (2m, n) for each step: no point is met twice, and each block of steps draws with a seed of its own."""
        for first in range(0, self.steps, STEPS_AT_ONCE):
            count = min(STEPS_AT_ONCE, self.steps - first)
            seeds = [(self.seed + (2 * first + fake << 32)) % 2**64 for fake in (0, 1)]
            blocks = [source.sample(count * self.m, seed) for source, seed in zip((p_data, p_g), seeds)]
            yield from np.concatenate([b.reshape(count, self.m, -1) for b in blocks], axis=1)
