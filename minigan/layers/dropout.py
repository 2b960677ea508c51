"""Dropout (Srivastava et al. 2014): the noise in D."""

from __future__ import annotations

from dataclasses import dataclass

from minigan.backends import Array, Ops
from minigan.errors import shortened
from minigan.layers.layer import LayerParams, LayerTape, Memory, Shapes, Targets
from minigan.options.recipe import fits


@dataclass(frozen=True)
class Dropout:
    """y = x r / keep,  r ~ Bernoulli(keep).      x, r, y (B, I)

    Kept units are scaled up while training, so that evaluation (a tape without draw) is the identity.
    Raises ValueError unless 0 < keep <= 1.
    """

    keep: float
    kinks = ("kept",)

    def __post_init__(self) -> None:
        if not (fits(self.keep, float) and 0 < self.keep <= 1):
            raise ValueError(f"dropout keep {shortened(repr(self.keep))}: expected 0 < keep <= 1")

    def shapes(self) -> Shapes:
        return {}

    def memory(self, width: int) -> Memory:
        return {"y": (width, None), "kept": (width, "uint8"), "dx": (width, None)}

    def forward(self, ops: Ops, p: LayerParams, x: Array, tape: LayerTape) -> Array:
        if self._identity(tape):
            return x
        return ops.dropout(x, self.keep, tape.draw, out=tape.y, kept=tape.kept)

    def backward(
        self, ops: Ops, p: LayerParams, dy: Array, tape: LayerTape, grads: Targets | None = None, need_dx: bool = True
    ) -> Array | None:
        """dx = dy r / keep"""
        if not need_dx:
            return None
        return dy if self._identity(tape) else ops.dropout_backward(dy, tape.kept, self.keep, out=tape.dx)

    def _identity(self, tape: LayerTape) -> bool:
        return tape.draw is None or self.keep == 1
