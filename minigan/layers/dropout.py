"""Dropout (Srivastava et al. 2014): the noise in D."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dropout:
    """y = x r / keep,  r ~ Bernoulli(keep).      x, r, y (B, I)

    Kept units are scaled up while training, so that evaluation (a tape without draw) is the identity.
    Raises ValueError unless 0 < keep <= 1.
    """

    keep: float
    kinks = ("kept",)

    def __post_init__(self):
        if not 0 < self.keep <= 1:
            raise ValueError(f"dropout keep {self.keep}: expected 0 < keep <= 1")

    def shapes(self):
        return {}

    def memory(self, width):
        return {"y": (width, None), "kept": (width, "uint8"), "dx": (width, None)}

    def forward(self, ops, p, x, tape):
        if self._identity(tape):
            return x
        return ops.dropout(x, self.keep, tape.draw, out=tape.y, kept=tape.kept)

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        """dx = dy r / keep"""
        if not need_dx:
            return None
        return dy if self._identity(tape) else ops.dropout_backward(dy, tape.kept, self.keep, out=tape.dx)

    def _identity(self, tape) -> bool:
        return tape.draw is None or self.keep == 1
