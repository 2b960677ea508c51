"""A finished run to look through."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_run import SMALL


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> Path:
    """Of digits, on the backend that needs no compiler."""
    from minigan.run.trainer import Trainer
    from minigan.train import options

    out = tmp_path_factory.mktemp("runs") / "finished"
    Trainer(options([*SMALL, "--backend", "numpy", "--out", str(out), "--iterations", "40"])).run()
    return out
