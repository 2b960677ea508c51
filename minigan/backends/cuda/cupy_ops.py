"""The fast GPU backend: kernels of our own (.cu), cuBLAS for the products, and iterations recorded as one graph."""

from __future__ import annotations

import cupy

from minigan import rng
from minigan.backends import checks
from minigan.backends.clock import Count
from minigan.backends.cuda.kernels import block_a_row, cells, column_tiles, entries, fours, parts, warp_a_row
from minigan.backends.cuda.memory import CupyMemory
from minigan.rng import Draw

KEEP_ALL = 2**32
ROWS_A_BLOCK, MOST_ROW_BLOCKS = 256, 256
"""of a column's sum: with more rows one block for 32 columns would leave most of a GPU idle"""
NO_DRAW = (None, None, 0, 0, 0)


class CupyOps(CupyMemory):
    # ---- Products ----------------------------------------------------------------------------------------------

    def gemm(self, a, b, out, trans_a=False, trans_b=False, alpha=1.0, beta=0.0):
        checks.product(a, b, out, trans_a, trans_b)
        (m, n), k = out.shape, a.shape[0 if trans_a else 1]
        if n == 1 and trans_a:
            self._column_sums(a, b, out, alpha, beta)
        elif n == 1:
            self._run("row_products", out.dtype, warp_a_row(m), a, b, None, out, m, k, *scalars(alpha, beta))
        elif k == 1:
            self._run("outer_product", out.dtype, cells(m, n), a, b, out, m, n, *scalars(alpha, beta))
        else:
            if not (isinstance(alpha, float) and isinstance(beta, float)):
                alpha, beta = self._of_device(alpha), self._of_device(beta)
            numbers = [number for number in (alpha, beta) if not isinstance(number, float)]
            if out.size == 0:
                return out
            with self._streams.task([a, b, *numbers], [out]) as stream:
                stream.blas.gemm(a, b, out, trans_a, trans_b, alpha, beta)
        return out

    def _of_device(self, number):
        """A number of the clock, or a fixed one laid out like those."""
        return self._fixed(number) if isinstance(number, float) else number

    def affine(self, x, W, b, out):
        checks.product(x, W, out, False, False)
        checks.shaped("affine: bias", b, W.shape[1:], W.dtype)
        (rows, width), n = x.shape, W.shape[1]
        if n == 1:
            self._run("row_products", out.dtype, warp_a_row(rows), x, W, b, out, rows, width, *scalars(1.0, 0.0))
        else:
            self.gemm(x, W, out)
            self._run("add_bias", out.dtype, cells(rows, n), out, b, rows, n)
        return out

    def colsum(self, a, out, alpha=1.0, beta=0.0):
        checks.summed(a, out)
        self._column_sums(a, None, out, alpha, beta)
        return out

    def _column_sums(self, a, weights, out, alpha, beta) -> None:
        """out <- alpha weights^T a + beta out: many rows by blocks of rows, whose sums are summed in their order."""
        rows, width = a.shape
        blocks = min(parts(rows, ROWS_A_BLOCK), MOST_ROW_BLOCKS)
        if blocks > 1:
            some, tiles = self._partial(blocks, width, a.dtype), column_tiles(width, 32, 32, blocks)
            share = parts(rows, blocks), *scalars(1.0, 0.0)
            self._run("column_sums", a.dtype, tiles, a, weights, some, rows, width, *share)
            a, weights, rows = some, None, blocks
        tiles = column_tiles(width, 32, 32)
        self._run("column_sums", a.dtype, tiles, a, weights, out, rows, width, rows, *scalars(alpha, beta))

    # ---- Activations -------------------------------------------------------------------------------------------

    def activation(self, name, z, out, bias=None, numbers=()):
        checks.biased(name, z, out, bias)
        self._run(f"{name}_forward", z.dtype, cells(*z.shape), z, bias, out, *z.shape, *numbers)
        return out

    def activation_backward(self, name, dy, y, out, numbers=()):
        checks.matrices(f"{name}_backward", dy, y, out)
        self._run(f"{name}_backward", dy.dtype, entries(dy.size), dy, y, out, dy.size, *numbers)
        return out

    def maxout(self, z, bias, keep, draw, out, winner):
        pieces = checks.pieces("maxout", z, out, winner)
        checks.shaped("maxout: bias", bias, z.shape[1:], z.dtype)
        mask = 1 / keep, KEEP_ALL, *NO_DRAW
        if draw is not None and keep < 1:
            checks.drawn("maxout", draw, out)
            mask = 1 / keep, rng.keep_threshold(keep), *self._packed(draw)
        self._run("maxout", z.dtype, fours(*out.shape), z, bias, out, winner, *out.shape, pieces, *mask)
        return out

    def maxout_backward(self, dy, winner, scale, out):
        pieces = checks.pieces("maxout_backward", out, dy, winner)
        self._run("maxout_backward", dy.dtype, cells(*dy.shape), dy, winner, scale, out, *dy.shape, pieces)
        return out

    def dropout(self, x, keep, draw, out, kept):
        checks.matrices("dropout", x, out)
        checks.shaped("dropout: kept", kept, x.shape, "uint8")
        checks.drawn("dropout", draw, out)
        mask = 1 / keep, rng.keep_threshold(keep), *self._packed(draw)
        self._run("dropout", x.dtype, fours(*x.shape), x, out, kept, *x.shape, *mask)
        return out

    def dropout_backward(self, dy, kept, keep, out):
        checks.matrices("dropout_backward", dy, out)
        checks.shaped("dropout_backward: kept", kept, dy.shape, "uint8")
        self._run("dropout_backward", dy.dtype, entries(dy.size), dy, kept, 1 / keep, out, dy.size)
        return out

    # ---- Loss and updates --------------------------------------------------------------------------------------

    def loss_backward(self, name, logits, ones, scale, out):
        checks.matrices(f"{name}_backward", logits, out)
        self._run(f"{name}_backward", logits.dtype, entries(logits.size), logits, ones, scale, out, logits.size)
        return out

    def residual(self, y, target, scale, out):
        checks.matrices("residual", y, target, out)
        self._run("residual", y.dtype, entries(y.size), y, target, scale, out, y.size)
        return out

    def add(self, theta, step):
        checks.alike("add", theta, step)
        self._run("add", theta.dtype, entries(parts(theta.size, 4)), theta, step, theta.size)
        return theta

    def adam(self, theta, gradient, first, second, count, clock, beta1, beta2, epsilon):
        checks.alike("adam", theta, gradient, first, second)
        buffers, n = (theta, gradient, first, second), theta.size
        corrections = self._corrections(count, beta1, beta2)
        self._run("adam", theta.dtype, entries(n), *buffers, n, corrections, clock.lr, beta1, beta2, epsilon)
        return theta

    def average(self, mean, theta, count, horizon, eta):
        checks.alike("average", mean, theta)
        numbers = theta.size, *packed(count), float(horizon), float(eta)
        self._run("average", theta.dtype, entries(theta.size), mean, theta, *numbers)
        return mean

    def limit_column_norms(self, W, limit):
        checks.matrix("limit_column_norms", W)
        self._run("limit_column_norms", W.dtype, column_tiles(W.shape[1], 16, 32), W, limit, *W.shape)
        return W

    # ---- Data and noise ----------------------------------------------------------------------------------------

    def gather(self, examples, order, count, batch_size, rows, scale, shift, out):
        checks.minibatch(examples, order, batch_size, rows, scale, shift, out)
        sizes = *out.shape, len(examples), batch_size
        arrays = examples, order, rows, scale, shift, out
        self._run(f"gather_{examples.dtype}", out.dtype, cells(*out.shape), *arrays, *sizes, *packed(count))
        return out

    def beside(self, left, right, out):
        checks.beside(left, right, out)
        self._run("beside", out.dtype, cells(*out.shape), left, right, out, *out.shape, left.shape[1])
        return out

    def leading(self, a, out):
        checks.leading(a, out)
        self._run("leading", out.dtype, cells(*out.shape), a, out, *out.shape, a.shape[1])
        return out

    def uniform(self, draw, limit, out):
        checks.drawn("uniform", draw, out)
        self._run("uniform", out.dtype, fours(*out.shape), limit, out, *out.shape, *self._packed(draw))
        return out

    def normal(self, draw, out):
        checks.drawn("normal", draw, out)
        self._run("normal", out.dtype, fours(*out.shape), out, *out.shape, *self._packed(draw))
        return out

    def spherical(self, draw, out):
        checks.drawn("spherical", draw, out)
        self._run("spherical", out.dtype, block_a_row(len(out)), out, *out.shape, *self._packed(draw))
        return out

    def mixture(self, modes, noise, centres, deviation, out):
        checks.drawn("mixture", modes, out)
        checks.drawn("mixture", noise, out)
        checks.shaped("mixture: centres", centres, (len(centres), out.shape[1]), out.dtype)
        draws = *self._packed(modes), *self._packed(noise)
        self._run("mixture", out.dtype, fours(*out.shape), centres, len(centres), deviation, out, *out.shape, *draws)
        return out

    def _packed(self, draw: Draw) -> tuple:
        """A draw as the kernels take it; an iteration that is no clock's is put in device memory."""
        on_device = isinstance(draw.iteration, cupy.ndarray)
        iteration = draw.iteration if on_device else self._iteration(int(draw.iteration))
        return draw.rows, iteration, draw.substep, draw.stream, draw.seed

    # ---- Densities ---------------------------------------------------------------------------------------------

    def log_sum_exp(self, product, x_norms, s_norms, precisions, peak, total):
        checks.gaussians(product, x_norms, s_norms, precisions, peak, total)
        arrays, sizes = (product, x_norms, s_norms, precisions, peak, total), (*product.shape, len(precisions))
        self._run("log_sum_exp", product.dtype, block_a_row(len(product)), *arrays, *sizes)
        return total


def packed(count: Count) -> tuple:
    """A running number as the kernels take it: iteration * per_iteration + offset, of whole numbers modulo 2^64."""
    return count.clock.iteration, count.per_iteration, count.offset % 2**64


def scalars(alpha, beta) -> tuple:
    """alpha and beta as our kernels take them: each fixed, and None; or any number, and the clock's."""
    return sum(((x, None) if isinstance(x, float) else (0.0, x) for x in (alpha, beta)), ())
