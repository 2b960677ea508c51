"""Layers of one's own, in plain NumPy."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigan import Uniform


@dataclass(frozen=True)
class Plain:
    """y = tanh(scale x), an array of its own, and so is dx; what backward needs it keeps on the tape itself."""

    scale: float = 1.0
    name: str = "plain"

    def shapes(self):
        return {}

    def memory(self, width):
        return {"y": (width, None)}

    def forward(self, ops, p, x, tape):
        tape.kept = np.tanh(self.scale * x)
        return 1.0 * tape.kept

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        return dy * self.scale * (1 - tape.kept**2)


@dataclass(frozen=True)
class Affine(Plain):
    """y = x W, in NumPy alone."""

    n_in: int = 4
    n_out: int = 3
    weights: Any = Uniform(0.5)

    def shapes(self):
        return {"W": (self.n_in, self.n_out)}

    def memory(self, width):
        return {"y": (self.n_out, None)}

    def forward(self, ops, p, x, tape):
        tape.x = x
        return x @ p.W

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        if grads is not None:
            grads.W *= float(grads.beta)
            grads.W += float(grads.alpha) * tape.x.T @ dy
        return dy @ p.W.T


def failing(**methods):
    """A layer like Plain but for some methods."""
    return dataclass(frozen=True)(type("Odd", (Plain,), methods))
