"""Two lines of work on the GPU, ordered by the memory that they touch.

Activations and what is passed back between layers form a chain in which each kernel waits for the one before.  Weight
gradients and updates hang off that chain: nothing needs them before the network's next pass.  So they go to a second
stream, beside the chain, and a stream waits for the other one only where it is about to touch what that one has not
finished with.  This holds for work that runs at once and for work that is being captured alike.
"""

from __future__ import annotations

from contextlib import contextmanager

import cupy

from minigan.backends.cublas import Cublas


class Line:
    """A stream with its own cuBLAS handle, and the memory of its work that the other line has not waited for.

    reads, writes  {(first byte, end)}
    """

    def __init__(self, tf32: bool):
        self.stream = cupy.cuda.Stream(non_blocking=True)
        with self.stream:
            self.blas = Cublas(self.stream, tf32)
        self.event = cupy.cuda.Event(disable_timing=True)
        self.reads: set[tuple[int, int]] = set()
        self.writes: set[tuple[int, int]] = set()

    def wait(self, other: Line) -> None:
        """What this line does from now on comes after all that the other one has been given."""
        other.event.record(other.stream)
        self.stream.wait_event(other.event)
        other.reads.clear()
        other.writes.clear()


class Lines:
    """`chain`, for what the next kernel waits for, and `beside`, for what only moves parameters.

    waiting  a recording whose last iterations are due but not yet launched: they go before all other work (`graph.py`)
    given    pieces of work so far
    """

    def __init__(self, tf32: bool):
        self.chain, self.beside = Line(tf32), Line(tf32)
        self.waiting = None
        self.given = 0

    @contextmanager
    def work(self, line: Line, reads: list, writes: list):
        """A stretch that gives `line` one piece of work, which touches these arrays."""
        self.settle()
        other = self.beside if line is self.chain else self.chain
        read, written = {span(a) for a in reads}, {span(a) for a in writes}
        if meet(other.writes, read | written) or meet(other.reads, written):
            line.wait(other)
        line.reads |= read
        line.writes |= written
        self.given += 1
        with line.stream:
            yield

    @contextmanager
    def together(self):
        """A stretch on the chain's stream that comes after everything and before everything else."""
        self.settle()
        self.join()
        with self.chain.stream as stream:
            yield stream
        self.fork()

    def settle(self) -> None:
        """Launch what has been put off."""
        if self.waiting is not None:
            self.waiting.settle()

    def fork(self) -> None:
        """The line beside goes on after all of the chain's work; in a capture it joins the capture."""
        self.beside.wait(self.chain)

    def join(self) -> None:
        """The chain goes on after all of the work beside it."""
        self.chain.wait(self.beside)


def span(array) -> tuple[int, int]:
    """The bytes of an array in C order; a number of the clock has the same in float32 after it."""
    start = array.data.ptr
    return start, start + (array.nbytes if array.ndim else 16)


def meet(some: set, others: set) -> bool:
    """Whether any span of one set overlaps any of the other."""
    return any(a < d and c < b for a, b in some for c, d in others)
