"""One pass through a network, forward and backward, in memory that holds NaN until it is written."""

import numpy as np

from minigan.backends.numpy_ops import NumpyOps
from minigan.layers import Dropout, Linear, Maxout, ReLU, Sequential, Sigmoid
from minigan.layers.params import Grads, Params
from minigan.rng import Draw


class Poisoned(NumpyOps):
    """New memory holds NaN (or 77), so that reading it before it is written shows."""

    def empty(self, shape, dtype):
        return np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 77, dtype)


OPS = Poisoned()


def normal(shape, seed, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def draw_of(n_rows, seed=5):
    return Draw(seed, 3, 1, 2048, np.arange(n_rows, dtype=np.uint32))


LAYERS = (Dropout(0.8), Maxout(6, 5, 3), Dropout(0.5), Linear(5, 7), ReLU(), Linear(7, 4), Sigmoid(), Linear(4, 2))


class Pass:
    """One forward, y (rows, 2), of the last rows of x (8, 6); a cotangent dy, and gradients, NaN until written."""

    def __init__(self, *layers, fused=True, dtype=np.float64, ops=OPS, rows=8, training=True):
        self.ops, self.network = ops, Sequential(*(layers or LAYERS), fused=fused)
        self.params = Params(ops, self.network.shapes(), dtype)
        self.params.flat[...] = normal(self.params.flat.shape, 1, dtype)
        self.x, self.dy = normal((8, 6), 20, dtype)[8 - rows :], normal((8, 2), 21, dtype)[8 - rows :]
        self.tape = self.network.tape(ops, rows, dtype)
        self.tape.draw = draw_of(8)[8 - rows :] if training else None
        self.collect(1.0, 0.0, np.nan)
        self.y = self.forward()

    def collect(self, alpha, beta, start):
        self.grads = Grads(self.params.like(), alpha, beta)
        self.grads.target.flat[...] = start

    def forward(self, x=None, tape=None):
        return self.network.forward(self.ops, self.params, self.x if x is None else x, tape or self.tape).copy()

    def backward(self, dy=None, tape=None, learn=True, need_dx=True):
        """dx and every weight gradient by name, as they are afterwards."""
        grads, dy = self.grads if learn else None, self.dy if dy is None else dy
        dx = self.network.backward(self.ops, self.params, dy, tape or self.tape, grads, need_dx)
        learned = {name: view.copy() for name, view in self.grads.target.items()}
        return learned | ({"dx": dx.copy()} if need_dx else {"dx": dx})
