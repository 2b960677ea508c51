"""Command lines from dataclasses: one clear line for a wrong option, never a traceback.

tyro is loaded when a command line is parsed, and not before: whoever imports a command's functions can do without it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

from minigan.errors import CheckpointError, ConfigError, DataError, DeviceError, DivergedError

Options = TypeVar("Options")

WRONG_INPUT, FAILED = 2, 1


def __getattr__(name: str):
    """`Positional[...]`, tyro's mark of an option that is given without its name."""
    if name == "Positional":
        from tyro.conf import Positional

        return Positional
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def parse(kind: type[Options], args: list[str], prog: str, default: Options | None = None) -> Options:
    """The options that `args` ask for.  Ends the program with one line and exit code 2 where they cannot be read."""
    import tyro

    message = io.StringIO()
    try:
        with contextlib.redirect_stderr(message):
            return tyro.cli(kind, args=args, prog=prog, default=default or tyro.MISSING_NONPROP)
    except SystemExit as end:
        if end.code:
            stop(prog, _first_paragraph(message.getvalue()))
        raise


def _first_paragraph(box: str) -> str:
    """What tyro says inside its box, up to the first rule, as one line."""
    lines = [line.strip("│ ") for line in box.splitlines() if not line.startswith(("╭", "╰"))]
    said = []
    for line in lines:
        if set(line) <= {"─"}:
            break
        said.append(line)
    return re.sub(r"\s+", " ", " ".join(said)) or "the options cannot be read; see --help"


def stop(prog: str, message: object, code: int = WRONG_INPUT) -> NoReturn:
    """End with one line on standard error."""
    print(f"{prog}: {' '.join(str(message).split())}", file=sys.stderr)
    sys.exit(code)


def new_file(option: str, name: str, kinds: tuple[str, ...]) -> None:
    """Raise ConfigError unless a file of one of these kinds can be made under this name, and is not there yet."""
    path = Path(name)
    if path.suffix not in kinds:
        raise ConfigError(f"{option} {name}: expected a name ending in {', '.join(kinds)}")
    if path.exists():
        raise ConfigError(f"{option} {name}: exists already, and nothing is overwritten")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"{option} {name}: expected an existing folder")
    if not os.access(path.absolute().parent, os.W_OK):
        raise ConfigError(f"{option} {name}: expected a folder that can be written to")


def run(prog: str, body: Callable[[], int | None]) -> NoReturn:
    """Run a command's body: wrong input ends in exit code 2, a failure in exit code 1, each with one line."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: print(f"{prog}: {message}", file=sys.stderr)
            sys.exit(body() or 0)
    except (ConfigError, CheckpointError, DataError) as error:
        stop(prog, error)
    except (DivergedError, DeviceError) as error:
        stop(prog, error, FAILED)
    except MemoryError as error:
        stop(prog, str(error) or "out of memory", FAILED)
    except OSError as error:
        file = getattr(error, "filename", None)
        stop(prog, f"{file}: {error.strerror}" if file else f"{type(error).__name__}: {error}", FAILED)
    except KeyboardInterrupt:
        stop(prog, "interrupted", FAILED)
