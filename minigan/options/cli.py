"""Command lines from dataclasses: one clear line for a wrong option, never a traceback.

tyro is loaded only when a command line is parsed, so that a command's functions can be imported without it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import warnings
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from minigan import interrupt
from minigan.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    DeviceError,
    DivergedError,
    RanksError,
    did_you_mean,
    in_a_command,
)
from minigan.options.console import standard_streams, tell
from minigan.options.recipe import allowed, fits

Options = TypeVar("Options")

WRONG_INPUT, FAILED = 2, 1
FLAG = re.compile(r"--?[a-zA-Z]")


def __getattr__(name: str) -> Any:
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
            stop(prog, _unknown(kind, args) or _first_paragraph(message.getvalue()))
        raise Stopped(0) from None


def _unknown(kind: type, args: list[str]) -> str | None:
    """The first flag or choice in `args` that `kind` does not have, and the nearest one that it has."""
    hints = {name.replace("_", "-"): hint for name, hint in get_type_hints(kind).items()} | {"help": None}
    hints |= {f"no-{name}": hint for name, hint in hints.items() if hint is bool}
    for argument, following in zip(args, [*args[1:], ""]):
        flag, _, value = argument.partition("=")
        if not FLAG.match(flag) or flag == "-h":
            continue
        name = flag.lstrip("-").replace("_", "-")
        if name not in hints or not flag.startswith("--"):
            return f"{flag}: unknown{did_you_mean(name, hints, '--') or ', and --help lists what there is'}"
        value = value if "=" in argument else following
        choice = get_origin(hints[name]) is Literal and not fits(value, hints[name])
        if choice or is_no_number(value, hints[name]):
            return f"{flag} {value}: expected {allowed(hints[name], value)}"
    return None


def is_no_number(value: str, hint: Any) -> bool:
    """Whether an option that takes a number, as its annotation says, cannot be read from this text."""
    kinds = get_args(hint) or (hint,)
    read = next((kind for kind in (float, int) if kind in kinds), None)
    if read is None or value == "None" and type(None) in kinds:
        return False
    try:
        read(value)
    except ValueError:
        return True
    return False


def _first_paragraph(box: str) -> str:
    """What tyro says inside its box, up to the first rule, as one line.

    Where the encoding has no lines to draw a box with, its title stands above, with a rule of its own.
    """
    paragraphs = [""]
    for line in box.splitlines():
        text = line.strip("│ ")
        if text and set(text) <= {"─", "-"}:
            paragraphs.append("")
        elif not text.startswith(("╭", "╰")):
            paragraphs[-1] += f" {text}"
    said = paragraphs[:1] if "╭" in box else paragraphs[1:2]
    return re.sub(r"\s+", " ", " ".join(said)).strip() or "the options cannot be read; see --help"


class Stopped(SystemExit):
    """The end of a command that has said all there is to say."""

    def __init__(self, code: int):
        super().__init__(code)
        self.code: int = code


def stop(prog: str, message: object, code: int = WRONG_INPUT) -> NoReturn:
    """End with one line on standard error."""
    tell(f"{prog}: {' '.join(str(message).split())}")
    raise Stopped(code)


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


def command(prog: str) -> Callable[[Callable[[list[str]], int | None]], Callable[..., int]]:
    """Makes a command of its body: its exit code is 2 for wrong input and 1 for a failure, each with one line, else 0.

    The command takes a list of arguments, or else those of the program.  It ends no program, which may be a notebook.
    """

    def of(body: Callable[[list[str]], int | None]) -> Callable[..., int]:
        @wraps(body)
        def main(args: list[str] | None = None) -> int:
            try:
                with standard_streams():
                    _run(prog, partial(body, sys.argv[1:] if args is None else args))
            except SystemExit as end:
                return end.code if isinstance(end.code, int) else FAILED if end.code else 0
            return 0

        return main

    return of


def _run(prog: str, body: Callable[[], int | None]) -> None:
    interrupt.raise_again()
    try:
        with warnings.catch_warnings(), in_a_command():
            warnings.showwarning = lambda message, *_: tell(f"{prog}: {message}")
            if code := body():
                sys.exit(code)
    except BrokenPipeError:
        return  # the reader of what this prints has read enough: `| head`
    except (Exception, KeyboardInterrupt) as error:
        if line := line_of(error):
            stop(prog, *line)
        raise


def line_of(error: BaseException) -> tuple[str, int] | None:
    """What an error that a user can meet says in one line, and the exit code; None for an error of the program's."""
    match error:
        case ConfigError() | CheckpointError() | DataError():
            return str(error), WRONG_INPUT
        case DivergedError() | DeviceError() | RanksError():
            return str(error), FAILED
        case MemoryError():
            return str(error) or "out of memory", FAILED
        case OSError():
            file = getattr(error, "filename", None)
            return f"{file}: {error.strerror}" if file else f"{type(error).__name__}: {error}", FAILED
        case KeyboardInterrupt():
            return "interrupted", FAILED
    return None
