"""Parameters as scikit-learn has them: by name, to be read, to be set, and in force as soon as they are set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from inspect import signature
from typing import Any, Generic, Self, TypeVar

from minigan.backends import Ops
from minigan.errors import ConfigError, did_you_mean, shortened
from minigan.game.algorithm1 import Algorithm1
from minigan.layers import Sequential
from minigan.options.recipe import Recipe, check_seed

T = TypeVar("T")


class Argument(Generic[T]):
    """An argument of the constructor as an attribute.  To assign it is `set_params`, so it is never ignored."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, estimator: Parameters | None, owner: type) -> T:
        if estimator is None:
            raise AttributeError(f"{owner.__name__}.{self.name}: expected the attribute of an instance")
        return estimator._arguments[self.name]

    def __set__(self, estimator: Parameters, value: T) -> None:
        estimator.set_params(**{self.name: value})


class Parameters:
    """Two networks, a recipe and what computes: the constructor keeps its arguments in `_arguments`.

    A subclass whose constructor takes others keeps each as an attribute of its name, as scikit-learn asks.
    """

    generator: Argument[Sequential] = Argument()
    discriminator: Argument[Sequential] = Argument()
    recipe: Argument[Recipe] = Argument()
    backend: Argument[str] = Argument()
    threads: Argument[int | None] = Argument()
    device: Argument[int] = Argument()

    # What follows from the arguments, and what was learned.
    _arguments: dict[str, Any]
    ops: Ops
    _game: Algorithm1 | None
    _iterations: dict[tuple[int, bool], Callable[[], None]]
    iteration: int
    iterations_per_epoch: int
    data: dict

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

        They are in force at once.  While the networks stay, so do the weights, the iteration, and what an optimiser
        remembers as long as it is the same one.  With another network there are no weights, as before `fit`.

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
        if of_recipe and isinstance(arguments["recipe"], Recipe):
            arguments["recipe"] = replace(arguments["recipe"], **of_recipe)
        self._become(type(self)(**arguments))
        return self

    def _become(self, other: Self) -> None:
        """Be what `other`, made just now, is; before, it takes over what was learned here, where that fits."""
        if computes_on(other) == computes_on(self):
            other.ops = self.ops  # perhaps within a session, with data on it
        same = other.generator is self.generator and other.discriminator is self.discriminator
        if self._game is not None and same:
            examples = self.iterations_per_epoch * self.recipe.k * self.recipe.batch_size
            other.begin(examples // other.recipe.batch_size, self.data)
            learned = self.ops.snapshot(self._tensors())()
            for name, view in other._tensors().items():
                # A mean of weights that was not kept so far begins at the weights.
                tensor = learned.get(name, learned.get(name.replace(".mean.", ".")))
                if tensor is not None:
                    other.ops.copy(other.ops.asarray(tensor, view.dtype), out=view)
            other.iteration = self.iteration
            other.ops.set_clock(other.game.clock, other.iteration)
        vars(self).update(vars(other))

    def __repr__(self) -> str:
        """The networks in short, where the recipe differs from the defaults, what computes, and the iteration."""
        values = [(f.name, getattr(self.recipe, f.name), f.default) for f in fields(Recipe)]
        recipe = ", ".join(f"{name}={value!r}" for name, value, default in values if value != default)
        networks = f"G: {in_short(self.generator)}; D: {in_short(self.discriminator)}"
        return f"{type(self).__name__}({networks}; Recipe({recipe}); {self.ops.name}, iteration {self.iteration})"


def computes_on(gan: Parameters) -> tuple:
    """What decides which `ops` there are."""
    return gan.ops.name, gan.threads, gan.device, gan.recipe.precision


def in_short(network: Sequential) -> str:
    """32 > Linear 256 > ReLU > Linear 64 > Sigmoid"""
    widths = [f" {layer.n_out}" if layer.shapes() else "" for layer in network.layers]
    return " > ".join([str(network.n_in), *(type(layer).__name__ + w for layer, w in zip(network.layers, widths))])
