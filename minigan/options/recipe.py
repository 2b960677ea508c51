"""The recipe: what decides a run's numbers besides networks and data; and the checks of options by their types."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from numbers import Integral, Real
from types import UnionType
from typing import Any, Literal, Protocol, Self, Union, get_args, get_origin, get_type_hints, runtime_checkable

import numpy as np

from minigan.backends import Array, Ops
from minigan.errors import ConfigError, did_you_mean, shortened

LossName = Literal["non-saturating", "saturating", "least-squares"]


@runtime_checkable
class Loss(Protocol):
    """What both players minimise, told by l, which D's last layer makes of each row.  Minigan's: `minigan.game.losses`.

    logit  whether D(x) = sigmoid(l) is a probability, so that V has a value; otherwise D(x) is l itself
    """

    @property
    def logit(self) -> bool: ...

    def d_loss(self, real: np.ndarray, fake: np.ndarray) -> float:
        """L_D by l of m examples and of m samples: NumPy arrays (m, 1)."""

    def g_loss(self, fake: np.ndarray) -> float:
        """L_G by l of m samples: a NumPy array (m, 1)."""

    def d_backward(self, ops: Ops, logits: Array, weight: float, out: Array) -> Array:
        """weight dL_D/dl: logits, out (2m, 1) of the backend `ops`, real above fake.  logits stay as they are.

        The result lies in `out`; or it is an array of the loss's own, on backends whose arrays are NumPy's.
        """

    def g_backward(self, ops: Ops, logits: Array, out: Array) -> Array:
        """dL_G/dl, likewise: logits, out (m, 1)."""


@dataclass(frozen=True)
class Recipe:
    """How the game is played and how both players learn.  `checked` says in one line what is wrong with it."""

    seed: int = 0
    """seed of every random number, 0 to 2^64 - 1"""
    precision: Literal["float32", "float64", "tf32"] = "float32"
    """of parameters and passes; tf32 is float32 whose products keep 10 bits of mantissa, on a GPU's tensor cores"""
    latent: int = 100
    """width of z"""
    prior: Literal["uniform", "normal", "spherical"] = "uniform"
    """p_z: uniform(-sqrt 3, sqrt 3), N(0, 1), or the unit sphere"""
    condition: Literal["labels"] | None = None
    """what G and D are told of each example beside z and x: its label, one-hot (Mirza and Osindero 2014)"""
    batch_size: int = 100
    """m, examples a minibatch"""
    k: int = 1
    """D-steps an iteration (algorithm 1)"""
    updates: Literal["alternating", "simultaneous"] = "alternating"
    """algorithm 1 as printed, or both players at once as the authors' code"""
    loss: Loss | LossName = "non-saturating"
    """G maximises log D(G(z)), or minimises log(1 - D(G(z))); or both players' squares of D less its target (LSGAN)"""
    optimizer: Literal["sgd", "momentum", "adam"] = "momentum"
    """of both players"""
    lr: float = 0.1
    """learning rate at iteration 0"""
    lr_g: float | None = None
    """G's, where it is another than --lr"""
    lr_d: float | None = None
    """D's, where it is another than --lr"""
    lr_decay: float = 1.0
    """lr is divided by this after each iteration"""
    lr_floor: float = 0.0
    """floor of the decay; an --lr below it stays constant"""
    momentum: float = 0.5
    """momentum in epoch 1"""
    momentum_final: float = 0.5
    """momentum from epoch --momentum-epochs on, linear in between"""
    momentum_epochs: int = 1
    """the epoch at which momentum is final"""
    beta1: float = 0.9
    """Adam's decay of the first moment"""
    beta2: float = 0.999
    """Adam's decay of the second moment"""
    max_column_norm: float | None = None
    """limit on the length of every column of every W, after each update"""
    average: int | None = None
    """samples come from the mean of G's weights over about so many updates; without it, from the weights themselves"""
    average_eta: float = 1.0
    """the t-th weights count about t to this power in the mean: 0 for every one alike (--average)"""

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """Of parameters, passes and data: float32 or float64."""
        return np.dtype("float32" if self.precision == "tf32" else self.precision)

    @cached_property
    def checked(self) -> Self:
        """This recipe, found right: looked at once, since it cannot change.

        Raises ConfigError for the first option of another type, or out of its range.
        """
        self._check()
        return self

    def _check(self) -> None:
        demand_types(self, get_type_hints(Recipe))
        rules = {
            "seed": (0 <= self.seed < 2**64, "0 to 2^64 - 1"),
            "latent": (self.latent >= 1, "at least 1"),
            "batch_size": (1 <= self.batch_size < 2**30, "1 to 2^30 - 1"),
            "k": (1 <= self.k < 2**16, "1 to 65535 D-steps an iteration"),
            "lr": (0 < self.lr < float("inf"), "a finite number above 0"),
            "lr_g": (self.lr_g is None or 0 < self.lr_g < float("inf"), "a finite number above 0"),
            "lr_d": (self.lr_d is None or 0 < self.lr_d < float("inf"), "a finite number above 0"),
            "lr_decay": (1 <= self.lr_decay < float("inf"), "at least 1"),
            "lr_floor": (0 <= self.lr_floor < float("inf"), "0 or more"),
            "momentum": (0 <= self.momentum < 1, "0 <= momentum < 1"),
            "momentum_final": (0 <= self.momentum_final < 1, "0 <= momentum < 1"),
            "momentum_epochs": (self.momentum_epochs >= 1, "at least 1"),
            "beta1": (0 <= self.beta1 < 1, "0 <= beta1 < 1"),
            "beta2": (0 <= self.beta2 < 1, "0 <= beta2 < 1"),
            "max_column_norm": (self.max_column_norm is None or 0 < self.max_column_norm < float("inf"), "above 0"),
            "average": (self.average is None or 1 <= self.average < 2**31, "1 to 2^31 - 1"),
            "average_eta": (0 <= self.average_eta < float("inf"), "0 or more"),
        }
        demand(self, rules)


def kept_options(recipe: Recipe) -> dict[str, Any]:
    """The options as a checkpoint's header keeps them: those of 0.1.0, and of later ones those that are no default."""
    later = {name: getattr(Recipe, name) for name in ("lr_g", "lr_d", "condition", "average_eta")}
    return {name: value for name, value in asdict(recipe).items() if name not in later or value != later[name]}


def demand(options: object, rules: dict[str, tuple[bool, str]]) -> None:
    """Raise ConfigError for the first rule that does not hold: {field: (holds, what was expected)}."""
    for name, (holds, expected) in rules.items():
        if not holds:
            value = shortened(str(getattr(options, name)))
            raise ConfigError(f"--{name.replace('_', '-')} {value}: expected {expected}")


def demand_types(options: object, hints: dict[str, Any]) -> None:
    """Raise ConfigError for the first field whose value is not of its type: {field: its annotation}."""
    given = {name: (getattr(options, name), hint) for name, hint in hints.items()}
    demand(options, {name: (fits(value, hint), allowed(hint, value)) for name, (value, hint) in given.items()})


def check_sample(n: int, seed: int) -> None:
    """Raise ConfigError unless n examples can be drawn with this seed."""
    if not (fits(n, int) and 1 <= n < 2**31):
        raise ConfigError(f"--n {shortened(repr(n))}: expected a whole number, 1 to 2^31 - 1")
    check_seed(seed)


def check_seed(seed: int, name: str = "--seed") -> None:
    """Raise ConfigError unless this is a seed."""
    if not (fits(seed, int) and 0 <= seed < 2**64):
        raise ConfigError(f"{name} {shortened(repr(seed))}: expected a whole number, 0 to 2^64 - 1")


def fits(value: object, hint: Any) -> bool:
    """Whether a value is of the type that a field's annotation says; a whole number serves as a float."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) in (UnionType, Union):
        return any(fits(value, part) for part in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(isinstance(part, str) for part in value)
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, {int: Integral, float: Real}.get(hint, hint)) and not isinstance(value, type)


def allowed(hint: Any, value: object) -> str:
    """The values that an annotation allows, as an error says them; the one that was given is `value`."""
    if get_origin(hint) is Literal:
        return f"one of {', '.join(get_args(hint))}{did_you_mean(value, get_args(hint))}"
    if get_origin(hint) in (UnionType, Union):
        return " or ".join(allowed(part, value) for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is tuple:
        return "a list of texts"
    kinds = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    return kinds.get(hint, "a loss of your own")
