"""Ctrl-C while a command is still being loaded: the process ends at once, with one line.

Nothing is written by then.  A KeyboardInterrupt would not do: some imports, NumPy's among them, turn it into an error
of their own.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType


def a_command_is_loading() -> bool:
    """Whether `python -m minigan...` is looking for its module."""
    if sys.argv[:1] != ["-m"] or "-m" not in sys.orig_argv:
        return False
    module = sys.orig_argv[sys.orig_argv.index("-m") + 1]
    return module.split(".")[0] == "minigan"


def end_at_once() -> None:
    """From here on, where Ctrl-C would raise KeyboardInterrupt."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        with suppress(ValueError):  # only the main thread may
            signal.signal(signal.SIGINT, _end)


def raise_again() -> None:
    """The command is loaded: KeyboardInterrupt, as ever."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, b"minigan: interrupted\n")
    os._exit(1)
