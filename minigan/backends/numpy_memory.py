"""The memory of the CPU backends: NumPy's arrays, copies between them, and the clock."""

from __future__ import annotations

import numpy as np

from minigan import rng
from minigan.backends import checks
from minigan.backends.clock import Clock
from minigan.backends.memory import TO_LOWER
from minigan.backends.ops import Ops
from minigan.errors import spelled


class NumpyMemory(Ops):
    def empty(self, shape, dtype):
        return self._allocated(np.empty, shape, dtype)

    def zeros(self, shape, dtype):
        return self._allocated(np.zeros, shape, dtype)

    def _allocated(self, make, shape, dtype):
        try:
            return make(shape, dtype)
        except MemoryError as error:
            raise MemoryError(spelled(f"{error}; {TO_LOWER}")) from None

    def asarray(self, array, dtype=None):
        return np.ascontiguousarray(array, dtype)

    def to_host(self, array):
        return np.array(array, order="C")

    def snapshot(self, arrays):
        copies = {name: np.array(array, order="C") for name, array in arrays.items()}
        return lambda: copies

    def on_host(self, vector, change):
        change(vector)

    def norm(self, a, less=None, times=0.0):
        checks.vectors("norm", a, less)
        return float(np.linalg.norm((a if less is None else a - a.dtype.type(times) * less).astype(np.float64)))

    def copy(self, source, out):
        checks.copied(source, out)
        np.copyto(out, source)
        return out

    def permutation(self, seed, epoch, out):
        checks.order(out)
        out[...] = rng.permutation(seed, epoch, len(out))
        return out

    def clock(self, lr, momentum):
        clock = Clock(
            iteration=np.zeros((), np.uint64),
            lr=np.zeros(()),
            minus_lr=np.zeros(()),
            momentum=np.zeros(()),
            lr_schedule=lr,
            momentum_schedule=momentum,
        )
        self.set_clock(clock, 0)
        return clock

    def set_clock(self, clock, iteration):
        clock.iteration[...] = iteration
        clock.lr[...] = clock.lr_schedule(iteration)
        clock.minus_lr[...] = -clock.lr
        clock.momentum[...] = clock.momentum_schedule(iteration)

    def tick(self, clock):
        self.set_clock(clock, int(clock.iteration) + 1)
