"""mpiexec, where there is one, and what it made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
WHY_NOT = "no mpi4py" if find_spec("mpi4py") is None else "no mpiexec on this machine" if MPIEXEC is None else ""

needs_mpi = [pytest.mark.mpi, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]

RUN = [
    *("--generator", "relu 24", "sigmoid bias=marginals", "--discriminator", "maxout 12x3 keep=.8", "linear keep=.5"),
    *("--latent", "8", "--batch-size", "48", "--backend", "numpy", "--iterations", "60"),
    *("--checkpoint-every", "7", "--log-every", "5", "--sample-every", "20"),
]
"""options of a run that takes a second"""


class Made(NamedTuple):
    code: int
    out: str
    err: str
    ended: float

    def ours(self) -> list[str]:
        """The lines of standard error but for those that say how far it is."""
        return [line for line in self.err.splitlines() if not line.startswith(("iteration ", "digits, "))]


def mpiexec(ranks: int, *command: object, environment: dict[str, str] = {}, cwd: Path | None = None) -> Made:
    """`mpiexec -n RANKS python COMMAND`, which has to end within two minutes."""
    paths = [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))} | environment
    full = [MPIEXEC, "-n", str(ranks), sys.executable, *map(str, command)]
    made = subprocess.run(full, capture_output=True, text=True, timeout=120, env=environment, cwd=cwd, check=False)
    return Made(made.returncode, made.stdout, made.stderr, time.time())


def train(ranks: int, *options: object, **how: object) -> Made:
    """`minigan.train` on so many ranks."""
    return mpiexec(ranks, "-m", "minigan.train", *options, **how)
