"""The gradients of `minigan.project` against finite differences: of the network that predicts z, and of z itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minigan.backends import Array, Ops
from minigan.checks.finite_differences import Result, bounded, compare, coordinates, kinks, randomise
from minigan.game.priors import Prior
from minigan.generator.inference import Inference
from minigan.generator.projection import Descent
from minigan.generator.sampler import Sampler
from minigan.layers import Linear, ReLU, Sequential, Sigmoid
from minigan.layers.params import Params


def small_sampler(ops: Ops, random: np.random.Generator) -> Sampler:
    """A generator that has learnt nothing."""
    network = Sequential(Linear(3, 8), ReLU(), Linear(8, 5), Sigmoid())
    params = Params(ops, network.shapes(), np.float64)
    randomise(params, random)
    return Sampler(ops, network, params, Prior("normal", 3), {})


def check_inference(ops: Ops, name: str) -> list[Result]:
    """|E(G(z)) - z|^2 / 2 latent, the mean over rows, by every weight of E."""

    def check(attempt: int) -> list[Result]:
        random = np.random.default_rng(attempt)
        network = Sequential(Linear(5, 6), ReLU(), Linear(6, 3))
        inference = Inference(small_sampler(ops, random), network, 1, attempt, m=4)
        params, gradients = inference.player.params, inference.player.optimiser.grads.target
        randomise(params, random)
        ops.copy(ops.asarray(random.standard_normal((4, 3))), out=inference.z)

        def f() -> float:
            inference.backward()
            return inference.error() / 2

        f()
        found = {n: ops.to_host(gradient) for n, gradient in gradients.items()}
        sides = lambda: kinks(ops, network, inference.tape)
        return [row(ops, f"{name}: d{n}", found[n], theta, f, sides) for n, theta in params.items()]

    return bounded(check)


def check_projection(ops: Ops, name: str) -> list[Result]:
    """sum_i |G(z_i) - x_i|^2 / 2 by every z."""

    def check(attempt: int) -> list[Result]:
        random = np.random.default_rng(attempt)
        sampler = small_sampler(ops, random)
        descent = Descent(sampler, random.random((4, 5)), random.standard_normal((4, 3)))

        def f() -> float:
            descent.backward()
            return float(np.sum(descent.losses()))

        f()
        sides = lambda: kinks(ops, sampler.generator, descent.tape)
        return [row(ops, f"{name}: dz", ops.to_host(descent.dz), descent.z, f, sides)]

    return bounded(check)


def row(
    ops: Ops,
    name: str,
    gradient: np.ndarray,
    theta: Array,
    f: Callable[[], float],
    sides: Callable[[], list[np.ndarray]],
) -> Result:
    """One quantity, coordinate by coordinate."""
    return compare(ops, name, "coordinates", gradient, theta, coordinates(gradient.shape), f, sides)


CHECKS = {"Inference": check_inference, "Projection": check_projection}
