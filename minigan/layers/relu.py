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
        return self.apply(ops, x, out=tape.y)

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        """dx = dy [y > 0]"""
        return self.derive(ops, dy, tape.y, out=tape.dx) if need_dx else None

    def apply(self, ops, z, out, bias=None):
        """The formula with a bias inside: z, out (B, I), bias (I,) or None"""
        return ops.relu(z, out, bias)

    def derive(self, ops, dy, y, out):
        """dz = dy [y > 0]"""
        return ops.relu_backward(dy, y, out)
