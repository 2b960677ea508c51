"""A stand-in for a GPU's streams, events and recordings: which memory each has touched, and in which order they run.

It is stricter than a GPU:
- while a stream records, work is written down and not done; to allocate, copy, wait or read back raises;
- two pieces of work that touch the same memory on two streams, neither waiting for the other, raise;
- a stream that was drawn into a recording and not joined again raises, as does one that waits for work outside of it;
- while a stream records, no other thread may use the GPU, though CuPy's relaxed mode would let it.
"""

from __future__ import annotations

import threading


class CUDARuntimeError(RuntimeError):
    """As CuPy raises."""


class GPU:
    """What there is one of: the streams, the recording under way, and who has touched which memory.

    room        bytes that may still be allocated
    touched     {(first byte, end): (who wrote it last, who has read it since)}, each a stream and a number of its work;
                `before` has what it was when the recording began
    waited_for  {stream: how much of its work the host has waited for}
    destroyed   for each cuBLAS handle that is gone, whether a stream recorded just then
    owners      {(first byte, end) of memory given out: the stream that it was given to}
    """

    def __init__(self):
        self.streams, self.recording, self.allocator = {}, None, None
        self.own, self.lock = threading.local(), threading.RLock()
        self.touched, self.before, self.room, self.waits, self.launches = {}, {}, 2**40, 0, 0
        self.waited_for, self.destroyed, self.owners = {}, [], {}

    @property
    def current(self) -> list:
        """The streams that this thread has entered."""
        return vars(self.own).setdefault("current", [])

    def forbid(self, what: str) -> None:
        if self.recording is not None:
            raise CUDARuntimeError(f"{what} while a stream records")

    def do(self, stream: Stream, reads: list, writes: list, work) -> None:
        """One piece of work on a stream, now or into the recording; reads, writes [(first byte, end)]."""
        with self.lock:
            if (self.recording is not None) != (stream.nodes is not None):
                raise CUDARuntimeError("work on a stream outside of the recording that is under way")
            stream.done[stream] = stream.done.get(stream, 0) + 1
            for span in {*reads, *writes}:
                self.check(stream, span, span in writes)
            for span in {*reads, *writes}:
                writer, readers = self.touched.setdefault(span, ((None, 0), {}))
                if span in writes:
                    self.touched[span] = ((stream, stream.done[stream]), {})
                else:
                    readers[stream] = stream.done[stream]
            if stream.nodes is None:
                work()
            else:
                stream.nodes.append(work)

    def check(self, stream: Stream, span: tuple[int, int], written: bool) -> None:
        """Raise unless a stream comes after all that it must, to read or write these bytes."""
        for (start, end), (writer, readers) in self.touched.items():
            if span[0] < end and start < span[1]:
                for other, count in [writer, *(readers.items() if written else ())]:
                    if other is not None and max(stream.done.get(other, 0), self.waited_for.get(other, 0)) < count:
                        raise CUDARuntimeError("a race: work on two streams touches the same memory")

    def give_out(self, span: tuple[int, int]) -> None:
        """New memory.  CuPy keeps what is freed for the stream that had it; here another one may get it, and what was
        done there before is no race."""
        owner = self.current[-1] if self.current else None
        meets = lambda other: span[0] < other[1] and other[0] < span[1]
        with self.lock:
            before = {other: self.owners.pop(other) for other in list(self.owners) if meets(other)}
            if any(stream is not owner for stream in before.values()):
                self.touched = {other: by for other, by in self.touched.items() if not meets(other)}
            self.owners[span] = owner

    def wait_for(self, done: dict[Stream, int]) -> None:
        """The host waits: so much of the streams' work comes before all that is given from now on."""
        for stream, count in done.items():
            self.waited_for[stream] = max(count, self.waited_for.get(stream, 0))


class Stream:
    """nodes  what is recorded, None outside of a recording      done  {stream: how much of its work came before}"""

    def __init__(self, gpu: GPU, non_blocking: bool):
        assert non_blocking, "the default stream cannot record, and a blocking one waits for it"
        self.gpu, self.nodes, self.done, self.ptr = gpu, None, {}, id(self)
        gpu.streams[self.ptr] = self

    def __enter__(self):
        self.gpu.current.append(self)
        return self

    def __exit__(self, *error):
        self.gpu.current.pop()

    def begin_capture(self):
        self.gpu.forbid("a second recording")
        self.gpu.recording, self.nodes = self, []
        self.gpu.before = {span: (writer, dict(readers)) for span, (writer, readers) in self.gpu.touched.items()}

    def end_capture(self):
        nodes, lost = self.nodes, False
        for stream in self.gpu.streams.values():
            if stream.nodes is nodes:
                stream.nodes = None
                lost |= self.done.get(stream, 0) < stream.done.get(stream, 0)
        self.gpu.recording = None
        if lost:
            self.gpu.touched = self.gpu.before
            raise CUDARuntimeError("a stream was drawn into the recording and not joined again")
        return Graph(self.gpu, nodes)

    def wait_event(self, event):
        if self.nodes is not None and event.nodes is not self.nodes:
            raise CUDARuntimeError("a recording stream waits for work outside of the recording")
        if event.nodes is not None:
            assert event.nodes is self.gpu.recording.nodes, "an event of a recording that has ended"
            self.nodes = event.nodes
        for stream, count in event.done.items():
            self.done[stream] = max(count, self.done.get(stream, 0))


class Event:
    def __init__(self, gpu: GPU, block=False, disable_timing=False):
        self.gpu, self.block, self.nodes, self.done = gpu, block, None, {}

    def record(self, stream):
        self.nodes, self.done = stream.nodes, dict(stream.done)

    def synchronize(self):
        self.gpu.forbid("waiting for the GPU")
        assert self.block, "an event that spins while it waits"
        self.gpu.waits += 1
        self.gpu.wait_for(self.done)


class Graph:
    def __init__(self, gpu: GPU, nodes: list):
        self.gpu, self.nodes, self.uploaded = gpu, nodes, False

    def upload(self, stream):
        self.uploaded = True

    def launch(self, stream):
        assert self.uploaded
        self.gpu.launches += 1
        stream.done[stream] = stream.done.get(stream, 0) + 1
        for node in self.nodes:
            node()
