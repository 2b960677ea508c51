"""Standard output and error: they may be closed, a pipe that ends, a terminal with few characters, or a notebook's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

SOLID = "▀"


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at this stream; None, or a closed one, is nothing to look at."""
    try:
        return stream is not None and stream.isatty()
    except (AttributeError, ValueError):
        return False


def shows_pictures(stream: TextIO) -> bool:
    """Whether the stream is a terminal with colours and the letter that pictures are made of."""
    if not is_terminal(stream) or os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR"):
        return False
    try:
        SOLID.encode(stream.encoding)
    except (UnicodeEncodeError, LookupError, TypeError):
        return False
    return True


def tell(line: str) -> None:
    """A line on standard error, where there is one that takes it."""
    if sys.stderr is None:
        return  # print would take standard output
    try:
        print(line, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return


def say(line: str) -> None:
    """A line on standard output.  One that takes no more is told, and ends nothing: what is said has been done."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        raise  # its reader has read enough
    except (OSError, ValueError) as error:
        tell(f"standard output takes no more ({error}): {line}")


@contextmanager
def standard_streams() -> Iterator[None]:
    """While a command runs, its streams take every letter, and what is closed takes everything in silence.

    A file that is opened while 0, 1 or 2 is closed would get that number, and be written to as standard error is; so
    those numbers are taken first.
    """
    with open(os.devnull, "r+", encoding="utf-8") as nothing:
        while (number := os.dup(nothing.fileno())) <= 2:
            pass
        os.close(number)
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (nothing if stream is None else stream for stream in before)
        for stream in before:
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        try:
            yield
            _flushed(sys.stdout)
        finally:
            sys.stdout, sys.stderr = before


def _flushed(stream: TextIO) -> None:
    """Written out; where its reader has gone (`| head`), what is left goes nowhere, now and when Python ends."""
    try:
        stream.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
