"""A stack of layers: the multilayer perceptrons that the paper's G and D are."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from minigan.backends import Ops
from minigan.layers.fused import fuse, separate
from minigan.layers.params import Grads, Params
from minigan.layers.tape import LayerTape, Tape


class Sequential:
    """y = layer_n(... layer_1(x)).      x (B, n_in)   y (B, n_out)

    `fused` merges neighbours into one kernel (`minigan.layers.fused`); the result is the same.  Raises ValueError for
    what is no layer or of no size, where a layer's width does not fit the one below it, and where no layer has one.
    """

    def __init__(self, *layers: Any, fused: bool = True):
        for layer in layers:
            check(layer)
        self.layers = layers
        self.stages = fuse(layers) if fused else separate(layers)
        sized = [layer for layer in layers if layer.shapes()]
        if not sized:
            raise ValueError("Sequential: expected at least one layer with weights (Linear or Maxout)")
        self.n_in, self.n_out = sized[0].n_in, sized[-1].n_out
        for below, above in zip(sized, sized[1:]):
            if below.n_out != above.n_in:
                raise ValueError(f"Sequential: {above} above a layer of width {below.n_out}")

    def __repr__(self):
        return f"Sequential({', '.join(map(repr, self.layers))})"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{"0.W": (I, O), ...}: the layer's index, a dot and the parameter's letter."""
        return {f"{i}.{name}": s for i, layer in enumerate(self.layers) for name, s in layer.shapes().items()}

    def tape(self, ops: Ops, rows: int, dtype, out=None) -> Tape:
        """Buffers for passes of up to `rows` rows; `out` (rows, n_out), where given, takes the place of the last y."""
        tapes, width = [], self.n_in
        for stage in self.stages:
            memory = stage.layer.memory(width)
            width, _ = memory["y"]
            given = {"y": out} if out is not None and stage is self.stages[-1] else {}
            buffers = {n: ops.empty((rows, c), kind or dtype) for n, (c, kind) in memory.items() if n not in given}
            tapes.append(LayerTape(x=None, draw=None, **buffers, **given))
        return Tape(tapes)

    def forward(self, ops: Ops, params: Params, x, tape: Tape):
        """x (B, n_in) to y (B, n_out), which lies in the tape's memory until its next pass."""
        for stage, memory in zip(self.stages, tape.layers):
            memory.draw = None if tape.draw is None else tape.draw.layer(stage.draw)
            x = stage.layer.forward(ops, params.layer(stage.index), x, memory)
        return x

    def backward(self, ops: Ops, params: Params, dy, tape: Tape, grads: Grads | None = None, need_dx: bool = True):
        """dy (B, n_out) to dx (B, n_in), or None without `need_dx`; weight gradients only where `grads` asks for them.

        Nothing is computed that nobody reads: without `grads` no weight gradient, and without `need_dx` nothing below
        the lowest layer with parameters.
        """
        last = 0 if need_dx else self._lowest()
        for i in range(len(self.stages) - 1, last - 1, -1):
            stage = self.stages[i]
            p = params.layer(stage.index)
            layer_grads = None if grads is None else grads.layer(stage.index)
            dy = stage.layer.backward(ops, p, dy, tape.layers[i], layer_grads, need_dx or i > last)
        return dy if need_dx else None

    def dead_units(self, ops: Ops, tape: Tape) -> float | None:
        """The share of units that can die (relu) and that no row of the last pass lit; None where there are none."""
        lit = [
            (ops.to_host(memory.y) > 0).any(axis=0)
            for stage, memory in zip(self.stages, tape.layers)
            if getattr(self.layers[stage.draw], "dies", False)
        ]
        return 1 - float(np.concatenate(lit).mean()) if lit else None

    def _lowest(self) -> int:
        """The first stage with parameters."""
        return next(i for i, stage in enumerate(self.stages) if self.layers[stage.index].shapes())


def check(layer: Any) -> None:
    """Raise ValueError unless this is a layer, and its sizes are whole numbers from 1."""
    if isinstance(layer, type) or not hasattr(layer, "shapes"):
        raise ValueError(f"Sequential: {layer!r}, expected layers such as Linear(100, 1200) and ReLU()")
    for name in ("n_in", "n_out", "pieces"):
        size = getattr(layer, name, 1)
        if not isinstance(size, Integral) or size < 1:
            raise ValueError(f"Sequential: {layer}: {name} {size!r}, expected a whole number, at least 1")
