"""Tar archives (POSIX ustar and the older forms of one header a member), read as a stream.

    header   512 bytes: at 0 the name (100 bytes), at 124 the size and at 148 the sum of the header's bytes, its own 8
             as blanks (both octal text), at 156 the kind: "0", "7" or a zero byte for a file
    content  zeros follow it up to a multiple of 512 bytes; after the last member come at least 512 bytes of zeros

It is read here and not by `tarfile`, which takes a damaged header for the end of the archive, and which keeps names and
sizes of any length in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from minigan.data.reading import CHUNK, Stream
from minigan.errors import DataError

BLOCK = 512
FILE_KINDS = (b"0", b"7", b"\0")


class Member:
    """The content of a file in an archive: (size,) bytes, read once and in order."""

    def __init__(self, stream: Stream, name: str, size: int, path: str | Path):
        self.stream, self.name, self.size, self.path = stream, name, size, path
        self.left = size + -size % BLOCK

    def read(self) -> bytearray:
        """All of it."""
        content = bytearray()
        while len(content) < self.size:
            content += self._some(self.size - len(content))
        return content

    def skip(self) -> None:
        """Go on to where the next header begins."""
        while self.left:
            self._some(self.left)

    def _some(self, most: int) -> bytes:
        chunk = self.stream.read(min(CHUNK, most))
        if not chunk:
            raise DataError(f"{self.path}: truncated in {self.name!r}, expected {self.size} bytes of it")
        self.left -= len(chunk)
        return chunk


def members(stream: Stream, path: str | Path) -> Iterator[Member]:
    """The files of an archive by the last part of their names, and what is behind its end read to the last byte.

    Raises DataError for a damaged header, a truncated file and an archive without an end.
    """
    while any(header := stream.read(BLOCK)):
        check_sum(header, path)
        name = header[:100].partition(b"\0")[0].decode("utf-8", "backslashreplace")
        member = Member(stream, PurePosixPath(name).name, octal(header[124:136], path), path)
        if header[156:157] in FILE_KINDS:
            yield member
        member.skip()
    if len(header) < BLOCK:
        raise DataError(f"{path}: truncated, no end of the archive, expected {BLOCK} zeros after its last file")
    # Gzip compares its checksum at the very end.
    while rest := stream.read(CHUNK):
        if any(rest):
            raise DataError(f"{path}: trailing data, expected nothing but zeros after the archive's end")


def check_sum(header: bytes, path: str | Path) -> None:
    """Raise DataError unless a header has the sum of bytes that it says."""
    if len(header) < BLOCK or sum(header[:148]) + sum(header[156:]) + 8 * ord(" ") != octal(header[148:156], path):
        raise DataError(f"{path}: a damaged header in the archive, expected a file's name and size")


def octal(text: bytes, path: str | Path) -> int:
    """A number of a header."""
    digits = text.strip(b" \0")
    if not digits or not set(digits) <= set(b"01234567"):
        raise DataError(f"{path}: a damaged header in the archive, expected octal numbers")
    return int(digits, 8)
