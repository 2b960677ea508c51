"""A stack of layers: the multilayer perceptrons that the paper's G and D are."""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import Literal, overload

import numpy as np
from numpy.typing import DTypeLike

from minigan.backends import Array, Ops
from minigan.distributed.ranks import ALONE, Ranks
from minigan.errors import ConfigError, shortened
from minigan.layers.fused import fuse, separate
from minigan.layers.layer import Layer
from minigan.layers.params import Grads, Params
from minigan.layers.tape import LayerTape, Tape
from minigan.options.recipe import fits

STARTS = {"W": "weights", "b": "bias"}
"""the parameters that a layer may have, and the field that says how each begins"""


class Sequential:
    """y = layer_n(... layer_1(x)).      x (B, n_in)   y (B, n_out)

    `fused` merges neighbours into one kernel (`minigan.layers.fused`); the result is the same.  Raises ValueError for
    what is no layer or of no size, where a layer's width does not fit the one below it, and where no layer has one.

    A layer may return arrays of its own where others return the tape's, on backends whose arrays are NumPy's: what
    forward returns is then copied to the tape.  ConfigError for one of another shape, or on another backend.
    """

    def __init__(self, *layers: Layer, fused: bool = True):
        for layer in layers:
            check(layer)
        self.layers = layers
        self.stages = fuse(layers) if fused else separate(layers)
        sized = [layer for layer in layers if layer.shapes()]
        if not sized:
            raise ValueError("Sequential: expected at least one layer with weights (Linear or Maxout)")
        self.n_in: int = getattr(sized[0], "n_in")
        self.n_out: int = self.n_in
        for layer in layers:
            if layer.shapes() and getattr(layer, "n_in") != self.n_out:
                raise ValueError(f"Sequential: {shortened(repr(layer))} above a layer of width {self.n_out}")
            self.n_out, _ = layer.memory(self.n_out)["y"]

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{"0.W": (I, O), ...}: the layer's index, a dot and the parameter's letter."""
        return {f"{i}.{name}": s for i, layer in enumerate(self.layers) for name, s in layer.shapes().items()}

    def tape(self, ops: Ops, rows: int, dtype: DTypeLike, out: Array | None = None) -> Tape:
        """Buffers for passes of up to `rows` rows; `out` (rows, n_out), where given, is the last y."""
        tapes, width = [], self.n_in
        for stage in self.stages:
            memory = stage.layer.memory(width)
            width, _ = memory["y"]
            given = {"y": out} if out is not None and stage is self.stages[-1] else {}
            buffers = {n: ops.empty((rows, c), kind or dtype) for n, (c, kind) in memory.items() if n not in given}
            tapes.append(LayerTape(x=None, draw=None, **buffers, **given))
        return Tape(tapes)

    def forward(self, ops: Ops, params: Params, x: Array, tape: Tape) -> Array:
        """x (B, n_in) to y (B, n_out), which lies in the tape's memory until its next pass."""
        for stage, memory in zip(self.stages, tape.layers):
            memory.draw = None if tape.draw is None else tape.draw.layer(stage.draw)
            y = stage.layer.forward(ops, params.layer(stage.index), x, memory)
            if y is not memory.y and y is not x:
                y = ops.copy(returned(ops, stage.layer, "forward", y, memory.y.shape, x.dtype), out=memory.y)
            x = y
        return x if x is memory.y else ops.copy(x, out=memory.y)

    @overload
    def backward(
        self, ops: Ops, params: Params, dy: Array, tape: Tape, grads: Grads | None = None, need_dx: Literal[True] = True
    ) -> Array: ...
    @overload
    def backward(
        self, ops: Ops, params: Params, dy: Array, tape: Tape, grads: Grads | None = None, need_dx: bool = True
    ) -> Array | None: ...
    def backward(
        self, ops: Ops, params: Params, dy: Array, tape: Tape, grads: Grads | None = None, need_dx: bool = True
    ) -> Array | None:
        """dy (B, n_out) to dx (B, n_in), or None without `need_dx`; weight gradients only where `grads` asks for them.

        Nothing is computed that is not used: without `grads` no weight gradient, and without `need_dx` nothing below
        the lowest layer with parameters.
        """
        last = 0 if need_dx else self._lowest()
        for i in range(len(self.stages) - 1, last - 1, -1):
            stage = self.stages[i]
            p = params.layer(stage.index)
            layer_grads = None if grads is None else grads.layer(stage.index)
            needed = need_dx or i > last
            dx = stage.layer.backward(ops, p, dy, tape.layers[i], layer_grads, needed)
            if not needed:
                return None
            if dx is None or dx is not dy and dx is not getattr(tape.layers[i], "dx", tape):
                width = tape.layers[i - 1].y.shape[1] if i else self.n_in
                dx = returned(ops, stage.layer, "backward", dx, (len(dy), width), dy.dtype)
            dy = dx
        return dy

    def dead_units(self, ops: Ops, tape: Tape, ranks: Ranks = ALONE) -> float | None:
        """The share of units that can die (relu) and that no row of the ranks' last pass lit; None without such."""
        lit = [
            ranks.joined(np.any(ops.to_host(memory.y) > 0, axis=0, keepdims=True)).any(axis=0)
            for stage, memory in zip(self.stages, tape.layers)
            if getattr(self.layers[stage.draw], "dies", False)
        ]
        return 1 - float(np.concatenate(lit).mean()) if lit else None

    def _lowest(self) -> int:
        """The first stage with parameters."""
        return next(i for i, stage in enumerate(self.stages) if self.layers[stage.index].shapes())


def returned(
    ops: Ops,
    maker: object,
    method: str,
    array: object,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    given: str = "an array of the tape",
) -> np.ndarray:
    """An array that a layer or a loss made by itself, not in the one given, as kernels take it.

    Raises ConfigError for one that they cannot.
    """
    said = f"{type(maker).__name__}.{method} returned"
    if not isinstance(array, np.ndarray):
        raise ConfigError(f"{said} {type(array).__name__} on {ops.name}, expected {given}")
    if array.shape != shape:
        raise ConfigError(f"{said} shape {array.shape}, expected {shape}")
    return np.ascontiguousarray(array, dtype)


def check(layer: Layer) -> None:
    """Raise ValueError unless this is a layer whose fields say all of it, and its sizes are whole numbers from 1."""
    if isinstance(layer, (type, Sequential)) or not hasattr(layer, "shapes"):
        told = shortened(repr(layer))
        raise ValueError(f"Sequential: {told}, expected layers such as Linear(100, 1200) and ReLU()")
    name = type(layer).__name__
    if not (is_dataclass(layer) and getattr(layer, "__dataclass_params__").frozen):
        raise ValueError(f"Sequential: {name}, expected @dataclass(frozen=True): a checkpoint keeps a layer's fields")
    for letter in layer.shapes():
        if not (callable(getattr(layer, STARTS.get(letter, ""), None)) and hasattr(layer, "n_in")):
            known = "W or b, its start (an Initialiser) in `weights` or `bias`, and n_in"
            raise ValueError(f"Sequential: {name} with a parameter {letter}: expected {known}")
    for name in ("n_in", "n_out", "pieces"):
        size = getattr(layer, name, 1)
        if not fits(size, int) or size < 1:
            told = f"{shortened(repr(layer))}: {name} {shortened(repr(size))}"
            raise ValueError(f"Sequential: {told}, expected a whole number, at least 1")
