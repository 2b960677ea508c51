"""The logistic sigmoid: G's output, one probability a pixel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sigmoid:
    """y = 1 / (1 + e^-x).      x, y (B, I)"""

    def shapes(self):
        return {}

    def memory(self, width):
        return {"y": (width, None), "dx": (width, None)}

    def forward(self, ops, p, x, tape):
        return self.apply(ops, x, out=tape.y)

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        """dx = dy y (1 - y)"""
        return self.derive(ops, dy, tape.y, out=tape.dx) if need_dx else None

    def apply(self, ops, z, out, bias=None):
        """The formula with a bias inside: z, out (B, I), bias (I,) or None"""
        return ops.sigmoid(z, out, bias)

    def derive(self, ops, dy, y, out):
        """dz = dy y (1 - y)"""
        return ops.sigmoid_backward(dy, y, out)
