"""What tests of the commands share."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_run import SMALL


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory) -> Path:
    """The folder of a short run on the embedded digits."""
    from minigan.run.trainer import Trainer
    from minigan.train import options

    out = tmp_path_factory.mktemp("runs") / "digits"
    Trainer(options([*SMALL, "--out", str(out), "--iterations", "40"])).run()
    return out


@pytest.fixture
def said(capsys):
    """Call a command's main with arguments: (exit code, standard output, standard error)."""

    def call(main, *args) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(a) for a in args])
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return call
