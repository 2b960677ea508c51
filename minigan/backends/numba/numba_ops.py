"""The fast CPU backend: kernels that share their rows, and products that share their tiles, among threads of our own.

What is too small to gain anything stays as `numpy_ops.py` has it, and so does an activation without a kernel here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from functools import cache, partial
from threading import Lock

import numpy as np
from numba.core import event

from minigan import rng
from minigan.backends import checks
from minigan.backends.numba import kernels, sparse, tiles
from minigan.backends.numba.blas import Blas
from minigan.backends.numba.pool import cores, pool_of
from minigan.backends.numba.products import gemm
from minigan.backends.numpy_ops import NumpyOps, averaging_rate, reciprocal
from minigan.backends.ops import ByUnit
from minigan.errors import ConfigError

KEEP_ALL = np.uint64(2**32)
NO_DRAW = (np.uint64(0),) * 5
SERIAL = 1 << 13
"""Work below this many entries, or multiplications, is not worth waking another core's cache for."""


class FirstCompilation(event.Listener):
    """Calls `say` once, when Numba first begins to compile, in any thread."""

    def __init__(self, say: Callable[[], None]):
        self._say, self._said = say, Lock()

    def on_start(self, event):
        if self._said.acquire(blocking=False):
            self._say()

    def on_end(self, event):
        pass


class NumbaOps(NumpyOps):
    name = "numba"
    numerics = 2

    def __init__(self, threads: int | None = None):
        """`threads` for kernels and products, None for the cores that this process may use.

        Raises ConfigError for more than that.
        """
        most = cores()
        if threads is not None and threads > most:
            raise ConfigError(f"--threads {threads}: expected at most {most}, the cores that are free to use")
        super().__init__(threads or most)
        self._pool = pool_of(self._threads)
        self._ones = cache(np.ones)
        self._forward_scratch = cache(partial(sparse.forward_scratch, self._threads))
        self._backward_scratch = cache(partial(sparse.backward_scratch, self._threads))
        self._columns_scratch = cache(sparse.columns_scratch)
        self.blas = Blas()

    @property
    def _blas_name(self):
        return self.blas.name

    @contextmanager
    def session(self):
        """Our threads awake, and BLAS on the calling thread alone: its own would spin against ours.

        A BLAS that kernels cannot reach keeps its threads, since NumPy then makes the products.
        """
        with self.blas.single_threaded() if self.blas.linked else super().session(), self._pool.session():
            yield

    def compiling(self, say):
        return event.install_listener("numba:compile", FirstCompilation(say))

    def _run(self, kernel, work: int, written: tuple, *arguments) -> None:
        """A kernel over as many parts as there are threads, or in one where there is little work.

        written  those of its arrays that it writes to
        """
        checks.writeable(kernel.__name__, *written)
        with self._pool.lock:
            kernel.shared(self._pool.board, self._threads if work >= SERIAL else 1, *arguments)

    # ---- Memory ------------------------------------------------------------------------------------------------

    def view(self, vector, shape):
        """W (I, O), or (I, P O) of a maxout, by unit: its transpose lies in C order."""
        return vector.reshape(shape[::-1]).T if isinstance(shape, ByUnit) else vector.reshape(shape)

    def copy(self, source, out):
        if not (by_unit(source) or by_unit(out)):
            return super().copy(source, out)
        for array in (source, out):
            order = -1 if by_unit(array) else 1
            checks.shaped("copy", array.T if by_unit(array) else array, out.shape[::order], out.dtype)
        np.copyto(out, source)
        return out

    # ---- Products ----------------------------------------------------------------------------------------------

    def gemm(self, a, b, out, trans_a=False, trans_b=False, alpha=1.0, beta=0.0):
        if by_unit(out):
            self.gemm(b, a, out.T, not trans_b, not trans_a, alpha, beta)
            return out
        if by_unit(a) or by_unit(b):
            (a, trans_a), (b, trans_b) = (
                (m.T, not t) if by_unit(m) else (m, t) for m, t in ((a, trans_a), (b, trans_b))
            )
        work = out.size * a.shape[0 if trans_a else -1]
        if work == 0 or not self.blas.linked:
            return super().gemm(a, b, out, trans_a, trans_b, alpha, beta)
        checks.product(a, b, out, trans_a, trans_b)
        real = out.dtype.type
        m, n = out.shape
        if not trans_a and alpha == 1 and beta == 0 and (tiled := tiles.kernel(a, b, trans_b)) is not None:
            self._run(tiled, work, (out,), a, b, out)
            return out
        rows = row_parts(m, n, self._threads, trans_a) if work >= SERIAL else 1
        self._run(gemm, work, (out,), a, b, out, trans_a, trans_b, real(alpha), real(beta), rows)
        return out

    def affine(self, x, W, b, out):
        checks.shaped("affine: bias", b, W.shape[1:], W.dtype)
        self.gemm(x, W, out)
        out += b
        return out

    def colsum(self, a, out, alpha=1.0, beta=0.0):
        """1^T a, as a product: it takes alpha and beta along."""
        checks.summed(a, out)
        self.gemm(self._ones((1, len(a)), a.dtype), a, out.reshape(1, -1), alpha=alpha, beta=beta)
        return out

    # ---- Activations -------------------------------------------------------------------------------------------

    def activation(self, name, z, out, bias=None, numbers=()):
        kernel = getattr(kernels, name, None)
        if kernel is None:
            return super().activation(name, z, out, bias, numbers)
        checks.biased(name, z, out, bias)
        bias = np.zeros(z.shape[1], z.dtype) if bias is None else bias
        self._run(kernel, z.size, (out,), z, bias, out, *map(out.dtype.type, numbers))
        return out

    def activation_backward(self, name, dy, y, out, numbers=()):
        kernel = getattr(kernels, f"{name}_backward", None)
        if kernel is None:
            return super().activation_backward(name, dy, y, out, numbers)
        checks.matrices(f"{name}_backward", dy, y, out)
        self._run(kernel, y.size, (out,), dy, y, out, *map(out.dtype.type, numbers))
        return out

    def maxout(self, z, bias, keep, draw, out, winner):
        checks.pieces("maxout", z, out, winner)
        checks.shaped("maxout: bias", bias, z.shape[1:], z.dtype)
        if draw is None or keep == 1:
            rows, numbers, threshold = np.empty(0, np.uint32), NO_DRAW, KEEP_ALL
        else:
            checks.drawn("maxout", draw, out)
            rows, numbers, threshold = draw.rows, packed(draw), np.uint64(rng.keep_threshold(keep))
        scale = reciprocal(keep, out.dtype)
        self._run(kernels.maxout, z.size, (z, out, winner), z, bias, out, winner, rows, numbers, threshold, scale)
        return out

    def maxout_backward(self, dy, winner, scale, out):
        checks.pieces("maxout_backward", out, dy, winner)
        self._run(kernels.maxout_backward, out.size, (out,), dy, winner, out.dtype.type(scale), out)
        return out

    def affine_maxout(self, x, W, b, keep, draw, z, out, winner):
        """Units that dropout takes are not computed, where that saves more than it costs."""
        pieces = checks.pieces("affine_maxout", z, out, winner)
        if draw is None or not by_unit(W) or not sparse.thrifty(len(W), pieces, keep):
            return super().affine_maxout(x, W, b, keep, draw, z, out, winner)
        checks.shaped("affine_maxout: x", x, (len(z), W.shape[0]), z.dtype)
        checks.shaped("affine_maxout: W", W.T, (z.shape[1], x.shape[1]), z.dtype)
        checks.shaped("affine_maxout: bias", b, z.shape[1:], z.dtype)
        checks.drawn("affine_maxout", draw, out)
        mask = draw.rows, packed(draw), np.uint64(rng.keep_threshold(keep))
        arrays = x, W.T, b, reciprocal(keep, out.dtype)
        scratch = self._forward_scratch(out.shape, pieces, out.dtype)
        self._run(sparse.affine_maxout, x.size * W.shape[1], (out, winner), *arrays, *mask, out, winner, *scratch)
        return out

    def affine_maxout_backward(self, dy, winner, scale, x, W, dz, grads=None, dx=None):
        """Products with dz go through what is not zero, where that is little enough."""
        pieces = checks.pieces("affine_maxout_backward", dz, dy, winner)
        if not by_unit(W) or not sparse.few(len(dy), len(W), pieces, 1 / scale):
            return super().affine_maxout_backward(dy, winner, scale, x, W, dz, grads, dx)
        checks.shaped("affine_maxout_backward: W", W.T, (dz.shape[1], W.shape[0]), dz.dtype)
        real, work = dz.dtype.type, len(dy) * W.size
        if grads is not None:
            checks.shaped("affine_maxout_backward: x", x, (len(dy), W.shape[0]), dz.dtype)
            checks.shaped("affine_maxout_backward: dW", grads.W.T, W.shape[::-1], dz.dtype)
            checks.shaped("affine_maxout_backward: db", grads.b, dz.shape[1:], dz.dtype)
            arrays = x, dy, winner, real(scale), grads.W.T, grads.b, real(grads.alpha), real(grads.beta)
            scratch = self._backward_scratch(dy.shape, pieces, dz.dtype)
            self._run(sparse.products_with_x, work, (grads.W, grads.b), *arrays, *scratch)
        if dx is not None:
            checks.shaped("affine_maxout_backward: dx", dx, (len(dy), W.shape[0]), dz.dtype)
            scratch = self._columns_scratch(dy.shape, dz.dtype)
            self._run(sparse.products_with_W, work, (dx,), dy, winner, real(scale), W.T, dx, *scratch)
        return dx

    def dropout(self, x, keep, draw, out, kept):
        checks.matrices("dropout", x, out)
        checks.shaped("dropout: kept", kept, x.shape, "uint8")
        checks.drawn("dropout", draw, out)
        threshold, scale = np.uint64(rng.keep_threshold(keep)), reciprocal(keep, x.dtype)
        self._run(kernels.dropout, x.size, (out, kept), x, out, kept, draw.rows, packed(draw), threshold, scale)
        return out

    def dropout_backward(self, dy, kept, keep, out):
        checks.matrices("dropout_backward", dy, out)
        checks.shaped("dropout_backward: kept", kept, dy.shape, "uint8")
        scale = reciprocal(keep, dy.dtype)
        self._run(kernels.dropout_backward, dy.size, (out,), dy, kept, scale, out)
        return out

    # ---- Updates and noise -------------------------------------------------------------------------------------

    def add(self, theta, step):
        checks.alike("add", theta, step)
        self._run(kernels.add, theta.size, (theta,), theta, step)
        return theta

    def adam(self, theta, gradient, first, second, count, clock, beta1, beta2, epsilon):
        checks.alike("adam", theta, gradient, first, second)
        t = int(count) + 1
        numbers = (clock.lr, beta1, 1 - beta1, 1 - beta1**t, beta2, 1 - beta2, 1 - beta2**t, epsilon)
        numbers = tuple(map(theta.dtype.type, numbers))
        self._run(kernels.adam, theta.size, (theta, first, second), theta, gradient, first, second, numbers)
        return theta

    def average(self, mean, theta, count, horizon, eta):
        checks.alike("average", mean, theta)
        rate = theta.dtype.type(averaging_rate(int(count), horizon, eta))
        self._run(kernels.average, theta.size, (mean,), mean, theta, rate)
        return mean

    def limit_column_norms(self, W, limit):
        if not by_unit(W):
            return super().limit_column_norms(W, limit)
        checks.matrix("limit_column_norms", W.T)
        norms = np.sqrt(np.einsum("ij,ij->i", W.T, W.T, dtype=np.float64))[:, None]
        W.T[...] *= np.minimum(1, limit / np.maximum(norms, limit)).astype(W.dtype)
        return W

    def uniform(self, draw, limit, out):
        checks.drawn("uniform", draw, out)
        checks.writeable("uniform", out)
        kernels.uniform(draw.rows, packed(draw), out.dtype.type(limit), out)
        return out

    # ---- Densities ---------------------------------------------------------------------------------------------

    def log_sum_exp(self, product, x_norms, s_norms, precisions, peak, total):
        checks.gaussians(product, x_norms, s_norms, precisions, peak, total)
        arguments = (product, x_norms, s_norms, precisions, peak, total)
        self._run(kernels.log_sum_exp, product.size, (product, peak, total), *arguments)
        return total


def by_unit(array) -> bool:
    """Whether a matrix lies in memory the other way round."""
    return array.ndim == 2 and not array.flags.c_contiguous and array.flags.f_contiguous


def packed(draw: rng.Draw) -> tuple:
    """(iteration, substep, stream, key 0, key 1) as uint64: what a kernel's Philox needs besides the rows."""
    return tuple(map(np.uint64, (int(draw.iteration), draw.substep, draw.stream, *rng.key_of(draw.seed))))


def row_parts(m: int, n: int, parts: int, trans_a: bool) -> int:
    """Into how many rows of tiles to cut (m, n) for `parts` tiles.

    A weight gradient, x^T dy, is cut by rows, other products by columns: a tile then reads one of its factors in part
    and the other whole, the one that costs BLAS less to lay out.  Tiles keep 16 rows and 64 columns where they can.
    """
    rows = parts if trans_a else 1
    while rows > 1 and rows % 2 == 0 and m // rows < 16:
        rows //= 2
    while parts % (2 * rows) == 0 and n * rows // parts < 64 and m // (2 * rows) >= 16:
        rows *= 2
    return rows
