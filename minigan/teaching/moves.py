"""Questions about what is played: losses, momentum, schedules, and the steps of algorithm 1, against minigan's own.

minigan plays the game in float64, with weights and draws of one seed; the student's functions get the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigan import rng
from minigan.backends import Array, get
from minigan.backends.clock import Count
from minigan.game import losses
from minigan.game.algorithm1 import Algorithm1
from minigan.game.optim import Momentum
from minigan.game.player import Player
from minigan.game.priors import Prior
from minigan.game.schedules import ExponentialDecay, LinearRamp
from minigan.layers import Dropout, Layer, Linear, Maxout, ReLU, Sequential, Sigmoid
from minigan.layers.params import Params
from minigan.rng import Draw, Stream
from minigan.teaching.course.game import KEEP, PIECES
from minigan.teaching.questions import EDGES, FORMULA, Question, like

M, LATENT, HIDDEN, N = 5, 3, 6, 4
DECAY = {"factor": 1.05, "floor": 0.06}
RAMP = {"epochs": 5, "iterations_per_epoch": 3}
MINIGAN = "in minigan"


def questions(random: np.random.Generator) -> Iterator[Question]:
    """About losses.py, learn.py and game.py."""
    yield from _losses(random)
    yield from _learn(random)
    for k, saturating, about in ((1, False, FORMULA), (1, True, EDGES), (3, False, EDGES)):
        yield from Game(int(random.integers(2**63)), k, saturating).questions(about)


def together(random: np.random.Generator) -> Iterator[Question]:
    """Whole iterations alone."""
    played = Game(int(random.integers(2**63)), 2, False)
    return (question for question in played.questions(FORMULA) if question.function == "iterate")


def _losses(random: np.random.Generator) -> Iterator[Question]:
    l = 3 * random.standard_normal((2 * M, 1))
    d = -losses.value(l[:M], l[M:])
    yield Question(FORMULA, "losses", "d_loss", [l], like("d_loss", d, source=MINIGAN))
    for saturating, loss in ((False, losses.NON_SATURATING), (True, losses.SATURATING)):
        g = np.float64(loss.g_loss(l))
        yield Question(FORMULA, "losses", "g_loss", [l, saturating], like("g_loss", g, source=MINIGAN))
    a = np.array([[-1000.0], [-1.0], [0.0], [1000.0]])
    yield Question(EDGES, "losses", "softplus", [a], like("softplus", losses.softplus(a), source=MINIGAN))


def _learn(random: np.random.Generator) -> Iterator[Question]:
    theta, v, g = ([random.standard_normal(shape) for shape in ((3, 2), (2,), (2, 1), (1,))] for _ in range(3))
    for lr, mu, about in ((0.1, 0.5, FORMULA), (0.02, 0.0, EDGES), (0.5, 0.9, FORMULA)):
        moved = [mu * v_i - lr * g_i for v_i, g_i in zip(v, g)]
        expected = [[a + b for a, b in zip(theta, moved)], moved]
        yield Question(about, "learn", "descend", [theta, v, g, lr, mu], like("theta v", expected))
    decay, ramp = ExponentialDecay(0.1, **DECAY), LinearRamp(0.5, 0.7, *RAMP.values())
    for t in (0, 1, 3, 7, 14, 200):
        about = FORMULA if 0 < t < 10 else EDGES
        lr, mu = np.float64(decay(t)), np.float64(ramp(t))
        given = [t, 0.1, DECAY["factor"], DECAY["floor"]]
        yield Question(about, "learn", "learning_rate", given, like(f"lr({t})", lr, source=MINIGAN))
        given = [t, 0.5, 0.7, *RAMP.values()]
        yield Question(about, "learn", "momentum", given, like(f"momentum({t})", mu, source=MINIGAN))


@dataclass
class Examples:
    """Minibatch number `count` is the same wherever it is asked for: uniform numbers of that seed."""

    seed: int

    def prepare(self, iteration: int, k: int, ahead: int = 0) -> None:
        """Nothing: any minibatch can be had at any time."""

    def minibatch(self, draw: Draw, count: Count, out: Array) -> Array:
        return get("numpy").copy(self.x(int(count)), out=out)

    def x(self, count: int) -> np.ndarray:
        """(M, N)"""
        return np.random.default_rng([self.seed, count]).random((M, N))


class Game:
    """minigan's game between two networks like the course's, and each of its moves as a question."""

    def __init__(self, seed: int, k: int, saturating: bool):
        self.seed, self.k, self.saturating, self.data = seed, k, saturating, Examples(seed)
        ops, random = get("numpy"), np.random.default_rng(seed)
        self.decay, self.ramp = ExponentialDecay(0.1, **DECAY), LinearRamp(0.5, 0.7, *RAMP.values())
        clock = ops.clock(self.decay, self.ramp)

        def player(*layers: Layer) -> Player:
            made = Player(ops, Sequential(*layers), np.float64, lambda params: Momentum(params, clock))
            for _, view in made.params.items():
                ops.copy(random.standard_normal(view.shape), out=view)
            return made

        g = player(Linear(LATENT, HIDDEN), ReLU(), Linear(HIDDEN, N), Sigmoid())
        d = player(Dropout(KEEP[0]), Maxout(N, HIDDEN, PIECES), Dropout(KEEP[1]), Linear(HIDDEN, 1))
        loss = losses.SATURATING if saturating else losses.NON_SATURATING
        self.played = Algorithm1(ops, g, d, clock, Prior("normal", LATENT), seed, M, k, "alternating", loss)

    def questions(self, about: str, iterations: int = 2) -> Iterator[Question]:
        """Of each move the one that minigan makes at the same place; the second iteration has velocities."""
        played = self.played
        for t in range(iterations):
            before, rates = self._players(), [self.decay(t), self.ramp(t)]
            minibatches = []
            for i in range(self.k):
                self.data.prepare(t, self.k)
                theta_g, _, theta_d, v_d = self._players()
                played.draw_x(self.data, i)
                played.draw_z(i)
                drawn = [np.array(played.x), np.array(played.z), self._masks(t, i, 2 * M)]
                played.d_step(i)
                minibatches.append(drawn)
                yield self._asked(about, "d_step", [theta_g, theta_d, v_d, *drawn, *rates], slice(2, 4))
            theta_g, v_g, theta_d, _ = self._players()
            played.draw_z(self.k)
            fresh = [np.array(played.z), self._masks(t, self.k, M)]
            played.g_step(self.k)
            yield self._asked(about, "g_step", [theta_g, v_g, theta_d, *fresh, *rates, self.saturating], slice(0, 2))
            given = [before, minibatches, fresh, *rates, self.saturating]
            yield self._asked(about, "iterate", given, slice(0, 4))
            played.tick()

    def _asked(self, about: str, function: str, given: list[Any], changed: slice) -> Question:
        names = "theta_g v_g theta_d v_d".split()[changed]
        judge = like(" ".join(names), self._players()[changed], source=MINIGAN)
        case = f"k = {self.k}{', saturating' if self.saturating else ''}"
        return Question(about, "game", function, given, lambda found: (said := judge(found)) and f"{case}: {said}")

    def _players(self) -> list[list[np.ndarray]]:
        """[theta_g, v_g, theta_d, v_d] as they are now."""
        both = (self.played.generator, self.played.discriminator)
        return [_arrays(params) for p in both for params in (p.params, p.optimiser.state["velocity"])]

    def _masks(self, t: int, substep: int, rows: int) -> list[np.ndarray]:
        """The dropout masks of D's pass, as minigan draws them: (rows, N) and (rows, HIDDEN) bool."""
        draw = Draw(self.seed, t, substep, Stream.DROPOUT_DISCRIMINATOR, np.arange(rows, dtype=np.uint32))
        layers = ((0, N, KEEP[0]), (2, HIDDEN, KEEP[1]))  # the index of each Dropout in D, and its width
        return [rng.words(draw.layer(i), width) < rng.keep_threshold(keep) for i, width, keep in layers]


def _arrays(params: Params) -> list[np.ndarray]:
    """[W0, b0, W1, b1]"""
    return [np.array(view) for _, view in params.items()]
