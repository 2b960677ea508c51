"""Whether two networks can play a recipe's game, be saved and be loaded."""

from __future__ import annotations

from minigan.errors import ConfigError, shortened
from minigan.game import kept_loss
from minigan.game.algorithm1 import check_rules
from minigan.game.condition import classes_in
from minigan.game.priors import Prior
from minigan.layers import Sequential, models
from minigan.options.recipe import Recipe


def check_players(generator: Sequential, discriminator: Sequential, recipe: Recipe) -> None:
    """Raise ConfigError unless these are a recipe and two networks that can be saved, D ending in a logit."""
    if not isinstance(recipe, Recipe):
        raise ConfigError(f"the recipe is {shortened(repr(recipe))}, expected a Recipe")
    kept_loss.check_loadable(recipe.checked.loss)
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, Sequential):
            raise ConfigError(f"the {name} is {shortened(repr(network))}, expected a Sequential of layers")
        models.check_loadable(name, network)
    if not discriminator.layers[-1].shapes():
        last = type(discriminator.layers[-1]).__name__
        raise ConfigError(f"the discriminator ends in {last}, expected Linear: it makes the logit of D(x)")
    prior, classes = Prior(recipe.prior, recipe.latent), classes_in(generator, recipe)
    if recipe.condition and classes < 1:
        raise ConfigError(f"G takes {generator.n_in} inputs and z has {prior.n}: expected one more for each class")
    try:
        check_rules(generator, discriminator, prior, recipe.batch_size, recipe.k, recipe.updates, classes)
    except ValueError as error:
        raise ConfigError(str(error)) from None
