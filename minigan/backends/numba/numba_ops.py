"""The fast CPU backend: kernels that share their rows, and products that share their tiles, among threads of our own.

What is too small to gain anything, and the sigmoid, whose exponential NumPy computes 16 numbers at a time, stay as
`numpy_ops.py` has them, and so does an activation without a kernel here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from functools import cache
from threading import Lock

import numpy as np
from numba.core import event

from minigan import rng
from minigan.backends import checks
from minigan.backends.numba import kernels
from minigan.backends.numba.blas import Blas
from minigan.backends.numba.pool import cores, pool_of
from minigan.backends.numba.products import gemm
from minigan.backends.numpy_ops import NumpyOps, averaging_rate, reciprocal
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

    # ---- Products ----------------------------------------------------------------------------------------------

    def gemm(self, a, b, out, trans_a=False, trans_b=False, alpha=1.0, beta=0.0):
        work = out.size * a.shape[0 if trans_a else -1]
        if work == 0 or not self.blas.linked:
            return super().gemm(a, b, out, trans_a, trans_b, alpha, beta)
        checks.product(a, b, out, trans_a, trans_b)
        real = out.dtype.type
        m, n = out.shape
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

    def average(self, mean, theta, count, horizon):
        checks.alike("average", mean, theta)
        rate = theta.dtype.type(averaging_rate(int(count), horizon))
        self._run(kernels.average, theta.size, (mean,), mean, theta, rate)
        return mean

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
