"""Lines of work on the GPU, ordered by the memory that they touch.

A piece of work waits for those before it that touched the same memory (`dependencies.py`), and for no others.  It goes
to one of a few streams, so what does not need each other runs side by side: weight gradients beside what is passed
back, D's step beside G's next forward pass.  No layer knows of it.  This holds for work that runs at once and for work
that is being captured alike: a graph has just these dependencies.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import contextmanager
from threading import Lock

import cupy

from minigan.backends.cublas import Cublas
from minigan.backends.dependencies import Piece, Span, Touched

LINES = 4
"""With these an iteration of algorithm 1 is no longer than its longest chain of pieces that wait for each other."""


class Line:
    """A stream with its own cuBLAS handle.

    last  the piece that it was given last
    done  (lines,) how many pieces of each line come before what it is given next
    """

    def __init__(self, number: int, lines: int, tf32: bool):
        self.number, self._lines = number, lines
        self.stream = cupy.cuda.Stream(non_blocking=True)
        with self.stream:
            self.blas = Cublas(self.stream, tf32)
        self.begin()

    def begin(self) -> None:
        """Count anew."""
        self.done = (0,) * self._lines
        self.last = Piece(self.number, 0, self.done, None)

    def wait(self, piece: Piece) -> None:
        """What this line is given from now on comes after the piece."""
        if self.done[piece.line] < piece.done[piece.line]:
            self.stream.wait_event(piece.event)
            self.done = tuple(map(max, self.done, piece.done))

    def given(self, ready: int) -> Piece:
        """The piece that was just given to this line, and could begin at the depth `ready`."""
        self.done = tuple(n + (i == self.number) for i, n in enumerate(self.done))
        self.last = Piece(self.number, max(ready, self.last.depth) + 1, self.done, event_after(self.stream))
        return self.last


class Lines:
    """The lines, and what they are given; the stream of the first one is where a recording begins and ends.

    touched      by which pieces
    undisturbed  a lock: while one thread records, no other may use the GPU
    waiting      a recording whose last iterations are due but not yet launched: they go before all other work
    given        pieces of work so far
    """

    def __init__(self, lines: int, tf32: bool):
        self.lines = [Line(number, lines, tf32) for number in range(lines)]
        self.touched, self.undisturbed = Touched(), Lock()
        self.stream = self.lines[0].stream
        self.waiting = None
        self.given = 0

    @contextmanager
    def work(self, reads: list, writes: list):
        """A stretch that gives one piece of work, which touches these arrays, to the line that it gets."""
        self.settle()
        read, written = {span(a) for a in reads}, {span(a) for a in writes}
        before = self.touched.before(read, written)
        ready = max((piece.depth for piece in before), default=0)
        line = self._line(ready, before)
        for piece in sorted(before, key=lambda piece: -piece.depth):  # a deep one has waited for others already
            line.wait(piece)
        with line.stream:
            yield line
        self.touched.note(line.given(ready), read, written)
        self.given += 1

    def _line(self, ready: int, before: Collection[Piece]) -> Line:
        """The line that idles least until then, and best need not wait for another; or the one that is free next."""
        free = [line for line in self.lines if line.last.depth <= ready]
        if not free:
            return min(self.lines, key=lambda line: line.last.depth)
        return max(free, key=lambda line: (line.last.depth, line.last in before))

    @contextmanager
    def together(self):
        """A stretch on the first line's stream that comes after everything and before everything else."""
        self.settle()
        self.join()
        with self.stream:
            yield self.stream
        self.fork()

    def settle(self) -> None:
        """Launch what has been put off."""
        if self.waiting is not None:
            self.waiting.settle()

    def join(self) -> None:
        """The first line goes on after all of the others' work."""
        for line in self.lines[1:]:
            self.stream.wait_event(event_after(line.stream))

    def fork(self) -> None:
        """All lines go on after the first one's work, in a capture into the capture, and after what was before it."""
        event = event_after(self.stream)
        for line in self.lines:
            line.begin()
            if line.stream is not self.stream:
                line.stream.wait_event(event)
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
