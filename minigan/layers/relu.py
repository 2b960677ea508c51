"""The rectified linear unit (Nair and Hinton 2010): G's hidden layers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReLU:
    """y = max(0, x).      x, y (B, I)"""

    def shapes(self):
        return {}

    def memory(self, width):
        return {"y": (width, None), "dx": (width, None)}

    def forward(self, ops, p, x, tape):
        return ops.relu(x, out=tape.y)

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        """dx = dy [y > 0]"""
        return ops.relu_backward(dy, tape.y, out=tape.dx) if need_dx else None
