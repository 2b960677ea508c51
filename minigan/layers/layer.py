"""What every layer has: the contract of `minigan.layers` as types."""

from __future__ import annotations

from dataclasses import Field
from types import SimpleNamespace
from typing import ClassVar, Protocol, TypeAlias

from minigan.backends import Array, Ops
from minigan.backends.clock import Number
from minigan.layers.tape import LayerTape as LayerTape

Shapes: TypeAlias = dict[str, tuple[int, ...]]
"""{letter: shape} of a layer's parameters"""
Memory: TypeAlias = dict[str, tuple[int, str | None]]
"""{name: (columns, dtype or None for the pass's own)} of a layer's tape"""


class LayerParams(SimpleNamespace):
    """One layer's parameters by letter: those that its `shapes` names."""

    W: Array
    b: Array


class Targets(LayerParams):
    """Where one layer's gradients go, by the same letters."""

    alpha: Number
    beta: Number


class Pass(Protocol):
    """The way through a layer, or through neighbours merged into one, and back."""

    def memory(self, width: int) -> Memory: ...
    def forward(self, ops: Ops, p: LayerParams, x: Array, tape: LayerTape) -> Array: ...
    def backward(
        self, ops: Ops, p: LayerParams, dy: Array, tape: LayerTape, grads: Targets | None = None, need_dx: bool = True
    ) -> Array | None: ...


class Layer(Pass, Protocol):
    """A frozen dataclass with these methods."""

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]

    def shapes(self) -> Shapes: ...
