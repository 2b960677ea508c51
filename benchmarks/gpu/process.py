"""A program in a process group of its own, with a limit: what it printed until it ended or was ended, and why."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
DIES_WITH_ITS_PARENT = 1
"""PR_SET_PDEATHSIG"""
WORDS = 12
"""lines of what a program said last that are kept where it failed"""


def python(arguments: list[str], limit: float, **environment: str) -> tuple[str, str | None]:
    """What a fresh interpreter prints, and in words why it failed, or None."""
    return run([sys.executable, *arguments], limit, **environment)


def run(command: list[str], limit: float, **environment: str) -> tuple[str, str | None]:
    """What a program prints, and in words why it failed, or None.  Nothing that it began goes on afterwards."""
    outer = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} | os.environ | environment
    # Files and no pipes: a process that it leaves behind would hold a pipe open.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        made = subprocess.Popen(
            command, cwd=ROOT, env=outer, stdout=out, stderr=err, process_group=0, preexec_fn=end_with_the_parent
        )
        try:
            code = made.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(made.pid, signal.SIGKILL)
            made.wait()
        printed, said = (text(file) for file in (out, err))
    if code == 0:
        return printed, None
    if code is None:
        return printed, f"not done in {limit:.0f} s"
    ended = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
    lines = (said.strip() or printed.strip()).splitlines()[-WORDS:]
    return printed, "\n".join([*lines, ended] if code < 0 or not lines else lines)


def end_with_the_parent() -> None:
    """Ask Linux to kill this process when its parent is killed: a program left behind would spoil what comes next."""
    ctypes.CDLL(None).prctl(DIES_WITH_ITS_PARENT, signal.SIGKILL)


def text(file) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
