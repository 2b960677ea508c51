"""What a run was made with, each time it began or went on: a line of record.jsonl, beside checkpoints and not in them.

So the checkpoints of two runs of one seed do not differ by their commands, folders and times.
"""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import minigan
from minigan.backends import Ops
from minigan.backends.blas_threads import loaded_blas

PACKAGES = {"numpy": ("numpy",), "numba": ("numpy", "numba"), "cupy": ("numpy",)}
SECONDS_FOR_GIT = 2.0


def made_with(command: str, ops: Ops, iteration: int) -> dict[str, Any]:
    """One object of record.jsonl.

    command    as it can be given again
    iteration  at which the run begins or goes on
    """
    return {
        "time": now(),
        "iteration": iteration,
        "command": command,
        "versions": versions(ops.name),
        "backend": ops.name,
        "place": ops.description,
        "blas": [f"{b['internal_api']} {b['version']} ({b.get('architecture', '?')})" for b in loaded_blas().info()],
        "machine": {"system": platform.platform(), "kind": platform.machine(), "processor": processor()},
        "git": {"here": git_state(Path()), "minigan": git_state(Path(minigan.__file__).parent)},
    }


def now() -> str:
    """This moment in UTC, to the second: "2026-11-27T02:00:00+00:00"."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions(backend: str) -> dict[str, str]:
    """Of Python, minigan and the packages that compute."""
    found = {"python": platform.python_version(), "minigan": minigan.__version__}
    return found | {package: version(package) for package in PACKAGES.get(backend, ("numpy",))}


def processor() -> str:
    """The processor's name, as its maker has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit that a folder stands at, and whether tracked files have changed since; None where there is no git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "changed": _git(folder, "status", "--porcelain", "--untracked-files=no") != ""}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        made = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS_FOR_GIT,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return made.stdout.strip()
