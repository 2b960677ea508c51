"""Reading files that may be broken: no more memory than they hold, and every failure one line that names the file."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from minigan.data.dataset import DataError

CHUNK = 1 << 20
LONGEST_REASON = 200
BEGINNING = 1024
WEB_PAGE = re.compile(rb"(?is)\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b")
ZLIB_OF_GZIP = 31


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Turn whatever reading `path` raises into a DataError that names it."""
    try:
        yield
    # Decoders of gzip, zip, .npy headers and pictures raise nearly every type there is on broken input.
    except Exception as error:
        if is_web_page(path):
            raise DataError(f"{path}: a web page (HTML) in place of data, expected the file itself") from error
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be read ({one_line(error)}), expected a whole, readable file") from error


def one_line(error: Exception) -> str:
    """What went wrong, without line breaks; an error without words is called by its type."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return shortened(words) or type(error).__name__


def shortened(text: str) -> str:
    """A text from a file as an error shows it: one line, and cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}..."


def is_web_page(path: str | Path) -> bool:
    """Whether a file is HTML, plain or in gzip: what a server sends in place of a file that it will not give."""
    try:
        with open(path, "rb") as file:
            start = file.read(BEGINNING)
        if start.startswith(b"\x1f\x8b"):
            start = zlib.decompressobj(ZLIB_OF_GZIP).decompress(start, BEGINNING)
    except (OSError, zlib.error):
        return False
    return WEB_PAGE.match(start.removeprefix(b"\xef\xbb\xbf")) is not None


def read_promised(stream: BinaryIO, promised: int, path: str | Path) -> bytearray:
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
