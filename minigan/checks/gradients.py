"""Every hand-written gradient against finite differences.

Layers and losses coordinate by coordinate with random cotangents (ones would hide errors that cancel),
f(theta) = <cotangent, y(theta)>;  Algorithm 1's own steps, through both whole networks, along random directions.
`minigan.checks.finite_differences` says how, and what passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from minigan.backends import Ops, get
from minigan.checks.finite_differences import Result, bounded, compare, coordinates, kinks, randomise
from minigan.game.algorithm1 import UPDATES, Algorithm1
from minigan.game.losses import LOSSES, named, slopes
from minigan.game.optim import Still
from minigan.game.player import Player
from minigan.game.priors import Prior
from minigan.game.schedules import ExponentialDecay
from minigan.layers import Dropout, Layer, Linear, Maxout, ReLU, Sequential, Sigmoid
from minigan.layers.activations import ACTIVATIONS
from minigan.layers.params import Grads, Params
from minigan.options.recipe import Loss
from minigan.rng import Draw

Check = Callable[[Ops, str], list[Result]]
"""a check of a backend, and the name that its rows begin with"""


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


def around(layer: Layer, fused: bool = False) -> Sequential:
    """A layer alone, or between plain Linears where it has no weights of its own."""
    return Sequential(layer) if layer.shapes() else Sequential(Linear(4, 3), layer, Linear(3, 2), fused=fused)


def layer_networks() -> dict[str, Sequential]:
    """Each layer, and each merged pair."""
    activations = {make.__name__: make() for make in ACTIVATIONS.values()}
    return {
        "Linear": Sequential(Linear(4, 3)),
        **{name: around(layer) for name, layer in activations.items()},
        "Maxout": Sequential(Maxout(4, 3, 5)),
        "Dropout": Sequential(Dropout(0.8), Linear(4, 3), Dropout(0.5), Linear(3, 2)),
        **{f"Linear+{name}": around(layer, fused=True) for name, layer in activations.items()},
        "Maxout+Dropout": Sequential(Maxout(4, 6, 5), Dropout(0.5), Linear(6, 2)),
        "a small G": Sequential(Linear(3, 8), ReLU(), Linear(8, 7), ReLU(), Linear(7, 5), Sigmoid()),
        "a small D": small_d(5),
    }


def small_d(n_in: int) -> Sequential:
    """The kind of D that the paper has."""
    hidden = Maxout(n_in, 6, 5), Dropout(0.5), Maxout(6, 6, 5), Dropout(0.5)
    return Sequential(Dropout(0.8), *hidden, Linear(6, 1))


def check_loss(loss: Loss | str, ops: Ops | None = None, name: str = "", m: int = 8) -> list[Result]:
    """The derivative of both players' losses by every logit: rows like those of `minigan.gradcheck`.

    A loss without a fault has `passed` in both.  `ops` is what computes, NumPy where nothing is said.
    """
    ops, loss, weight = ops or get("numpy"), named(loss), 0.5
    logits = ops.asarray(3 * np.random.default_rng(0).standard_normal((2 * m, 1)))

    def row(player: str, weights: list[float], f: Callable[[np.ndarray], float]) -> Result:
        dlogits = slopes(loss, player, ops, logits, *weights, out=ops.empty((2 * m, 1), np.float64))
        row_name, directions = f"{name or type(loss).__name__}: dlogits of {player.upper()}", coordinates((2 * m, 1))
        at_logits = lambda: float(f(ops.to_host(logits)))
        return compare(ops, row_name, "coordinates", ops.to_host(dlogits), logits, directions, at_logits, list)

    return [row("d", [weight], lambda l: weight * loss.d_loss(l[:m], l[m:])), row("g", [], loss.g_loss)]


def check_algorithm1(
    ops: Ops, name: str, updates: str, loss: str, directions: int = 20, m: int = 6, classes: int = 0
) -> list[Result]:
    """A D-step's and a G-step's own gradients, through both whole networks, along random directions; with `classes`
    both are told labels.
    """

    def check(attempt: int) -> list[Result]:
        random = np.random.default_rng(attempt)
        networks = layer_networks()
        g = Player(ops, networks["a small G"], np.float64, Still)
        d = Player(ops, small_d(5 + classes), np.float64, Still)
        clock = ops.clock(ExponentialDecay(0.1), ExponentialDecay(0.5))
        prior = Prior("normal", 3 - classes)
        game = Algorithm1(ops, g, d, clock, prior, attempt, m, updates=updates, loss=loss, classes=classes)
        randomise(g.params, random)
        randomise(d.params, random)
        ops.copy(ops.asarray(random.random((m, 5))), out=game.x)
        if classes:
            game.condition.tell(ops.asarray(np.eye(classes)[np.arange(m) % classes]))
        game.draw_z(0)

        def sides() -> list[np.ndarray]:
            return kinks(ops, g.network, game.tape_g) + kinks(ops, d.network, game.tape_d)

        def row(player: Player, step: Callable[[], None], quantity: str) -> Result:
            def f() -> float:
                step()
                return game.measure()[quantity]  # type: ignore[return-value]  # only V may be None

            f()
            gradient = ops.to_host(player.optimiser.grads.target.flat)
            random_directions = random.standard_normal((directions, len(gradient)))
            row_name = f"{name}: {'D' if player is d else 'G'}"
            return compare(ops, row_name, "directions", gradient, player.params.flat, random_directions, f, sides)

        if updates == "simultaneous":
            return [row(d, game.joint_step, "d_loss"), row(g, game.joint_step, "g_loss")]
        return [row(d, game.d_step, "d_loss"), row(g, game.g_step, "g_loss")]

    return bounded(check)


def gradient_checks() -> dict[str, Check]:
    """Layers, losses, and whole networks inside Algorithm 1, each against finite differences."""
    checks: dict[str, Check] = {}
    for name, network in layer_networks().items():
        checks[name] = partial(check_network, network=network)
    for loss in LOSSES:
        checks[f"Loss, {loss}"] = partial(check_loss, loss)
        for updates in UPDATES:
            checks[f"Algorithm 1, {updates}, {loss}"] = partial(check_algorithm1, updates=updates, loss=loss)
    for updates in UPDATES:
        told = partial(check_algorithm1, updates=updates, loss="saturating", classes=2)
        checks[f"Algorithm 1, {updates}, with labels"] = told
    return checks


def check_gradients(ops: Ops) -> Iterator[Result]:
    """The rows of the table that are gradients."""
    for name, check in gradient_checks().items():
        yield from check(ops, name)
