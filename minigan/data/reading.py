"""Reading files that may be broken: no more memory than they hold, and every failure one line that names the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from minigan.errors import DataError, is_web_page, one_line

CHUNK = 1 << 20
PUBLISHED = ("digits", "mnist", "cifar10", "tfd")


class Stream(Protocol):
    """A file, or what unpacks one."""

    def read(self, size: int, /) -> bytes: ...


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Turn any error of reading `path` into a DataError that names it."""
    try:
        yield
    # Decoders of gzip, zip, .npy headers and pictures raise nearly every type there is on broken input.
    except Exception as error:
        if is_web_page(path):
            raise DataError(f"{path}: a web page (HTML), expected the file itself") from error
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be read ({one_line(error)}), expected a whole, readable file") from error


def own_name(folder: Path) -> str:
    """What a user's own data are called, by their folder; never as published data are."""
    folder = folder.resolve()
    name = folder.parent.name if folder.name == "raw" else folder.name
    return f"own {name}" if name.lower() in PUBLISHED else name


def read_promised(stream: Stream, promised: int, path: str | Path) -> bytearray:
    """The rest of the stream, which has to be `promised` bytes.

    Grows with what is there, so a false promise allocates nothing.  Raises DataError for fewer or more bytes.
    """
    content = bytearray()
    # The one byte beyond the promise finds trailing data, and makes gzip and zip compare their checksums.
    while chunk := stream.read(min(CHUNK, promised + 1 - len(content))):
        content += chunk
    if len(content) < promised:
        raise DataError(f"{path}: truncated, {len(content)} bytes after the header, expected {promised}")
    if len(content) > promised:
        raise DataError(f"{path}: trailing data, expected no more than {promised} bytes after the header")
    return content
