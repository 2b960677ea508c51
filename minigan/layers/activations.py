"""Activations: functions of one number whose derivative follows from the result alone."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from math import inf
from typing import TYPE_CHECKING, ClassVar

from minigan.backends import Array, Ops
from minigan.errors import shortened
from minigan.layers.layer import LayerParams, LayerTape, Memory, Shapes, Targets
from minigan.options.recipe import fits


@dataclass(frozen=True)
class Activation:
    """y = f(x), entry by entry, and dx = dy f'(x) by y alone.      x, y, dx (B, I)

    A subclass says what f is; its fields, if any, are numbers that the kernels take.

    name   in presets; it begins the names of the backends' kernels
    range  (low, high) that y does not leave
    kinks  arrays of the tape that tell on which side of a kink x was: ("y",) where f' jumps at 0
    dies   whether f' is 0 for all x below 0, so that a unit can learn nothing for any row
    """

    name: ClassVar[str]
    range: ClassVar[tuple[float, float]] = (-inf, inf)
    kinks: ClassVar[tuple[str, ...]] = ()
    dies: ClassVar[bool] = False

    def shapes(self) -> Shapes:
        return {}

    def memory(self, width: int) -> Memory:
        return {"y": (width, None), "dx": (width, None)}

    def forward(self, ops: Ops, p: LayerParams, x: Array, tape: LayerTape) -> Array:
        return self.apply(ops, x, out=tape.y)

    def backward(
        self, ops: Ops, p: LayerParams, dy: Array, tape: LayerTape, grads: Targets | None = None, need_dx: bool = True
    ) -> Array | None:
        return self.derive(ops, dy, tape.y, out=tape.dx) if need_dx else None

    def apply(self, ops: Ops, z: Array, out: Array, bias: Array | None = None) -> Array:
        """f(z + b), the bias of the layer below inside: z, out (B, I), b (I,) or None"""
        return ops.activation(self.name, z, out, bias, astuple(self))

    def derive(self, ops: Ops, dy: Array, y: Array, out: Array) -> Array:
        """dz = dy f'(z)"""
        return ops.activation_backward(self.name, dy, y, out, astuple(self))


class ReLU(Activation):
    """y = max(0, x)      dx = dy [y > 0]      The rectified linear unit (Nair and Hinton 2010): G's hidden layers."""

    name = "relu"
    range = (0, inf)
    kinks = ("y",)
    dies = True


class Sigmoid(Activation):
    """y = 1 / (1 + e^-x)      dx = dy y (1 - y)      The logistic sigmoid: G's output, one probability a pixel."""

    name = "sigmoid"
    range = (0, 1)


class Tanh(Activation):
    """y = (e^x - e^-x) / (e^x + e^-x)      dx = dy (1 - y^2)      The hyperbolic tangent: a sigmoid from -1 to 1."""

    name = "tanh"
    range = (-1, 1)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """y = max(x, slope x)      dx = dy ([y > 0] + slope [y <= 0])      (Maas et al. 2013): a relu that cannot die.

    Raises ValueError unless 0 < slope < 1.
    """

    slope: float = 0.01
    name = "leaky_relu"
    kinks = ("y",)

    def __post_init__(self) -> None:
        if not (fits(self.slope, float) and 0 < self.slope < 1):
            raise ValueError(f"slope={shortened(repr(self.slope))}: expected a number above 0 and below 1")


ACTIVATIONS = {layer.name: layer for layer in (ReLU, Sigmoid, Tanh, LeakyReLU)}
"""{the name of presets: the class}"""
if not TYPE_CHECKING:  # type checkers take no list that has to be computed, and without one all names
    __all__ = [layer.__name__ for layer in ACTIVATIONS.values()]
