"""The game that a recipe asks for: two players with their optimisers, and Algorithm 1 between them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from minigan.backends import Ops
from minigan.game.algorithm1 import Algorithm1
from minigan.game.optim import SGD, Adam, Momentum, Optimiser
from minigan.game.player import DISCRIMINATOR, GENERATOR, Player
from minigan.game.priors import Prior
from minigan.game.schedules import ExponentialDecay, LinearRamp
from minigan.layers import Sequential
from minigan.options.recipe import Recipe


def game_of(
    ops: Ops, generator: Sequential, discriminator: Sequential, recipe: Recipe, iterations_per_epoch: int
) -> Algorithm1:
    """At iteration 0, with the initial weights of the recipe's seed.

    Raises ValueError where networks and recipe do not fit each other.
    """
    clock = ops.clock(
        ExponentialDecay(recipe.lr, recipe.lr_decay, min(recipe.lr_floor, recipe.lr)),
        LinearRamp(recipe.momentum, recipe.momentum_final, recipe.momentum_epochs, iterations_per_epoch),
    )
    adam = partial(Adam, beta1=recipe.beta1, beta2=recipe.beta2)
    optimisers: dict[str, Callable[..., Optimiser]] = {"sgd": SGD, "momentum": Momentum, "adam": adam}
    optimiser = partial(optimisers[recipe.optimizer], clock=clock)
    g, d = (
        Player(ops, network, recipe.dtype, optimiser, recipe.max_column_norm, average)
        for network, average in ((generator, recipe.average), (discriminator, None))
    )
    prior, seed = Prior(recipe.prior, recipe.latent), recipe.seed
    game = Algorithm1(ops, g, d, clock, prior, seed, recipe.batch_size, recipe.k, recipe.updates, recipe.loss)
    g.initialise(seed, GENERATOR)
    d.initialise(seed, DISCRIMINATOR)
    return game
