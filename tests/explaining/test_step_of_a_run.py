"""An iteration of a run, opened: played again from a checkpoint, and what cannot be."""

import shutil
import warnings

import numpy as np
import pytest
from opened_games import left_by
from small_run import SMALL

from minigan import ConfigError
from minigan.comparing.apart import apart
from minigan.errors import CheckpointError, OtherNumerics, PassedOver
from minigan.explaining.step import Step
from minigan.files import checkpoint
from minigan.run.trainer import Trainer
from minigan.train import options


def test_an_iteration_of_a_run_comes_to_its_checkpoint(digits_run):
    said = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step = Step.of_run(digits_run, 40, said.append)
    expected, _ = checkpoint.read(digits_run / "checkpoints" / "iteration-00000040.safetensors")
    assert not apart(expected, left_by(step)) and expected.keys() == left_by(step).keys()
    assert len(said) == 1 and said[0].startswith("played again from iteration 20 to 39, on ")
    begins, _ = checkpoint.read(digits_run / "checkpoints" / "iteration-00000020.safetensors")
    first = Step.of_run(digits_run, 21)
    np.testing.assert_array_equal(first.tensors["0.generator.0/W"].array, begins["generator.0.W"])
    assert Step.of_run(digits_run, 1).iteration == 1


def test_an_iteration_after_a_phase_is_played_by_the_phase(tmp_path):
    run = tmp_path / "run"
    own = [*SMALL, "--backend", "numpy", "--out", str(run)]
    Trainer(options([*own, "--iterations", "20"])).run()
    Trainer(options(["--out", str(run), "--resume", "--iterations", "25", "--k", "2", "--lr", ".05"])).run()
    for iteration in (21, 25):
        step = Step.of_run(run, iteration)
        assert [move.kind for move in step.moves] == ["d", "d", "g"]
    expected, _ = checkpoint.read(run / "checkpoints" / "iteration-00000025.safetensors")
    assert not apart(expected, left_by(step))


def test_an_iteration_that_comes_out_otherwise_than_its_checkpoint_is_said_to(digits_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(digits_run, run)
    file = run / "checkpoints" / "iteration-00000040.safetensors"
    held, header = checkpoint.read(file)
    held["generator.2.W"][3, 5] += 0.5
    checkpoint.write(file, held, {key: value for key, value in header.items() if key not in ("format", "digest")})
    with pytest.warns(
        OtherNumerics, match=r"iteration 40 comes out otherwise here than .*generator\.2\.W\[3, 5\], by 5"
    ):
        Step.of_run(run, 40)


def test_a_damaged_checkpoint_is_passed_over(digits_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(digits_run, run)
    expected = left_by(Step.of_run(run, 30))
    Trainer(options(["--out", str(run), "--resume", "--iterations", "60"])).run()
    (run / "checkpoints" / "iteration-00000020.safetensors").write_bytes(b"cut")
    with pytest.warns(PassedOver, match="played again from before"):
        assert not apart(expected, left_by(Step.of_run(run, 30)))


def test_a_run_that_cannot_be_opened(digits_run, tmp_path):
    for iteration in (0, 41):
        with pytest.raises(ConfigError, match=f"--iteration {iteration}: expected 1 to 40".replace("--", "")):
            Step.of_run(digits_run, iteration)
    with pytest.raises(ConfigError, match="no run there"):
        Step.of_run(tmp_path, 1)
    (tmp_path / "run").mkdir()
    shutil.copy(digits_run / "config.toml", tmp_path / "run")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        Step.of_run(tmp_path / "run", 1)
