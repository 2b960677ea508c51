"""Two runs and one folder: the second is refused while the first one lives, and nothing of the first is touched."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_run import SMALL

from minigan.errors import ConfigError
from minigan.files.run_folder import RunFolder
from minigan.run.trainer import Trainer
from minigan.train import main, options


@pytest.fixture
def live(tmp_path):
    """A run that goes on until it is killed: its process and its folder."""
    out = tmp_path / "live"
    command = [sys.executable, "-m", "minigan.train", *SMALL, "--out", str(out), "--iterations", "1000000"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not any((out / "checkpoints").glob("iter*")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    yield process, out
    process.kill()
    process.wait()


@pytest.mark.parametrize("how", [["--resume"], [], ["--resume", "--log-every", "7"]])
def test_a_run_beside_a_live_one_is_refused(live, how, said):
    process, out = live
    config = (out / "config.toml").read_bytes()
    code, _, err = said(main, *([] if "--resume" in how else SMALL), "--out", out, *how)
    assert code == 2 and err.count("\n") == 1
    assert f"--out {out}: a run is writing there just now, expected another folder" in err
    assert process.poll() is None and (out / "config.toml").read_bytes() == config


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_folder_is_free_when_its_run_has_ended(live, number):
    process, out = live
    process.send_signal(number)
    process.wait()
    before = len((out / "metrics.jsonl").read_text().splitlines())
    trainer = Trainer(options(["--out", str(out), "--resume"]))
    assert trainer.gan.iteration > 0 and before > 0
    trainer.folder.release()


def test_of_two_that_begin_together_one_gets_the_folder(tmp_path):
    config = options([*SMALL, "--out", str(tmp_path / "a")])
    first = RunFolder.create(config)
    with pytest.raises(ConfigError, match="a run is writing there just now"):
        RunFolder.create(config)
    first.release()
    RunFolder.create(config).release()


def test_a_run_that_cannot_begin_leaves_the_folder_free(tmp_path):
    out = str(tmp_path / "a")
    Trainer(options([*SMALL, "--out", out, "--iterations", "4"])).run()
    with pytest.raises(ConfigError, match="^seed 2") as kept:
        Trainer(options(["--out", out, "--resume", "--seed", "2"]))
    Trainer(options(["--out", out, "--resume", "--iterations", "6"])).run()
    assert kept.value is not None
