"""The errors that a user meets: one line that names the file or the option, and what was expected."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path

LONGEST_REASON = 200
BEGINNING = 1024
WEB_PAGE = re.compile(rb"(?is)\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b")
ZLIB_OF_GZIP = 31
FLAG = re.compile(r"(?<![^\s(])--([a-z][a-z0-9]*(?:-[a-z0-9]+)*)")
ARGUMENTS = {"n": "n_samples"}
"""the flags whose arguments have another name than theirs"""
IN_A_COMMAND = ContextVar("whether a command asks", default=False)


def spelled(text: str) -> str:
    """A text that names options as flags, --batch-size: as it is in a command; in Python they become batch_size."""
    if IN_A_COMMAND.get():
        return text
    return FLAG.sub(lambda flag: ARGUMENTS.get(flag[1], flag[1].replace("-", "_")), text)


@contextmanager
def in_a_command() -> Iterator[None]:
    """While it is open, errors name options as flags."""
    before = IN_A_COMMAND.set(True)
    try:
        yield
    finally:
        IN_A_COMMAND.reset(before)


class Told(Exception):
    """An error or warning for a user.  Its text is written with flags; from Python it names arguments."""

    def __init__(self, text: str):
        super().__init__(spelled(text))


class ConfigError(Told, ValueError):
    """An option, a preset or a combination of them that cannot be used."""


class DataError(Told, ValueError):
    """Data that cannot be used: which file or option, and what was expected."""


class DivergedError(Told, RuntimeError):
    """Training that has left the finite numbers: at which iteration, and what to try."""


class CheckpointError(Told, ValueError):
    """A checkpoint that cannot be trusted or does not fit: which file, and why."""


class PassedOver(Told, UserWarning):
    """A checkpoint cannot be trusted, and an older one is used."""


class OtherNumerics(Told, UserWarning):
    """A checkpoint of kernels that rounded otherwise goes on: its bits part here from those of one run."""


class DataWarning(Told, UserWarning):
    """Data that were read, but not all of them, or not as one may think: what, and why."""


class BeginsAnew(Told, UserWarning):
    """`fit` throws away what a GAN had learnt."""


class RanksError(Told, RuntimeError):
    """Ranks that should have the same weights and do not: which, and since when."""


class DeviceError(Told, RuntimeError):
    """A GPU that is not there, cannot be used or was lost: why, and what was expected."""


def did_you_mean(name: object, known: Iterable[str], before: str = "") -> str:
    """The end of an error about an unknown name: the nearest known one, if any is near, with `before` in front."""
    near = get_close_matches(name.lower(), list(known), n=1) if isinstance(name, str) else []
    return f"; did you mean {before}{near[0]}?" if near else ""


def one_line(error: Exception) -> str:
    """An error's text without line breaks; its type where it has no text."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return shortened(text) or type(error).__name__


def shortened(text: str) -> str:
    """A text from a file as an error shows it: one line, and cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}..."


def is_web_page(path: str | Path) -> bool:
    """Whether a file is HTML, plain or in gzip: some servers send that when they refuse a file."""
    try:
        with open(path, "rb") as file:
            start = file.read(BEGINNING)
        if start.startswith(b"\x1f\x8b"):
            start = zlib.decompressobj(ZLIB_OF_GZIP).decompress(start, BEGINNING)
    except (OSError, zlib.error):
        return False
    return WEB_PAGE.match(start.removeprefix(b"\xef\xbb\xbf")) is not None
