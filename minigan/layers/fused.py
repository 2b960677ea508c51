"""Neighbours merged into one kernel: Linear with its activation, Maxout with the Dropout after it.

What they compute stays the same, bit for bit (a test holds them to the separate layers); they touch memory once where
the separate layers touch it two or three times.
"""

from __future__ import annotations

from dataclasses import dataclass

from minigan.backends import Array, Ops
from minigan.layers.activations import Activation
from minigan.layers.dropout import Dropout
from minigan.layers.layer import Layer, LayerParams, LayerTape, Memory, Pass, Targets
from minigan.layers.linear import Linear
from minigan.layers.maxout import Maxout


@dataclass(frozen=True)
class LinearActivation:
    """y = f(x W + b)"""

    linear: Linear
    activation: Activation

    @property
    def kinks(self) -> tuple[str, ...]:
        return self.activation.kinks

    def memory(self, width: int) -> Memory:
        return self.linear.memory(width) | {"dz": (self.linear.n_out, None)}

    def forward(self, ops: Ops, p: LayerParams, x: Array, tape: LayerTape) -> Array:
        tape.x = x
        ops.gemm(x, p.W, out=tape.y)
        return self.activation.apply(ops, tape.y, out=tape.y, bias=p.b)

    def backward(
        self, ops: Ops, p: LayerParams, dy: Array, tape: LayerTape, grads: Targets | None = None, need_dx: bool = True
    ) -> Array | None:
        """dz = dy f'(z), by y alone; then as `Linear`"""
        dz = self.activation.derive(ops, dy, tape.y, out=tape.dz)
        return self.linear.backward(ops, p, dz, tape, grads, need_dx)


@dataclass(frozen=True)
class MaxoutDropout:
    """y[:, o] = max_p (x W_p + b_p)[:, o] r / keep,  r ~ Bernoulli(keep)"""

    maxout: Maxout
    keep: float
    kinks = Maxout.kinks

    def memory(self, width: int) -> Memory:
        return self.maxout.memory(width)

    def forward(self, ops: Ops, p: LayerParams, x: Array, tape: LayerTape) -> Array:
        return self.maxout.forward(ops, p, x, tape, self.keep)

    def backward(
        self, ops: Ops, p: LayerParams, dy: Array, tape: LayerTape, grads: Targets | None = None, need_dx: bool = True
    ) -> Array | None:
        """A dropped unit has no winner, so one scatter undoes both:  dz = dy / keep [p won and was kept]"""
        scale = 1.0 if tape.draw is None else 1 / self.keep
        return self.maxout.backward(ops, p, dy, tape, grads, need_dx, scale)


@dataclass(frozen=True)
class Stage:
    """One layer, or neighbours merged into one, in a network's pass.

    index  of the layer whose parameters it uses      draw  of the layer whose random numbers it uses
    """

    layer: Pass
    index: int
    draw: int


def fuse(layers: tuple[Layer, ...]) -> list[Stage]:
    """The stages of a pass through `layers`."""
    stages: list[Stage] = []
    i = 0
    while i < len(layers):
        match layers[i : i + 2] if all(map(as_written, layers[i : i + 2])) else layers[i : i + 1]:
            case (Linear() as linear, Activation() as activation):
                stages.append(Stage(LinearActivation(linear, activation), i, i + 1))
            case (Maxout() as maxout, Dropout() as dropout):
                stages.append(Stage(MaxoutDropout(maxout, dropout.keep), i, i + 1))
            case (layer, *_):
                stages.append(Stage(layer, i, i))
        i = stages[-1].draw + 1
    return stages


def as_written(layer: Layer) -> bool:
    """Whether a layer's passes are minigan's: a merged pair would leave out those of a subclass."""
    passes = type(layer).forward, type(layer).backward
    return any(passes == (known.forward, known.backward) for known in (Linear, Activation, Maxout, Dropout))


def separate(layers: tuple[Layer, ...]) -> list[Stage]:
    """One stage a layer: nothing merged."""
    return [Stage(layer, i, i) for i, layer in enumerate(layers)]
