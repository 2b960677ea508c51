"""The fast GPU backend: kernels of our own (.cu), cuBLAS for the products, and iterations recorded as one graph.

All that an iteration touches lies on the GPU and stays there; kernels run on the two streams of `lines.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from functools import cache
from math import inf

import cupy
import numpy as np

from minigan import rng
from minigan.backends import checks
from minigan.backends.clock import Clock, Count, Schedule
from minigan.backends.cuda_kernels import (
    Kernels,
    block_a_row,
    cells,
    column_tiles,
    entries,
    fours,
    parts,
    warp_a_row,
)
from minigan.backends.graph import Recording
from minigan.backends.lines import Lines
from minigan.backends.ops import Ops
from minigan.errors import DeviceError
from minigan.rng import Draw, Stream

KEEP_ALL = 2**32
NO_DRAW = (None, None, 0, 0, 0)
BLOCKS_TO_SUM = 256


class CupyOps(Ops):
    name = "cupy"

    def __init__(self, gpu: str, tf32: bool = False, recording: bool = True):
        """`gpu` is the name of the one that is selected.  `tf32` makes float32 products on the tensor cores; without
        `recording` every kernel is launched singly.
        """
        self._gpu = gpu
        self._lines, self._kernels, self._recording = Lines(tf32), cache(Kernels), recording
        self._waited = cupy.cuda.Event(block=True, disable_timing=True)
        self._iteration = cache(lambda number: self.asarray(np.array([number], np.uint64)))

    @property
    def threads(self):
        return 1

    @property
    def place(self):
        return f"{self.name}, {self._gpu}"

    @contextmanager
    def session(self):
        """Work whose errors come to light at the latest at its end, which waits for the GPU."""
        try:
            yield
            self._wait()
        except (cupy.cuda.runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError) as error:
            raise DeviceError(f"the GPU failed ({error}); what was saved before is whole") from error

    def recorded(self, iterate: Callable[[], None]) -> Callable[[], None]:
        return Recording(self._lines, iterate) if self._recording else iterate

    def _wait(self) -> None:
        """Until the GPU has done all that it was given, asleep."""
        with self._lines.together() as stream:
            self._waited.record(stream)
            self._waited.synchronize()

    def _run(self, name: str, dtype, shape, *arguments, beside: bool = False) -> None:
        """A kernel on the chain, or beside it where it only moves parameters."""
        line = self._lines.beside if beside else self._lines.chain
        self._kernels(np.dtype(dtype)).launch(self._lines, line, name, shape, arguments)

    # ---- Memory ------------------------------------------------------------------------------------------------

    def empty(self, shape, dtype):
        return self._allocated(cupy.empty, shape, dtype)

    def zeros(self, shape, dtype):
        return self._allocated(cupy.zeros, shape, dtype)

    def asarray(self, array, dtype=None):
        if not isinstance(array, cupy.ndarray):
            array = np.ascontiguousarray(array, dtype)
        return self._allocated(cupy.ascontiguousarray, array, dtype)

    def _allocated(self, make, *arguments):
        """A new array.  Raises MemoryError, in words, where the GPU has no room for it."""
        try:
            with self._lines.together():
                return make(*arguments)
        except cupy.cuda.memory.OutOfMemoryError as error:
            free, total = cupy.cuda.runtime.memGetInfo()
            raise MemoryError(
                f"the GPU has {free / 2**30:.1f} of {total / 2**30:.1f} GiB free ({error}); expected more, or a smaller "
                "--batch-size, narrower layers or fewer examples"
            ) from None

    def to_host(self, array):
        self._wait()
        with self._lines.chain.stream:
            return array.get()

    def norm(self, a, less=None, times=0.0):
        checks.vectors("norm", a, less)
        sums = self.empty((BLOCKS_TO_SUM,), np.float64)
        self._run("squared_length", a.dtype, block_a_row(BLOCKS_TO_SUM), a, less, times, sums, a.size)
        return float(np.sqrt(self.to_host(sums).sum()))

    def copy(self, source, out):
        checks.copied(source, out)
        with self._lines.together() as stream:
            out.data.copy_from_device_async(source.data, source.nbytes, stream)
        return out

    def permutation(self, seed, epoch, out):
        checks.order(out)
        n = out.size
        keys = self.empty((n,), np.uint64)
        self._run("order_keys", np.float32, entries(n), keys, n, epoch, Stream.MINIBATCH, seed)
        with self._lines.together():
            out[...] = cupy.argsort(keys)
        return out

    # ---- Clock -------------------------------------------------------------------------------------------------

    def clock(self, learning_rate, momentum):
        """The numbers in one block of memory; after each lies the same in float32, as cuBLAS takes it."""
        block = self.zeros((8,), np.float64)
        numbers = [block[i : i + 1].reshape(()) for i in (2, 4, 6)]
        clock = Clock(block[:1].view(np.uint64).reshape(()), *numbers, learning_rate, momentum)
        self.set_clock(clock, 0)
        return clock

    def set_clock(self, clock, iteration):
        with self._lines.together():
            clock.iteration[...] = iteration
        self._tick(clock, 0)

    def tick(self, clock):
        self._tick(clock, 1)

    def _tick(self, clock: Clock, ticks: int) -> None:
        numbers = clock.iteration, clock.learning_rate, clock.minus_learning_rate, clock.momentum
        schedules = *terms(clock.learning_rate_schedule), *terms(clock.momentum_schedule)
        self._run("tick", np.float32, ((1, 1), (1, 1)), *numbers, ticks, *schedules)

    # ---- Products ----------------------------------------------------------------------------------------------

    def gemm(self, a, b, out, trans_a=False, trans_b=False, alpha=1.0, beta=0.0):
        """A product with x^T on its left is a weight gradient, and goes beside the chain."""
        checks.product(a, b, out, trans_a, trans_b)
        (m, n), k = out.shape, a.shape[0 if trans_a else 1]
        if n == 1 and trans_a:
            self._run("column_sums", out.dtype, column_tiles(m, 32, 16), a, b, out, k, m, *scalars(alpha, beta), beside=True)
        elif n == 1:
            self._run("row_products", out.dtype, warp_a_row(m), a, b, None, out, m, k, *scalars(alpha, beta))
        elif k == 1:
            self._run("outer_product", out.dtype, cells(m, n), a, b, out, m, n, *scalars(alpha, beta), beside=trans_a)
        else:
            line = self._lines.beside if trans_a else self._lines.chain
            read = [a, b, *(number for number in (alpha, beta) if not isinstance(number, float))]
            with self._lines.work(line, read, [out]):
                line.blas.gemm(a, b, out, trans_a, trans_b, alpha, beta)
        return out

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
        (rows, width), numbers = a.shape, scalars(alpha, beta)
        self._run("column_sums", a.dtype, column_tiles(width, 32, 16), a, None, out, rows, width, *numbers, beside=True)
        return out

    # ---- Activations -------------------------------------------------------------------------------------------

    def relu(self, z, out, bias=None):
        checks.biased("relu", z, out, bias)
        self._run("relu", z.dtype, cells(*z.shape), z, bias, out, *z.shape)
        return out

    def relu_backward(self, dy, y, out):
        checks.matrices("relu_backward", dy, y, out)
        self._run("relu_backward", dy.dtype, entries(dy.size), dy, y, out, dy.size)
        return out

    def sigmoid(self, z, out, bias=None):
        checks.biased("sigmoid", z, out, bias)
        self._run("sigmoid", z.dtype, cells(*z.shape), z, bias, out, *z.shape)
        return out

    def sigmoid_backward(self, dy, y, out):
        checks.matrices("sigmoid_backward", dy, y, out)
        self._run("sigmoid_backward", dy.dtype, entries(dy.size), dy, y, out, dy.size)
        return out

    def maxout(self, z, bias, keep, draw, out, winner):
        pieces = checks.pieces("maxout", z, out, winner)
        checks.shaped("maxout: bias", bias, z.shape[1:], z.dtype)
        mask = 1 / keep, KEEP_ALL, *NO_DRAW
        if draw is not None and keep < 1:
            checks.drawn("maxout", draw, out)
            mask = 1 / keep, rng.keep_threshold(keep), *self._place(draw)
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
        mask = 1 / keep, rng.keep_threshold(keep), *self._place(draw)
        self._run("dropout", x.dtype, fours(*x.shape), x, out, kept, *x.shape, *mask)
        return out

    def dropout_backward(self, dy, kept, keep, out):
        checks.matrices("dropout_backward", dy, out)
        checks.shaped("dropout_backward: kept", kept, dy.shape, "uint8")
        self._run("dropout_backward", dy.dtype, entries(dy.size), dy, kept, 1 / keep, out, dy.size)
        return out

    # ---- Loss and updates --------------------------------------------------------------------------------------

    def cross_entropy_backward(self, logits, targets, scale, out):
        checks.matrices("cross_entropy_backward", logits, targets, out)
        shape = entries(logits.size)
        self._run("cross_entropy_backward", logits.dtype, shape, logits, targets, scale, out, logits.size)
        return out

    def add(self, theta, step):
        checks.alike("add", theta, step)
        self._run("add", theta.dtype, entries(parts(theta.size, 4)), theta, step, theta.size, beside=True)
        return theta

    def adam(self, theta, gradient, first, second, count, clock, beta1, beta2, epsilon):
        checks.alike("adam", theta, gradient, first, second)
        buffers, n = (theta, gradient, first, second), theta.size
        numbers = *place_of(count), clock.learning_rate, beta1, beta2, epsilon
        self._run("adam", theta.dtype, entries(n), *buffers, n, *numbers, beside=True)
        return theta

    def limit_column_norms(self, W, limit):
        checks.matrix("limit_column_norms", W)
        self._run("limit_column_norms", W.dtype, column_tiles(W.shape[1], 16, 32), W, limit, *W.shape, beside=True)
        return W

    # ---- Data and noise ----------------------------------------------------------------------------------------

    def gather(self, examples, order, count, batch_size, rows, scale, shift, out):
        checks.minibatch(examples, order, batch_size, rows, scale, shift, out)
        sizes = *out.shape, len(examples), batch_size
        arrays = examples, order, rows, scale, shift, out
        self._run(f"gather_{examples.dtype}", out.dtype, cells(*out.shape), *arrays, *sizes, *place_of(count))
        return out

    def uniform(self, draw, limit, out):
        checks.drawn("uniform", draw, out)
        self._run("uniform", out.dtype, fours(*out.shape), limit, out, *out.shape, *self._place(draw))
        return out

    def normal(self, draw, out):
        checks.drawn("normal", draw, out)
        self._run("normal", out.dtype, fours(*out.shape), out, *out.shape, *self._place(draw))
        return out

    def spherical(self, draw, out):
        checks.drawn("spherical", draw, out)
        self._run("spherical", out.dtype, block_a_row(len(out)), out, *out.shape, *self._place(draw))
        return out

    def mixture(self, modes, noise, centres, deviation, out):
        checks.drawn("mixture", modes, out)
        checks.drawn("mixture", noise, out)
        checks.shaped("mixture: centres", centres, (len(centres), out.shape[1]), out.dtype)
        places = *self._place(modes), *self._place(noise)
        self._run("mixture", out.dtype, fours(*out.shape), centres, len(centres), deviation, out, *out.shape, *places)
        return out

    def _place(self, draw: Draw) -> tuple:
        """A draw as the kernels take it; an iteration that is no clock's gets a place in device memory."""
        on_device = isinstance(draw.iteration, cupy.ndarray)
        iteration = draw.iteration if on_device else self._iteration(int(draw.iteration))
        return draw.rows, iteration, draw.substep, draw.stream, draw.seed

    # ---- Densities ---------------------------------------------------------------------------------------------

    def log_sum_exp(self, product, x_norms, s_norms, precisions, peak, total):
        checks.gaussians(product, x_norms, s_norms, precisions, peak, total)
        arrays, sizes = (product, x_norms, s_norms, precisions, peak, total), (*product.shape, len(precisions))
        self._run("log_sum_exp", product.dtype, block_a_row(len(product)), *arrays, *sizes)
        return total


def terms(schedule: Schedule) -> tuple:
    """(initial, final, epochs, iterations_per_epoch, factor, floor): max(ramp(t) factor^-t, floor), as kernels take it.

    Any schedule of `minigan.schedules` has some of these; the others make no difference.
    """
    ramp = getattr(schedule, "final", schedule.initial), getattr(schedule, "epochs", 1)
    epoch = getattr(schedule, "iterations_per_epoch", 1)
    return schedule.initial, *ramp, epoch, getattr(schedule, "factor", 1.0), getattr(schedule, "floor", -inf)


def place_of(count: Count) -> tuple:
    """A running number as the kernels take it: iteration * per_iteration + offset."""
    return count.clock.iteration, count.per_iteration, count.offset


def scalars(alpha, beta) -> tuple:
    """alpha and beta as our kernels take them: each fixed, and None; or any number, and the clock's."""
    return sum(((x, None) if isinstance(x, float) else (0.0, x) for x in (alpha, beta)), ())
