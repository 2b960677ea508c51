"""Parameters as scikit-learn has them: by name, to be read, to be set, and in force as soon as they are set."""

from __future__ import annotations

import warnings
from dataclasses import fields, replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast, overload

from minigan.errors import BeginsAnew, ConfigError, did_you_mean, shortened
from minigan.files.checkpoint import Header
from minigan.layers import Sequential
from minigan.options.phases import FIXED
from minigan.options.recipe import Recipe, check_seed

if TYPE_CHECKING:
    from minigan.gan import GAN

T = TypeVar("T")


class Argument(Generic[T]):
    """An argument of the constructor as an attribute.  To assign it is `set_params`, so it is never ignored."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, gan: None, owner: type) -> Self: ...
    @overload
    def __get__(self, gan: Parameters, owner: type) -> T: ...
    def __get__(self, gan: Parameters | None, owner: type) -> Self | T:
        return self if gan is None else cast(T, getattr(gan, f"_{self.name}"))

    def __set__(self, gan: Parameters, value: T) -> None:
        gan.set_params(**{self.name: value})


class Parameters:
    """Two networks, a recipe and what computes.

    A subclass whose constructor takes other arguments keeps each as an attribute of its name, as scikit-learn asks.
    """

    generator: Argument[Sequential] = Argument()
    discriminator: Argument[Sequential] = Argument()
    backend: Argument[str] = Argument()
    threads: Argument[int | None] = Argument()
    device: Argument[int] = Argument()
    distributed: Argument[str | None] = Argument()
    _recipe: Recipe

    @property
    def recipe(self) -> Recipe:
        """How they play and learn.  To assign another one is `change`: a GAN that has learnt goes on by it."""
        return self._recipe

    @recipe.setter
    def recipe(self, recipe: Recipe) -> None:
        cast("GAN", self).change(recipe)

    @property
    def random_state(self) -> int:
        """The recipe's seed, by scikit-learn's name."""
        return self.recipe.seed

    @random_state.setter
    def random_state(self, seed: int) -> None:
        self.set_params(random_state=seed)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """{name: value} of the constructor's arguments; deep: of the recipe's fields too, `seed` as `random_state`."""
        params = {name: getattr(self, name) for name in signature(type(self)).parameters}
        if deep:
            of_recipe = {field.name: getattr(self.recipe, field.name) for field in fields(Recipe)}
            params |= {"random_state": of_recipe.pop("seed")} | of_recipe
        return params

    def set_params(self, **params: Any) -> Self:
        """Set some of what `get_params` has; `seed` is `random_state`.  Fields go over a recipe that is set with them.

        They are in force at once, and a GAN that has learnt goes on by them (`GAN.change`), on another backend too.
        With another network, seed, precision or latent it is as before `fit`; BeginsAnew warns of that.

        Raises ConfigError for an unknown name and for what the constructor refuses; everything is then as it was.
        """
        arguments, known = self.get_params(deep=False), self.get_params()
        if odd := params.keys() - known.keys() - {"seed"}:
            nearest = did_you_mean(min(odd), known) or f"; expected one of {', '.join(known)}"
            raise ConfigError(f"unknown parameter {shortened(repr(min(odd)))}{nearest}")
        if "random_state" in params:
            if "seed" in params:
                raise ConfigError("random_state and seed: two names of one number, expected one of them")
            check_seed(params["random_state"], "random_state")
        of_recipe = {
            "seed" if name == "random_state" else name: params.pop(name) for name in params.keys() - arguments.keys()
        }
        arguments |= params
        if of_recipe and isinstance(arguments.get("recipe", self.recipe), Recipe):
            arguments["recipe"] = replace(arguments.get("recipe", self.recipe), **of_recipe)
        become(cast("GAN", self), cast("GAN", type(self)(**arguments)))
        return self

    def __repr__(self) -> str:
        """The networks in short, where the recipe differs from the defaults, what computes, and the iteration."""
        values = [(f.name, getattr(self.recipe, f.name), f.default) for f in fields(Recipe)]
        recipe = ", ".join(f"{name}={value!r}" for name, value, default in values if value != default)
        gan = cast("GAN", self)
        networks = f"G: {in_short(gan.generator)}; D: {in_short(gan.discriminator)}"
        return f"{type(self).__name__}({networks}; Recipe({recipe}); {gan.ops.name}, iteration {gan.iteration})"


LEARNT = ("ops", "_game", "_iterations", "iteration", "iterations_per_epoch", "data", "phases")
"""what a GAN has beside what its constructor was given"""


def become(gan: GAN, made: GAN) -> None:
    """Let a GAN be what another one, made just now, is; what it has learnt it keeps where that fits."""
    same = made.generator is gan.generator and made.discriminator is gan.discriminator
    same &= all(getattr(made.recipe, name) == getattr(gan.recipe, name) for name in FIXED)
    if not gan.has_weights or not same:
        if gan.iteration:
            done = f"the {gan.iteration} iterations that this GAN has learnt are forgotten"
            warnings.warn(f"set_params begins anew: {done}", BeginsAnew, stacklevel=4)
        vars(gan).pop("history_", None)
        vars(gan).update(vars(made))
        return
    given = {name: value for name, value in vars(made).items() if name not in LEARNT}
    gan.change(made.recipe)
    places = [(one.ops.name, one.threads, one.device, one.ranks) for one in (made, gan)]
    if places[0] != places[1]:
        made.begin(gan.iterations_per_epoch * gan.recipe.k, gan.data, phases=gan.phases)
        snapshot, named = gan.snapshot(), Path(f"a GAN on {gan.ops.name}")
        made.restore(named, snapshot.tensors(), Header(snapshot.header, named))
        vars(gan).update({name: vars(made)[name] for name in LEARNT})
    vars(gan).update(given)


def in_short(network: Sequential) -> str:
    """32 > Linear 256 > ReLU > Linear 64 > Sigmoid"""
    layers = (f"{type(layer).__name__} {getattr(layer, 'n_out', '')}".strip() for layer in network.layers)
    return " > ".join([str(network.n_in), *layers])
