"""The fast CPU backend: compiled kernels that share their rows, and products that share their tiles, among threads.

What is too small to gain anything (a logit a row, a few latent normals) stays as `numpy_ops.py` has it.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from minigan import rng
from minigan.backends import checks
from minigan.backends.threads import prepare
from minigan.errors import ConfigError

prepare()

import numba  # noqa: E402  the settings above are read when Numba starts its threads

from minigan.backends import numba_kernels as kernels  # noqa: E402
from minigan.backends.blas import Blas  # noqa: E402
from minigan.backends.numpy_ops import NumpyOps, reciprocal  # noqa: E402

KEEP_ALL = np.uint64(2**32)
SMALL = 1 << 14


class NumbaOps(NumpyOps):
    name = "numba"

    def __init__(self, threads: int | None = None):
        """`threads` for kernels and products, None for the cores that this process may use.

        Raises ConfigError for more than that.
        """
        most = numba.config.NUMBA_NUM_THREADS
        if threads is not None and threads > most:
            raise ConfigError(f"--threads {threads}: expected at most {most}, the cores that are free to use")
        self._threads = threads or most
        self.blas = Blas()

    @property
    def threads(self):
        return self._threads

    @contextmanager
    def session(self):
        """BLAS on the calling thread alone: its own threads would spin against ours."""
        before = numba.get_num_threads()
        numba.set_num_threads(self._threads)
        try:
            with self.blas.single_threaded():
                yield
        finally:
            numba.set_num_threads(before)

    # ---- Products ----------------------------------------------------------------------------------------------

    def gemm(self, a, b, out, trans_a=False, trans_b=False, alpha=1.0, beta=0.0):
        if not self.blas.linked:
            return super().gemm(a, b, out, trans_a, trans_b, alpha, beta)
        checks.product(a, b, out, trans_a, trans_b)
        real = out.dtype.type
        inner = a.shape[0] if trans_a else a.shape[1]
        rows, columns = tiles(*out.shape, self._parts(out.size * inner))
        kernels.gemm(a, b, out, trans_a, trans_b, real(alpha), real(beta), rows, columns)
        return out

    def affine(self, x, W, b, out):
        checks.shaped("affine: bias", b, W.shape[1:], W.dtype)
        self.gemm(x, W, out)
        out += b
        return out

    # ---- Activations -------------------------------------------------------------------------------------------

    def relu(self, z, out, bias=None):
        return self._activate("relu", z, out, bias, squash=False)

    def sigmoid(self, z, out, bias=None):
        return self._activate("sigmoid", z, out, bias, squash=True)

    def _activate(self, name, z, out, bias, squash):
        checks.biased(name, z, out, bias)
        bias = np.zeros(z.shape[1], z.dtype) if bias is None else bias
        kernels.activate(z, bias, out, squash, self._parts(z.size))
        return out

    def relu_backward(self, dy, y, out):
        checks.same("relu_backward", dy, y, out)
        kernels.activate_backward(dy, y, out, False, self._parts(y.size))
        return out

    def sigmoid_backward(self, dy, y, out):
        checks.same("sigmoid_backward", dy, y, out)
        kernels.activate_backward(dy, y, out, True, self._parts(y.size))
        return out

    def maxout(self, z, bias, keep, draw, out, winner):
        checks.pieces("maxout", z, out, winner)
        checks.shaped("maxout: bias", bias, z.shape[1:], z.dtype)
        if draw is None or keep == 1:
            rows, place, threshold = np.zeros(len(out), np.uint32), (np.uint64(0),) * 5, KEEP_ALL
        else:
            checks.drawn("maxout", draw, out)
            rows, place, threshold = draw.rows, counter(draw), np.uint64(rng.keep_threshold(keep))
        scale = reciprocal(keep, out.dtype)
        kernels.maxout(z, bias, out, winner, rows, *place, threshold, scale, self._parts(z.size))
        return out

    def maxout_backward(self, dy, winner, scale, out):
        checks.pieces("maxout_backward", out, dy, winner)
        kernels.maxout_backward(dy, winner, out.dtype.type(scale), out, self._parts(out.size))
        return out

    def dropout(self, x, keep, draw, out, kept):
        checks.same("dropout", x, out)
        checks.shaped("dropout: kept", kept, x.shape, "uint8")
        checks.drawn("dropout", draw, out)
        threshold, scale = np.uint64(rng.keep_threshold(keep)), reciprocal(keep, x.dtype)
        kernels.dropout(x, out, kept, draw.rows, *counter(draw), threshold, scale, self._parts(x.size))
        return out

    def dropout_backward(self, dy, kept, keep, out):
        checks.same("dropout_backward", dy, out)
        checks.shaped("dropout_backward: kept", kept, dy.shape, "uint8")
        kernels.dropout_backward(dy, kept, reciprocal(keep, dy.dtype), out, self._parts(dy.size))
        return out

    # ---- Updates and data --------------------------------------------------------------------------------------

    def add(self, theta, step):
        checks.same("add", theta, step)
        kernels.add(theta, step, self._parts(theta.size))
        return theta

    def gather(self, examples, order, count, batch_size, rows, scale, shift, out):
        checks.minibatch(examples, order, batch_size, rows, scale, shift, out)
        epoch, batch = divmod(int(count), len(examples) // batch_size)
        chosen = order[epoch % 2, batch * batch_size + rows]
        nothing = np.empty(0, out.dtype)
        kernels.gather(
            examples,
            chosen,
            nothing if scale is None else scale,
            nothing if shift is None else shift,
            out,
            self._parts(out.size),
        )
        return out

    def uniform(self, draw, limit, out):
        checks.drawn("uniform", draw, out)
        kernels.uniform(draw.rows, *counter(draw), out.dtype.type(limit), out)
        return out

    def _parts(self, work: int) -> int:
        """How many threads some work is worth."""
        return self._threads if work >= SMALL else 1


def counter(draw: rng.Draw) -> tuple:
    """iteration, substep, stream and both key words as uint64: what a kernel's Philox needs besides the rows."""
    k0, k1 = rng.key_of(draw.seed)
    return tuple(map(np.uint64, (int(draw.iteration), draw.substep, draw.stream, k0, k1)))


def tiles(m: int, n: int, parts: int) -> tuple[int, int]:
    """How to cut (m, n) into `parts` tiles: by columns while they stay 16 times as many as the rows' share, else both."""
    rows = 1
    while parts % 2 == 0 and n // parts < 64 and m // (2 * rows) >= 16:
        rows, parts = 2 * rows, parts // 2
    return rows, parts
