"""The GPU's streams, ordered by the memory that their tasks touch.

A task waits for those before it that touched the same memory (`dependencies.py`), and for no others.  It goes to one of
a few streams, so what does not need each other runs side by side: weight gradients beside what is passed back, D's step
beside G's next forward pass.  No layer knows of it.  This holds for tasks that run at once and for those that are being
captured alike: a graph has just these dependencies.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import contextmanager
from threading import Lock
from typing import Any

import cupy

from minigan.backends.cuda.cublas import Cublas
from minigan.backends.cuda.dependencies import Span, Task, Touched

STREAMS = 4
"""With these an iteration of algorithm 1 is no longer than its longest chain of tasks that wait for each other."""


class Stream:
    """CuPy's stream with a cuBLAS handle of its own.

    last  the task that it was given last
    done  (streams,) how many tasks of each stream come before what it is given next
    """

    def __init__(self, number: int, streams: int, tf32: bool):
        self.number, self._streams = number, streams
        self.cuda = cupy.cuda.Stream(non_blocking=True)
        with self.cuda:
            self.blas = Cublas(self.cuda, tf32)
        self.begin()

    def begin(self) -> None:
        """Count anew."""
        self.done = (0,) * self._streams
        self.last = Task(self.number, 0, self.done, None)

    def wait(self, task: Task) -> None:
        """What this stream is given from now on comes after the task."""
        if self.done[task.stream] < task.done[task.stream]:
            self.cuda.wait_event(task.event)
            self.done = tuple(map(max, self.done, task.done))

    def given(self, ready: int) -> Task:
        """The task that was just given to this stream, and could begin at the depth `ready`."""
        self.done = tuple(n + (i == self.number) for i, n in enumerate(self.done))
        self.last = Task(self.number, max(ready, self.last.depth) + 1, self.done, event_after(self.cuda))
        return self.last


class Streams:
    """The streams, and what they are given; the first one is where a recording begins and ends.

    first        the first one, as CuPy has it
    touched      which memory, by which tasks
    undisturbed  a lock of all games in this process: while one thread records, no other may record or fetch
    waiting      a recording whose last iterations are due but not yet launched: they go before all other work
    given        tasks so far
    """

    undisturbed = Lock()  # two threads that record make cuBLAS fail to launch (seen on an H200)

    def __init__(self, streams: int, tf32: bool):
        self.streams = [Stream(number, streams, tf32) for number in range(streams)]
        self.touched = Touched()
        self.first = self.streams[0].cuda
        self.waiting: Any = None
        self.given = 0

    @contextmanager
    def task(self, reads: list, writes: list):
        """A stretch that gives one task, which touches these arrays, to the stream that it gets."""
        self.settle()
        read, written = {span(a) for a in reads}, {span(a) for a in writes}
        before = self.touched.before(read, written)
        ready = max((task.depth for task in before), default=0)
        stream = self._stream(ready, before)
        for task in sorted(before, key=lambda task: -task.depth):  # a deep one has waited for others already
            stream.wait(task)
        with stream.cuda:
            yield stream
        self.touched.note(stream.given(ready), read, written)
        self.given += 1

    def _stream(self, ready: int, before: Collection[Task]) -> Stream:
        """The stream that idles least until then, and best need not wait for another; or the one that is free next."""
        free = [stream for stream in self.streams if stream.last.depth <= ready]
        if not free:
            return min(self.streams, key=lambda stream: stream.last.depth)
        return max(free, key=lambda stream: (stream.last.depth, stream.last in before))

    @contextmanager
    def together(self):
        """A stretch on the first stream that comes after everything and before everything else."""
        self.settle()
        self.join()
        with self.first:
            yield self.first
        self.fork()

    def settle(self) -> None:
        """Launch what has been put off."""
        if self.waiting is not None:
            self.waiting.settle()

    def join(self) -> None:
        """The first stream goes on after all of the others' tasks."""
        for stream in self.streams[1:]:
            self.first.wait_event(event_after(stream.cuda))

    def fork(self) -> None:
        """All streams go on after the first one's tasks; in a capture they join it."""
        event = event_after(self.first)
        for stream in self.streams:
            stream.begin()
            if stream.cuda is not self.first:
                stream.cuda.wait_event(event)
        self.touched = Touched()


def event_after(stream):
    """An event that comes after all that the stream has been given."""
    event = cupy.cuda.Event(disable_timing=True)
    event.record(stream)
    return event


def span(array) -> Span:
    """The bytes of an array in C order; a number of the clock has the same in float32 after it."""
    start = array.data.ptr
    return start, start + (array.nbytes if array.ndim else 16)
