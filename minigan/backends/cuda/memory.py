"""The GPU's memory, its clock and its recordings: what `cupy_ops.py` builds its kernels on.

All that an iteration touches lies on the GPU and stays there.  Kernels run on several streams (`streams.py`); what
is below under "Memory" comes after all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from math import inf
from typing import Any

import cupy
import numpy as np

from minigan.backends import checks
from minigan.backends.clock import Clock, Count
from minigan.backends.cuda.graph import Recording
from minigan.backends.cuda.kernels import Kernels, block_a_row, entries
from minigan.backends.cuda.streams import STREAMS, Streams, event_after
from minigan.backends.memory import TO_LOWER
from minigan.backends.ops import Ops
from minigan.errors import DeviceError, spelled
from minigan.rng import Stream

BLOCKS_TO_SUM = 256
UPDATES = 2**16
"""of Adam's in one iteration, at most: G's and D's k"""


class CupyMemory(Ops):
    name = "cupy"

    def __init__(self, gpu: str, tf32: bool = False, recording: bool = True, side_by_side: bool = True):
        """`gpu` is the name of the one that is selected.  `tf32` makes float32 products on the tensor cores; without
        `recording` every kernel is launched singly, and without `side_by_side` each waits for the one before.
        """
        self._gpu, self._device = gpu, cupy.cuda.Device()
        self._kernels, self._recording = cache(Kernels), recording
        self._streams = Streams(STREAMS if side_by_side else 1, tf32)
        self._waited = cupy.cuda.Event(block=True, disable_timing=True)
        self._iteration = cache(lambda number: self.asarray(np.array([number], np.uint64)))
        self._fixed = cache(lambda number: self.asarray(like_the_clock(number)))
        self._pinned: dict[Any, np.ndarray] = {}
        self._partial = cache(lambda blocks, width, dtype: self.empty((blocks, width), dtype))

    @property
    def threads(self):
        return 1

    @property
    def description(self):
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
        return Recording(self._streams, iterate) if self._recording else iterate

    def _wait(self) -> None:
        """Sleep until the GPU has done all that it was given."""
        with self._streams.together() as stream:
            self._waited.record(stream)
            self._waited.synchronize()

    def _run(self, name: str, dtype, shape, *arguments) -> None:
        """A kernel, after those that it waits for."""
        self._kernels(np.dtype(dtype)).launch(self._streams, name, shape, arguments)

    # ---- Memory ------------------------------------------------------------------------------------------------

    def empty(self, shape, dtype):
        return self._allocated(cupy.empty, shape, dtype)

    def zeros(self, shape, dtype):
        return self._allocated(cupy.zeros, shape, dtype)

    def asarray(self, array, dtype=None):
        if not isinstance(array, cupy.ndarray):
            array = np.ascontiguousarray(array, dtype)
        return self._allocated(cupy.asarray, array, dtype, "C")

    def _allocated(self, make, *arguments):
        """A new array.  Raises MemoryError, which says what would help, where the GPU has no room for it."""
        try:
            with self._streams.together():
                return make(*arguments)
        except cupy.cuda.memory.OutOfMemoryError as error:
            free, total = cupy.cuda.runtime.memGetInfo()
            room = f"the GPU has {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
            raise MemoryError(spelled(f"{room} ({error}); {TO_LOWER}")) from None

    def to_host(self, array):
        self._wait()
        return array.get(self._streams.first)

    def snapshot(self, arrays):
        try:
            copies = {name: self.copy(a, out=self.empty(a.shape, a.dtype)) for name, a in arrays.items()}
        except MemoryError:  # the GPU is full: what has to wait is the training
            fetched = {name: self.to_host(a) for name, a in arrays.items()}
            return lambda: fetched
        with self._streams.together() as stream:
            made = event_after(stream)
        return partial(self._fetched, copies, made)

    def _fetched(self, copies: dict, made) -> dict[str, np.ndarray]:
        """Copies on the GPU as arrays of the host, by a stream of their own, which waits for nothing later."""
        with self._streams.undisturbed, self._device:
            stream = cupy.cuda.Stream(non_blocking=True)
            stream.wait_event(made)
            return {name: copies.pop(name).get(stream) for name in list(copies)}

    def on_host(self, vector, change):
        """Through pinned memory, which a GPU reads and writes several times as fast."""
        from cupyx import empty_pinned

        kind = vector.shape, vector.dtype
        if kind not in self._pinned:
            self._pinned[kind] = empty_pinned(*kind)
        host = self._pinned[kind]
        self._wait()
        vector.get(self._streams.first, out=host)
        change(host)
        with self._streams.together() as stream:
            vector.set(host, stream)
        self._wait()

    def norm(self, a, less=None, times=0.0):
        checks.vectors("norm", a, less)
        sums = self.empty((BLOCKS_TO_SUM,), np.float64)
        self._run("squared_length", a.dtype, block_a_row(BLOCKS_TO_SUM), a, less, times, sums, a.size)
        return float(np.sqrt(self.to_host(sums).sum()))

    def copy(self, source, out):
        checks.copied(source, out)
        with self._streams.together() as stream:
            out.data.copy_from_device_async(source.data, source.nbytes, stream)
        return out

    def permutation(self, seed, epoch, out):
        checks.order(out)
        n = out.size
        keys = self.empty((n,), np.uint64)
        self._run("order_keys", np.float32, entries(n), keys, n, epoch, Stream.MINIBATCH, seed)
        with self._streams.together():
            out[...] = cupy.argsort(keys)
        return out

    # ---- Clock -------------------------------------------------------------------------------------------------

    def clock(self, lr, momentum):
        """The numbers in one block of memory; after each lies the same in float32, as cuBLAS takes it."""
        block = self.zeros((8 + 6 * UPDATES,), np.float64)
        numbers = [block[i : i + 1].reshape(()) for i in (2, 4, 6)]
        powers = block[8:].reshape(UPDATES, 6)
        iteration = block[:1].view(np.uint64).reshape(())
        clock = ClockOnGPU(iteration, *numbers, lr, momentum, powers)  # type: ignore[call-arg]  # three of them
        self.set_clock(clock, 0)
        return clock

    def set_clock(self, clock, iteration):
        with self._streams.together():
            clock.iteration[...] = iteration
        self._tick(clock, 0)

    def tick(self, clock):
        self._tick(clock, 1)

    def _tick(self, clock: ClockOnGPU, ticks: int) -> None:
        numbers = clock.iteration, clock.lr, clock.minus_lr, clock.momentum, clock.powers
        schedules = *terms(clock.lr_schedule), *terms(clock.momentum_schedule)
        self._run("tick", np.float32, ((1, 1), (32, 2)), *numbers, UPDATES, ticks, *schedules)

    def _corrections(self, count: Count, beta1: float, beta2: float):
        """(2,) float64: 1 - beta1^t and 1 - beta2^t of Adam's update number `count`, t = count + 1, as the clock has
        them now; from the first call on `tick` keeps them.
        """
        clock: Any = count.clock  # a ClockOnGPU
        asked = (count.per_iteration, count.offset, beta1, beta2)
        if asked not in clock.updates:
            row = clock.powers[len(clock.updates)]
            self.copy(self.asarray(np.array(asked, np.float64)), out=row[:4])
            clock.updates[asked] = row[4:]
            self._tick(clock, 0)
        return clock.updates[asked]


@dataclass(frozen=True)
class ClockOnGPU(Clock):
    """The clock, and what `tick` keeps for Adam: `Powers` of updates.cu.

    powers   (UPDATES, 6) float64, a row for each update in an iteration that was asked for
    updates  {(per_iteration, offset, beta1, beta2): the row's 1 - beta1^t and 1 - beta2^t}
    """

    powers: Any
    updates: dict[tuple, Any] = field(default_factory=dict)


def like_the_clock(number: float) -> np.ndarray:
    """A number as the clock keeps its own: in float64, and after it the same in float32."""
    pair = np.array([number, 0.0])
    pair[1:].view(np.float32)[0] = number
    return pair


def terms(schedule: Any) -> tuple:
    """(initial, final, epochs, iterations_per_epoch, factor, floor): max(ramp(t) factor^-t, floor), as kernels take it.

    Any schedule of `minigan.game.schedules` has some of these; the others make no difference.
    """
    ramp = getattr(schedule, "final", schedule.initial), getattr(schedule, "epochs", 1)
    epoch = getattr(schedule, "iterations_per_epoch", 1)
    return schedule.initial, *ramp, epoch, getattr(schedule, "factor", 1.0), getattr(schedule, "floor", -inf)
