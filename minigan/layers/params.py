"""The parameters of a network: one flat buffer, and named views on it ("0.W").

One buffer means one kernel for an update.  Each view starts on a multiple of 64 entries, 256 bytes in float32, so that
every view is aligned for vector and tensor units; the padding between views is zero and stays zero under every update.
"""

from __future__ import annotations

from collections.abc import ItemsView
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from minigan.backends import Array, Ops
from minigan.backends.clock import Number
from minigan.layers.layer import LayerParams, Targets

ALIGNMENT = 64


class Params:
    """Named arrays of one dtype in one flat buffer of a backend.

    shapes   {"0.W": (I, O), "0.b": (O,), ...}: a layer's index, a dot and the name that the layer's formula uses
    flat     (n,) the buffer
    parts    {name: the slice of it that is this array}
    """

    def __init__(self, ops: Ops, shapes: dict[str, tuple[int, ...]], dtype: DTypeLike):
        self.ops, self.shapes, self.dtype = ops, shapes, dtype
        starts, size = {}, 0
        for name, shape in shapes.items():
            starts[name] = size
            size += -(-prod(shape) // ALIGNMENT) * ALIGNMENT
        self.flat = ops.zeros((size,), dtype)
        self.parts = {name: slice(i, i + prod(shapes[name])) for name, i in starts.items()}
        self._views = {name: ops.view(self.flat[part], shapes[name]) for name, part in self.parts.items()}
        self._layers: dict[int, LayerParams] = {}
        for name, view in self._views.items():
            index, letter = name.split(".")
            setattr(self._layers.setdefault(int(index), LayerParams()), letter, view)

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def items(self) -> ItemsView[str, Array]:
        """(name, view) pairs in the order of the layers."""
        return self._views.items()

    def layer(self, index: int) -> LayerParams:
        """The views of one layer by letter, p.W and p.b; none for a layer without parameters."""
        return self._layers.get(index, LayerParams())

    def on_host(self) -> np.ndarray:
        """(n,) every entry of every parameter, in the order of `shapes`, however a backend lays them out."""
        return np.concatenate([self.ops.to_host(view).ravel() for view in self._views.values()])

    def like(self) -> Params:
        """Zeros of the same layout: a velocity, a gradient, a moment."""
        return Params(self.ops, self.shapes, self.dtype)


class Grads:
    """Where backward accumulates:  target <- alpha dtheta + beta target, for every parameter.

    alpha = 1, beta = 0 leaves the plain gradient; alpha = -lr, beta = mu makes the target the momentum's velocity, and
    the gradient itself is never stored.  alpha and beta are floats or a clock's arrays (`minigan.backends.clock`).
    """

    def __init__(self, target: Params, alpha: Number = 1.0, beta: Number = 0.0):
        self.target, self.alpha, self.beta = target, alpha, beta
        indices = {int(name.split(".")[0]) for name in target.shapes}
        self._layers = {i: Targets(**vars(target.layer(i)), alpha=alpha, beta=beta) for i in indices}

    def layer(self, index: int) -> Targets | None:
        """One layer's targets by letter with alpha and beta beside them; None for a layer without parameters."""
        return self._layers.get(index)
