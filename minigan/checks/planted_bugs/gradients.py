"""Bugs in backward passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minigan.backends.numpy_ops import NumpyOps
from minigan.checks.planted_bugs.planting import Bugs
from minigan.game.algorithm1 import Algorithm1
from minigan.layers import Dropout, Linear, Maxout

GRADIENTS = Bugs()


@GRADIENTS.plant_in(NumpyOps, "relu_backward", row="ReLU: d0.W")
def sign_relu(right):
    """dz = -dy [y > 0]

    G collapses: diversity .005 from iteration 500 on, one blurred digit for every z, and D is nearly sure of it,
    V -0.07.
    """
    return lambda self, dy, y, out: right(self, -dy, y, out)


@GRADIENTS.plant_in(NumpyOps, "relu_backward", row="ReLU: d0.W")
def relu_lets_all_through(right):
    """dz = dy [y >= 0], and y is never below 0.

    Nothing that one would notice: digits, V -1.23. Beside a healthy run the length of G's gradient stands out, 1.7
    instead of .66.
    """
    return lambda self, dy, y, out: np.multiply(dy, y >= 0, out=out)


@GRADIENTS.plant_in(NumpyOps, "sigmoid_backward", row="Sigmoid: d0.W")
def half_a_sigmoid_slope(right):
    """dz = dy y, without the factor 1 - y.

    The losses are not finite after 289 iterations. Before that G's gradient is three times as long as it should be:
    a pixel that is at 1 feels the whole of it, where it should feel nothing.
    """
    return lambda self, dy, y, out: np.multiply(dy, y, out=out)


@GRADIENTS.plant_in(NumpyOps, "maxout_backward", row="Maxout: d0.W")
def maxout_to_all_pieces(right):
    """Every piece of a maxout unit receives the gradient, not the winner alone.

    G collapses at once to one pattern of noise, six in ten of its units are dead, and at the end D has won: V
    -0.003.
    """

    def maxout_backward(self, dy, winner, scale, out):
        out.reshape(len(dy), -1, dy.shape[1])[...] = scale * (dy * (winner >= 0))[:, None]
        return out

    return maxout_backward


@GRADIENTS.plant_in(NumpyOps, "maxout_backward", row="Maxout: d0.W")
def pieces_interleaved(right):
    """Backward takes piece p of unit o to be column o P + p; forward has it at p O + o.

    D learns nothing, V -1.34 after 100 iterations, and after 315 the losses are not finite.
    """

    def maxout_backward(self, dy, winner, scale, out):
        units = out.reshape(*dy.shape, -1)
        for p in range(units.shape[2]):
            np.multiply(scale * dy, winner == p, out=units[:, :, p])
        return out

    return maxout_backward


@GRADIENTS.plant_in(Maxout, "backward", row="Maxout at a tie: d0.b")
def tie_sent_twice(right):
    """Each piece that reaches the maximum receives the whole gradient, two of them at a tie.

    Nothing. In float32 pieces tie by chance, once among the 58 million units of the first 1,000 iterations: up to
    there, iteration 806, the run is bit for bit a healthy one, and afterwards like one with another seed.
    """

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True, scale=1.0):
        piece = tape.z.reshape(len(dy), self.pieces, -1)
        largest = (piece == piece.max(axis=1, keepdims=True)) & (tape.winner >= 0)[:, None]
        dz = (dy.dtype.type(scale) * dy[:, None] * largest).reshape(tape.dz.shape)
        return Linear.backward(self, ops, p, dz, tape, grads, need_dx)

    return backward


@GRADIENTS.plant_in(NumpyOps, "maxout_backward", row="Maxout+Dropout: d0.W")
def lost_1_over_keep(right):
    """Forward divides the units that dropout keeps by their probability, backward does not.

    A slow D, whose layers learn at half the rate for each dropout above them: V still -0.42, and three or four
    kinds of digit in hard black and white.
    """
    return lambda self, dy, winner, scale, out: right(self, dy, winner, 1.0, out)


@GRADIENTS.plant_in(NumpyOps, "dropout_backward", row="Dropout: dx")
def mask_not_reapplied(right):
    """dx = dy / keep, also where the unit was dropped.

    Nothing: only G's gradient passes through the dropout on D's input, and the digits are as good.
    """
    return lambda self, dy, kept, keep, out: right(self, dy, np.ones_like(kept), keep, out)


@GRADIENTS.plant_in(Dropout, "backward", row="Dropout: dx")
def mask_drawn_anew(right):
    """Backward draws a mask of its own, not forward's.

    Nothing: G's gradient comes through other pixels than those that D saw, and the digits are as good.
    """

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        if not need_dx or self._identity(tape):
            return right(self, ops, p, dy, tape, grads, need_dx)
        draw = replace(tape.draw, substep=tape.draw.substep + 1000)
        return ops.dropout(dy, self.keep, draw, out=tape.dx, kept=np.empty_like(tape.kept))

    return backward


@GRADIENTS.plant_in(NumpyOps, "gemm", row="Linear: dx")
def transposed_weight(right):
    """dx = dy W', with W's numbers read row by row into the shape of its transpose: no shape says that it is not W^T.

    D has won within 600 iterations, V -0.003: G gets noise as its gradient. Its gradient is short from the
    first line on, .015 instead of .17.
    """

    def gemm(self, a, b, out, trans_a=False, trans_b=False, alpha=1.0, beta=0.0):
        return right(self, a, b.reshape(b.shape[::-1]) if trans_b else b, out, trans_a, False, alpha, beta)

    return gemm


@GRADIENTS.plant_in(NumpyOps, "gemm", row="Linear: d0.W")
def transposed_input(right):
    """dW = x' dy, with x's numbers read row by row into the shape of its transpose.

    Everything seems even, V -1.36 and D(x) = D(G(z)) = 1/2, because neither player learns; G makes one grey cloud.
    V then begins to swing, and at iteration 2,736 of a longer run the losses are not finite.
    """

    def gemm(self, a, b, out, trans_a=False, trans_b=False, alpha=1.0, beta=0.0):
        return right(self, a.reshape(a.shape[::-1]) if trans_a else a, b, out, False, trans_b, alpha, beta)

    return gemm


@GRADIENTS.plant_in(NumpyOps, "colsum", row="Linear: d0.b")
def bias_mean_for_sum(right):
    """db = (1/B) sum_B dy: 1/m stands in the loss already, and now twice.

    Slower, with paler digits and at the end 9 % dead units instead of .4 %, but V is -1.10.
    """
    return lambda self, a, out, alpha=1.0, beta=0.0: right(self, a, out, alpha / len(a), beta)


@GRADIENTS.plant_in(
    Algorithm1,
    "_dlogits_d",
    row="Algorithm 1, simultaneous, non-saturating: G",
    options="--updates simultaneous --lr .2",
)
def logits_overwritten(right):
    """D's backward leaves its derivative where forward left the logits, and G's backward over the same pass reads them.

    What is printed looks like the end of a perfect game from the first line on: V -1.387, D(x) = D(G(z)) = .500:
    it is read from the same buffer. G makes digits, but pale ones.
    """
    return lambda self: self.loss.d_backward(self.ops, self.logits, self.d_weight, self.logits)
