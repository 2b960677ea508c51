"""An iteration recorded once as a CUDA graph and replayed, several iterations a launch.

At a small batch an iteration is some sixty kernels of a few microseconds, and launched one by one from Python they
would wait for the host.  Nothing that changes from iteration to iteration is an argument of a kernel (`clock.py`),
buffers keep their addresses, and no kernel allocates or waits: so one recording serves all iterations.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import contextmanager

import cupy

from minigan.backends.cuda.streams import Streams
from minigan.errors import DeviceError

MOST_ITERATIONS = 20
"""in one graph: beyond that a launch gains nothing"""
MOST_KERNELS = 3000
"""in one graph"""


class Recording:
    """`iterate` as a call that is recorded.

    The first call runs it as it is: it loads the kernels, and makes what is made once.  The next one records it, alone
    and many times over, and from there on a call only counts, until the graph of many is full and gets launched.
    All other work of the backend launches what was counted first (`Streams.settle`), so the difference cannot be seen.
    """

    def __init__(self, streams: Streams, iterate: Callable[[], None]):
        self._streams, self._iterate = streams, iterate
        self._kernels = self._due = 0
        self._one = self._many = None

    def __call__(self) -> None:
        if self._kernels == 0:
            before = self._streams.given
            self._iterate()
            self._kernels = max(1, self._streams.given - before)
            return
        if self._due == 0:
            self._streams.settle()
        if self._one is None:
            self._one, self._many = self._recorded(1), self._recorded(self._in_many())
        self._streams.waiting = self
        self._due += 1
        if self._due == self._in_many():
            self._launch(self._many, 1)

    def settle(self) -> None:
        """Launch the iterations that are due, one by one."""
        self._launch(self._one, self._due)

    def _in_many(self) -> int:
        return max(1, min(MOST_ITERATIONS, MOST_KERNELS // self._kernels))

    def _launch(self, graph, times: int) -> None:
        """A graph goes on the first stream, after all other tasks and before what follows."""
        streams, self._due = self._streams, 0
        streams.waiting = None
        streams.join()
        for _ in range(times):
            graph.launch(streams.first)
        streams.fork()

    def _recorded(self, times: int):
        """`times` iterations as a graph.  None of them runs."""
        streams, stream = self._streams, self._streams.first
        streams.join()
        with streams.undisturbed, cupy.cuda.using_allocator(refuse), uncollected():
            stream.begin_capture()
            try:
                streams.fork()
                for _ in range(times):
                    self._iterate()
                streams.join()
                graph = stream.end_capture()
            except BaseException:
                abandon(stream)
                streams.fork()
                raise
        graph.upload(stream)
        return graph


@contextmanager
def uncollected():
    """A stretch in which Python collects no garbage: a cuBLAS handle among it, destroyed, would wait for the GPU."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def refuse(size: int):
    """An allocator for the time of a recording: an address from there would not outlive it."""
    raise DeviceError(f"{size} bytes of GPU memory were asked for while an iteration was being recorded")


def abandon(stream) -> None:
    """End a recording that failed, so that the stream can be used again."""
    try:
        stream.end_capture()
    except cupy.cuda.runtime.CUDARuntimeError:
        pass  # it was invalid by then, or has ended, and the first error says why
