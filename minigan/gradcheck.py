"""`python -m minigan.gradcheck`: every hand-written gradient against finite differences.

Layers and losses coordinate by coordinate with random cotangents (ones would hide errors that cancel),
f(theta) = <cotangent, y(theta)>;  Algorithm 1's own steps, through both whole networks, along random directions.
`minigan.finite_differences` says how, and what passes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from minigan import backends, cli
from minigan.algorithm1 import UPDATES, Algorithm1
from minigan.backends import Ops
from minigan.backends.clock import Count
from minigan.finite_differences import H, TOLERANCE, Result, bounded, compare, coordinates, kinks, randomise
from minigan.layers import Dropout, Linear, Maxout, ReLU, Sequential, Sigmoid
from minigan.losses import GENERATOR_LOSSES, value
from minigan.params import Grads, Params
from minigan.player import Player
from minigan.priors import Prior
from minigan.rng import Draw
from minigan.schedules import ExponentialDecay


def check_network(ops: Ops, name: str, network: Sequential, rows: int = 5, training: bool = True) -> list[Result]:
    """Every coordinate of x and of every parameter of a small network; `training` draws dropout's masks."""

    def check(attempt: int) -> list[Result]:
        generator = np.random.default_rng(attempt)
        params = Params(ops, network.shapes(), np.float64)
        randomise(params, generator)
        tape = network.tape(ops, rows, np.float64)
        if training:
            tape.draw = Draw(attempt, 0, 0, 0, ops.asarray(range(rows), "uint32"))
        x = ops.asarray(generator.standard_normal((rows, network.n_in)))
        cotangent = generator.standard_normal((rows, network.n_out))
        grads = Grads(params.like())

        def f() -> float:
            return float(np.sum(cotangent * ops.to_host(network.forward(ops, params, x, tape))))

        f()
        dx = ops.to_host(network.backward(ops, params, ops.asarray(cotangent), tape, grads))
        gradients = {"x": (x, dx)} | {n: (theta, ops.to_host(grads.target[n])) for n, theta in params.items()}
        return [
            compare(
                ops,
                f"{name}: d{quantity}",
                "coordinates",
                gradient,
                theta,
                coordinates(gradient.shape),
                f,
                lambda: kinks(ops, network, tape),
            )
            for quantity, (theta, gradient) in gradients.items()
        ]

    return bounded(check)


def layer_networks() -> dict[str, Sequential]:
    """Each layer, and each merged pair, between plain Linears where it has no weights of its own."""
    return {
        "Linear": Sequential(Linear(4, 3)),
        "ReLU": Sequential(Linear(4, 3), ReLU(), Linear(3, 2), fused=False),
        "Sigmoid": Sequential(Linear(4, 3), Sigmoid(), Linear(3, 2), fused=False),
        "Maxout": Sequential(Maxout(4, 3, 5)),
        "Dropout": Sequential(Dropout(0.8), Linear(4, 3), Dropout(0.5), Linear(3, 2)),
        "Linear+ReLU": Sequential(Linear(4, 3), ReLU(), Linear(3, 2)),
        "Linear+Sigmoid": Sequential(Linear(4, 3), Sigmoid(), Linear(3, 2)),
        "Maxout+Dropout": Sequential(Maxout(4, 6, 5), Dropout(0.5), Linear(6, 2)),
        "a small G": Sequential(Linear(3, 8), ReLU(), Linear(8, 7), ReLU(), Linear(7, 5), Sigmoid()),
        "a small D": Sequential(
            Dropout(0.8), Maxout(5, 6, 5), Dropout(0.5), Maxout(6, 6, 5), Dropout(0.5), Linear(6, 1)
        ),
    }


def check_losses(ops: Ops, m: int = 8) -> list[Result]:
    """The derivative of -V and of both G objectives by every logit."""
    generator = np.random.default_rng(0)
    logits = ops.asarray(3 * generator.standard_normal((2 * m, 1)))
    out = ops.empty((2 * m, 1), np.float64)

    def row(name: str, f: Callable[[np.ndarray], float], targets: np.ndarray, scale: float) -> Result:
        dlogits = ops.cross_entropy_backward(logits, ops.asarray(targets), scale, out)
        return compare(
            ops,
            name,
            "coordinates",
            ops.to_host(dlogits),
            logits,
            coordinates((2 * m, 1)),
            lambda: f(ops.to_host(logits)),
            lambda: [],
        )

    half = np.repeat([[1.0], [0.0]], m, axis=0)
    rows = [row("D loss -V: dlogits", lambda l: -value(l[:m], l[m:]), half, 1 / m)]
    for name, loss in GENERATOR_LOSSES.items():
        targets = np.full((2 * m, 1), float(loss.target))
        rows.append(row(f"G loss, {name}: dlogits", loss, targets, loss.sign / (2 * m)))
    return rows


class Still:
    """An optimiser that leaves the plain gradient where it can be read, and moves nothing."""

    def __init__(self, params: Params):
        self.state, self.grads = {}, Grads(params.like())

    def update(self, count: Count) -> None:
        """Parameters stay where they are, so that a loss can be read again and again."""


def check_algorithm1(ops: Ops, updates: str, loss: str, directions: int = 20, m: int = 6) -> list[Result]:
    """A D-step's and a G-step's own gradients, through both whole networks, along random directions."""

    def check(attempt: int) -> list[Result]:
        random = np.random.default_rng(attempt)
        networks = layer_networks()
        g = Player(ops, networks["a small G"], np.float64, Still)
        d = Player(ops, networks["a small D"], np.float64, Still)
        clock = ops.clock(ExponentialDecay(0.1), ExponentialDecay(0.5))
        game = Algorithm1(ops, g, d, clock, Prior("normal", 3), attempt, m, updates=updates, loss=loss)
        randomise(g.params, random)
        randomise(d.params, random)
        ops.copy(ops.asarray(random.random((m, 5))), out=game.x)
        game.draw_z(0)

        def sides() -> list[np.ndarray]:
            return kinks(ops, g.network, game.tape_g) + kinks(ops, d.network, game.tape_d)

        def row(player: Player, step: Callable[[], None], quantity: str) -> Result:
            def f() -> float:
                step()
                return game.measure()[quantity]

            f()
            gradient = ops.to_host(player.optimiser.grads.target.flat)
            random_directions = random.standard_normal((directions, len(gradient)))
            name = f"Algorithm 1, {updates}, {loss}: {'D' if player is d else 'G'}"
            return compare(ops, name, "directions", gradient, player.params.flat, random_directions, f, sides)

        if updates == "simultaneous":
            return [row(d, game.joint_step, "d_loss"), row(g, game.joint_step, "g_loss")]
        return [row(d, game.d_step, "d_loss"), row(g, game.g_step, "g_loss")]

    return bounded(check)


def check_all(ops: Ops) -> Iterator[Result]:
    """Every row of the table: layers, losses, and whole networks inside Algorithm 1."""
    for name, network in layer_networks().items():
        yield from check_network(ops, name, network)
    yield from check_losses(ops)
    for updates in UPDATES:
        for loss in GENERATOR_LOSSES:
            yield from check_algorithm1(ops, updates, loss)


@dataclass(frozen=True)
class Options:
    """Check every hand-written gradient against finite differences."""

    backend: Literal["numpy", "numba", "cupy"] = "numpy"
    """what computes"""


def main(args: list[str] | None = None) -> None:
    """Print the table; exit code 0 if every row passes, else 1."""
    args = sys.argv[1:] if args is None else args

    def body() -> int:
        options = cli.parse(Options, args, "minigan.gradcheck")
        ops = backends.get(options.backend)
        print(f"{'gradient':46} {'along':12} {'number':>6} {'largest':>9} {'worst error':>12}")
        failed = 0
        for row in check_all(ops):
            failed += not row.passed
            verdict = "" if row.passed else "  FAILED"
            print(f"{row.name:46} {row.method:12} {row.checks:6} {row.largest:9.1e} {row.worst:12.1e}{verdict}")
        print(f"{failed or 'none'} failed; tolerance {TOLERANCE:g} of the largest gradient, float64, h = {H:g}")
        return 1 if failed else 0

    cli.run("minigan.gradcheck", body)


if __name__ == "__main__":
    main()
