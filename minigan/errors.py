"""Errors that a user meets, and their words: one line that names the file or the option, and what was expected."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

LONGEST_REASON = 200
BEGINNING = 1024
WEB_PAGE = re.compile(rb"(?is)\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b")
ZLIB_OF_GZIP = 31


class ConfigError(ValueError):
    """An option, a preset or a combination of them that cannot be used."""


class DataError(ValueError):
    """Data that cannot be used: which file or option, and what was expected."""


class DivergedError(RuntimeError):
    """Training that has left the finite numbers: at which iteration, and what to try."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be trusted or does not fit: which file, and why."""


class PassedOver(UserWarning):
    """A checkpoint that cannot be trusted, in whose place an older one is taken."""


class DataWarning(UserWarning):
    """Data that were read, but not all of them, or not as one may think: what, and why."""


class DeviceError(RuntimeError):
    """A GPU that is not there, cannot be used or was lost: why, and what was expected."""


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
