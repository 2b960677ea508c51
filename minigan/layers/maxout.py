"""Maxout (Goodfellow et al. 2013): D's hidden layers, each unit the largest of a few affine pieces."""

from __future__ import annotations

from dataclasses import dataclass

from minigan.backends import Array, Ops
from minigan.layers.initialisers import Constant, Initialiser, Uniform
from minigan.layers.layer import LayerParams, LayerTape, Memory, Shapes, Targets


@dataclass(frozen=True)
class Maxout:
    """y[:, o] = max_p (x W_p + b_p)[:, o].      x (B, I)   W (I, P O)   b (P O,)   y (B, O)

    The pieces are the outer axis of W's columns: piece p of unit o is column p O + o.  A tie goes to the lowest piece.
    The winner's index is all that backward needs.
    """

    n_in: int
    n_out: int
    pieces: int
    weights: Initialiser = Uniform(0.005)
    bias: Initialiser = Constant(0.0)
    kinks = ("winner",)

    def shapes(self) -> Shapes:
        return {"W": (self.n_in, self.pieces * self.n_out), "b": (self.pieces * self.n_out,)}

    def memory(self, width: int) -> Memory:
        columns = self.pieces * self.n_out
        return {
            "z": (columns, None),
            "y": (self.n_out, None),
            "winner": (self.n_out, "int8"),
            "dz": (columns, None),
            "dx": (self.n_in, None),
        }

    def forward(self, ops: Ops, p: LayerParams, x: Array, tape: LayerTape, keep: float = 1.0) -> Array:
        """`keep` below 1 merges the Dropout that follows into the same kernel."""
        tape.x = x
        ops.gemm(x, p.W, out=tape.z)
        return ops.maxout(tape.z, p.b, keep, tape.draw, out=tape.y, winner=tape.winner)

    def backward(
        self, ops: Ops, p: LayerParams, dy: Array, tape: LayerTape,
        grads: Targets | None = None, need_dx: bool = True, scale: float = 1.0,
    ) -> Array | None:  # fmt: skip
        """dz[:, p O + o] = dy[:, o] [p won]    dW = x^T dz    db = sum_B dz    dx = dz W^T"""
        dz = ops.maxout_backward(dy, tape.winner, scale, out=tape.dz)
        if grads is not None:
            ops.gemm(tape.x, dz, out=grads.W, trans_a=True, alpha=grads.alpha, beta=grads.beta)
            ops.colsum(dz, out=grads.b, alpha=grads.alpha, beta=grads.beta)
        return ops.gemm(dz, p.W, out=tape.dx, trans_b=True) if need_dx else None
