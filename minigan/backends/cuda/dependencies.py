"""Which tasks must be done before another one: those that wrote what it reads, and those that read or wrote what it
writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Span = tuple[int, int]
"""(first byte, end)"""


@dataclass(frozen=True)
class Task:
    """A kernel or a product that the GPU was given.

    stream  the number of the stream that it is on
    depth   how many tasks come one after the other until it is done
    done    (streams,) how many tasks of each stream are done once it is, itself among them
    event   comes after it
    """

    stream: int
    depth: int
    done: tuple[int, ...]
    event: Any


@dataclass(eq=False)
class Region:
    """A region of memory.

    writer   the task that wrote it last
    readers  {stream: the last task there that has read it since}
    meets    the regions that have bytes in common with it, itself among them
    """

    start: int
    end: int
    writer: Task | None = None
    readers: dict[int, Task] = field(default_factory=dict)
    meets: list[Region] = field(default_factory=list)


class Touched:
    """The memory that tasks have touched."""

    def __init__(self):
        self._regions: dict[Span, Region] = {}

    def before(self, read: set[Span], written: set[Span]) -> set[Task]:
        """The tasks before one that reads and writes this."""
        writers = {other.writer for span in read | written for other in self._region(span).meets}
        readers = {task for span in written for other in self._region(span).meets for task in other.readers.values()}
        return {task for task in writers | readers if task is not None}

    def note(self, task: Task, read: set[Span], written: set[Span]) -> None:
        """Remember the task and forget those before it: a task that waits for it waits for them too."""
        for span in read:
            self._region(span).readers[task.stream] = task
        for span in written:
            for other in self._region(span).meets:
                if span[0] <= other.start and other.end <= span[1]:
                    other.writer, other.readers = None, {}
            self._region(span).writer = task

    def _region(self, span: Span) -> Region:
        if span not in self._regions:
            made = self._regions[span] = Region(*span)
            for other in self._regions.values():
                if made.start < other.end and other.start < made.end:
                    made.meets.append(other)
                    if other is not made:
                        other.meets.append(made)
        return self._regions[span]
