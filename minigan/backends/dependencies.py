"""Which pieces of work must be done before another one: those that wrote what it reads, and those that read or wrote
what it writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Span = tuple[int, int]
"""(first byte, end)"""


@dataclass(frozen=True)
class Piece:
    """A piece of work, a kernel or a product.

    line    the number of the line that it is on
    depth   how many pieces come one after the other until it is done
    done    (lines,) how many pieces of each line are done once it is, itself among them
    event   comes after it
    """

    line: int
    depth: int
    done: tuple[int, ...]
    event: Any


@dataclass(eq=False)
class Stretch:
    """A stretch of memory.

    writer   the piece that wrote it last
    readers  {line: the last piece there that has read it since}
    meets    the stretches that have bytes in common with it, itself among them
    """

    start: int
    end: int
    writer: Piece | None = None
    readers: dict[int, Piece] = field(default_factory=dict)
    meets: list[Stretch] = field(default_factory=list)


class Touched:
    """The memory that pieces of work have touched."""

    def __init__(self):
        self._stretches: dict[Span, Stretch] = {}

    def before(self, read: set[Span], written: set[Span]) -> set[Piece]:
        """The pieces before one that reads and writes this."""
        pieces = {other.writer for span in read | written for other in self._stretch(span).meets}
        readers = {piece for span in written for other in self._stretch(span).meets for piece in other.readers.values()}
        return (pieces | readers) - {None}

    def note(self, piece: Piece, read: set[Span], written: set[Span]) -> None:
        """Remember the piece, in place of those before it: who waits for it waits for them."""
        for span in read:
            self._stretch(span).readers[piece.line] = piece
        for span in written:
            for other in self._stretch(span).meets:
                if span[0] <= other.start and other.end <= span[1]:
                    other.writer, other.readers = None, {}
            self._stretch(span).writer = piece

    def _stretch(self, span: Span) -> Stretch:
        if span not in self._stretches:
            made = self._stretches[span] = Stretch(*span)
            for other in self._stretches.values():
                if made.start < other.end and other.start < made.end:
                    made.meets.append(other)
                    if other is not made:
                        other.meets.append(made)
        return self._stretches[span]
