"""One process at a time in a folder, for as long as it lives."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

try:
    import fcntl

    LOCKS = True
except ImportError:  # Windows
    LOCKS = False


def locked(folder: Path, wait: bool) -> int | None:
    """A handle that keeps a folder locked until it is closed or its process ends, even if killed.

    wait  for another process that has it; else raise BlockingIOError

    None where the disk has no locks; where the system has none, with a warning.
    """
    if not LOCKS:
        warnings.warn(f"{folder}: not locked (no fcntl on this system), expected no other run there", stacklevel=2)
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return handle


def unlock(handle: int | None) -> None:
    """Close what `locked` gave."""
    if handle is not None:
        os.close(handle)
