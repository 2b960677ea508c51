"""Files that are either whole or not there, even if writing them is interrupted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def named_in_errors(path: Path) -> Iterator[None]:
    """Put this name into an OSError: the disk refuses a write by its file's number alone, or by the name beside it."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def replace_file(path: Path, *parts: bytes | memoryview) -> None:
    """Put the parts, one after the other, at `path` at once: written beside it, synced, renamed, the folder synced.

    Raises OSError where the disk refuses; what was at `path` is then still there, and nothing is left beside it.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with named_in_errors(path), open(beside, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    _sync_folder(path.parent)


def replace_text(path: Path, text: str) -> None:
    """Put a text at `path`, as `replace_file` does: in UTF-8; names of files in it that are none keep their bytes."""
    replace_file(path, text.encode("utf-8", "surrogateescape"))


def append_line(path: Path, text: str) -> None:
    """One line more, synced; a last one that was cut short stays a line of its own.

    Raises OSError, naming the file, where the disk refuses.
    """
    with named_in_errors(path), open(path, "ab+") as file:
        file.seek(max(0, file.tell() - 1))
        cut_short = file.read() not in (b"", b"\n")
        file.write(b"\n" * cut_short + f"{text}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """So that a file's new name is on the disk; Windows, which opens no folders, does it by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
