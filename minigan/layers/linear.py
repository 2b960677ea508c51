"""The affine layer: every weight of a multilayer perceptron lives in one of these."""

from __future__ import annotations

from dataclasses import dataclass

from minigan.backends import Array, Ops
from minigan.backends.ops import ByUnit
from minigan.layers.initialisers import Constant, Initialiser, Uniform
from minigan.layers.layer import LayerParams, LayerTape, Memory, Shapes, Targets


@dataclass(frozen=True)
class Linear:
    """y = x W + b.      x (B, I)   W (I, O)   b (O,)   y (B, O)"""

    n_in: int
    n_out: int
    weights: Initialiser = Uniform(0.05)
    bias: Initialiser = Constant(0.0)

    def shapes(self) -> Shapes:
        return {"W": ByUnit((self.n_in, self.n_out)), "b": (self.n_out,)}

    def memory(self, width: int) -> Memory:
        return {"y": (self.n_out, None), "dx": (self.n_in, None)}

    def forward(self, ops: Ops, p: LayerParams, x: Array, tape: LayerTape) -> Array:
        tape.x = x
        return ops.affine(x, p.W, p.b, out=tape.y)

    def backward(
        self, ops: Ops, p: LayerParams, dy: Array, tape: LayerTape, grads: Targets | None = None, need_dx: bool = True
    ) -> Array | None:
        """dW = x^T dy    db = sum_B dy    dx = dy W^T"""
        if grads is not None:
            ops.gemm(tape.x, dy, out=grads.W, trans_a=True, alpha=grads.alpha, beta=grads.beta)
            ops.colsum(dy, out=grads.b, alpha=grads.alpha, beta=grads.beta)
        return ops.gemm(dy, p.W, out=tape.dx, trans_b=True) if need_dx else None
