"""The game that a recipe asks for: two players with their optimisers, and Algorithm 1 between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from minigan.backends import Ops
from minigan.backends.clock import Clock
from minigan.distributed.ranks import ALONE, Ranks
from minigan.game.algorithm1 import Algorithm1
from minigan.game.condition import classes_in
from minigan.game.optim import SGD, Adam, Momentum, Optimiser
from minigan.game.player import DISCRIMINATOR, GENERATOR, Player
from minigan.game.priors import Prior
from minigan.game.schedules import ExponentialDecay, LinearRamp
from minigan.layers import Sequential
from minigan.layers.params import Params
from minigan.options.phases import Phase, recipe_before
from minigan.options.recipe import Recipe


def game_of(
    ops: Ops,
    generator: Sequential,
    discriminator: Sequential,
    recipe: Recipe,
    iterations_per_epoch: int,
    phases: Sequence[Phase] = (),
    ranks: Ranks = ALONE,
) -> Algorithm1:
    """At iteration 0, with the initial weights of the recipe's seed.

    phases  by which it has come to this recipe
    ranks   that play it together

    Raises ValueError where networks and recipe do not fit each other.
    """
    ramp = LinearRamp(recipe.momentum, recipe.momentum_final, recipe.momentum_epochs, iterations_per_epoch)
    rates = [recipe.lr if own is None else own for own in (recipe.lr_g, recipe.lr_d)]
    clocks = {
        rate: ops.clock(ExponentialDecay(rate, recipe.lr_decay, min(recipe.lr_floor, rate)), ramp)
        for rate in dict.fromkeys(rates)
    }
    clock_g, clock_d = (clocks[rate] for rate in rates)
    since_g, since_d = updates_before_optimiser(recipe, phases)
    g, d = (
        Player(ops, network, recipe.dtype, optimiser_of(recipe, clock, since), recipe.max_column_norm, average, ranks)
        for network, clock, since, average in (
            (generator, clock_g, since_g, None if recipe.average is None else (recipe.average, recipe.average_eta)),
            (discriminator, clock_d, since_d, None),
        )
    )
    prior, seed = Prior(recipe.prior, recipe.latent), recipe.seed
    rules = recipe.batch_size, recipe.k, recipe.updates, recipe.loss
    own_clock = None if clock_d is clock_g else clock_d
    ahead, classes = steps_ahead(phases), classes_in(generator, recipe)
    game = Algorithm1(ops, g, d, clock_g, prior, seed, *rules, own_clock, ahead, ranks, classes)
    g.initialise(seed, GENERATOR)
    d.initialise(seed, DISCRIMINATOR)
    return game


def optimiser_of(recipe: Recipe, clock: Clock, since: int) -> Callable[[Params], Optimiser]:
    """Makes the optimiser of a player; it has had `since` updates by another one."""
    adam = partial(Adam, beta1=recipe.beta1, beta2=recipe.beta2, since=since)
    optimisers: dict[str, Callable[..., Optimiser]] = {"sgd": SGD, "momentum": Momentum, "adam": adam}
    return partial(optimisers[recipe.optimizer], clock=clock)


def steps_ahead(phases: Sequence[Phase]) -> int:
    """D's steps before the last phase began, less what as many iterations with the last k would have had."""
    changes = [(phase.iteration, *phase.changed["k"]) for phase in phases if "k" in phase.changed]
    return sum(iteration * (before - after) for iteration, before, after in changes)


def updates_before_optimiser(recipe: Recipe, phases: Sequence[Phase]) -> tuple[int, int]:
    """How many updates G, and D, had before the recipe's optimiser took over."""
    at = max((phase.iteration for phase in phases if "optimizer" in phase.changed), default=0)
    until = [phase for phase in phases if phase.iteration <= at]
    k = recipe_before(recipe, phases, at + 1).k
    return at, at * k + steps_ahead(until)
