"""A student's files in a process of their own, asked from outside it.

A hang, a crash, an endless line of output or memory without end is an answer like any other, in one line of text.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Self

import minigan
from minigan.teaching.frames import LENGTHS, packed, unpacked

LONGEST = 1 << 22
"""bytes of an answer; the questions are about arrays of a few hundred numbers"""
LONGEST_REASON = 300
STARTUP = 20.0
"""seconds in which Python and NumPy have begun even on a busy machine"""
ALONE = {
    name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONDONTWRITEBYTECODE")
}
KEPT = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


class Unanswered(Exception):
    """What went wrong, in words for the student."""


class Gone(Unanswered):
    """The process has ended or was ended: the next question needs another one."""


@dataclass(frozen=True)
class Limits:
    """Of one function's questions together: seconds by the clock, megabytes of memory."""

    seconds: float = 10.0
    memory: int = 1024


def plain(text: str) -> str:
    """What a student's process has said as part of a line: no control characters, and cut where it is long."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:LONGEST_REASON])


class Pupil:
    """The process; `folder` holds the files, `modules` are their names in the order of their imports.

    Raises Unanswered where the files cannot be loaded.
    """

    def __init__(self, folder: Path, modules: tuple[str, ...], limits: Limits):
        self.limits, self.printed = limits, folder.with_name(f"{folder.name}.out")
        ours, theirs = os.pipe(), os.pipe()
        paths = os.pathsep.join(filter(None, (str(Path(minigan.__file__).parents[1]), os.environ.get("PYTHONPATH"))))
        most = (str(int(limits.seconds * 10) + int(STARTUP)), str(limits.memory))
        command = [sys.executable, "-P", "-s", "-m", "minigan.teaching.worker", str(ours[0]), str(theirs[1]), *most]
        with open(self.printed, "ab") as out:
            self._process = subprocess.Popen(
                [*command, *modules],
                cwd=folder,
                env={name: os.environ[name] for name in KEPT if name in os.environ} | ALONE | {"PYTHONPATH": paths},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.DEVNULL,
                pass_fds=(ours[0], theirs[1]),
                start_new_session=True,
            )
        os.close(ours[0])
        os.close(theirs[1])
        self._requests, self._answers = ours[1], theirs[0]
        try:
            self._answer(monotonic() + STARTUP)
            self._answer(monotonic() + limits.seconds)
        except Unanswered:
            self.end()
            raise

    def ask(self, module: str, function: str, arguments: list[Any], deadline: float) -> tuple[Any, list[Any]]:
        """What the function returned, and its arguments as it left them.  Raises Unanswered."""
        answer = self._asked([module, function, arguments], deadline)
        if not isinstance(answer, list) or len(answer) != 2 or not isinstance(answer[1], list):
            raise self._unreadable()
        return answer[0], answer[1]

    def changes(self) -> list[str]:
        """The names outside its own files that were changed.  Raises Unanswered."""
        names = self._asked([], monotonic() + self.limits.seconds)
        if not isinstance(names, list):
            raise self._unreadable()
        return [plain(str(name)) for name in names]

    def _asked(self, request: list[Any], deadline: float) -> Any:
        try:
            os.write(self._requests, packed(request))
        except OSError:
            raise Gone(self._how_it_ended()) from None
        return self._answer(deadline)

    def _answer(self, deadline: float) -> Any:
        lengths = LENGTHS.unpack(self._read(LENGTHS.size, deadline))
        if sum(lengths) > LONGEST:
            self.end()
            raise Gone("returned far more than was asked for")
        try:
            error, result = unpacked(*(self._read(length, deadline) for length in lengths))
        except (ValueError, TypeError):
            raise self._unreadable() from None
        if error:
            raise Unanswered(plain(str(error)))
        return result

    def _read(self, length: int, deadline: float) -> bytes:
        found, pipe = b"", select.poll()  # select itself takes no number above 1023
        pipe.register(self._answers, select.POLLIN)
        while len(found) < length:
            if not pipe.poll(1000 * max(0.0, deadline - monotonic())):
                self.end()
                raise Gone(f"no answer within {self.limits.seconds:g} s")
            part = os.read(self._answers, length - len(found))
            if not part:
                raise Gone(self._how_it_ended())
            found += part
        return found

    def _unreadable(self) -> Gone:
        self.end()
        return Gone("its answer cannot be read")

    def _how_it_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        self.end()
        if code is None:
            return "answers no more"
        if code < 0:
            known = {int(one): one.name for one in signal.Signals}
            return f"ended its process by {known.get(-code, f'signal {-code}')}"
        return f"ended its process, exit code {code}"

    def end(self) -> None:
        """Nothing of it is left; once more does nothing."""
        if self._requests < 0:
            return  # its number may be another process's by now
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._requests)
        os.close(self._answers)
        self._requests = self._answers = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
