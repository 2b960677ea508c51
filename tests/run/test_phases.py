"""A run that goes on with other options: its phases are kept, and repeated bit for bit."""

import shutil

import pytest
from runs import final, lines, train
from small_run import SMALL

from minigan import GAN
from minigan.errors import ConfigError
from minigan.files.run_folder import RunFolder
from minigan.options.phases import Phase
from minigan.run.trainer import Trainer
from minigan.train import main, options

SECOND = ["--k", "3", "--batch-size", "25"]
THIRD = ["--lr", ".05", "--optimizer", "adam", "--lr-d", ".02"]


def go_on(out, *how: str) -> Trainer:
    trainer = Trainer(options(["--out", str(out), "--resume", *how]))
    trainer.run()
    return trainer


@pytest.fixture(scope="module")
def phased(tmp_path_factory):
    """The folder of a run of three phases, 0 to 20, to 40 and to 60."""
    out = tmp_path_factory.mktemp("runs") / "phased"
    train("--out", str(out), "--iterations", "20")
    go_on(out, *SECOND, "--iterations", "40")
    go_on(out, *THIRD, "--iterations", "60")
    return out


def test_phases_are_kept_in_the_config_and_in_checkpoints(phased):
    kept = [(20, {"k": (1, 3), "batch_size": (50, 25)}), (40, {"optimizer": ("momentum", "adam"), "lr": (0.1, 0.05)})]
    of_run = [Phase.read(text) for text in RunFolder(phased).saved_config().phases]
    assert [(phase.iteration, phase.changed | {}) for phase in of_run] == [
        kept[0],
        (40, kept[1][1] | {"lr_d": (None, 0.02)}),
    ]
    gan = GAN.load(phased)
    assert list(gan.phases) == of_run and gan.recipe.k == 3 and gan.recipe.optimizer == "adam"
    assert GAN.load(phased / "checkpoints" / "iteration-00000020.safetensors").phases == ()


@pytest.mark.parametrize("lost", [[60], [60, 40], [60, 40, 20]], ids=str)
def test_lost_checkpoints_are_made_again_bit_for_bit(phased, tmp_path, lost):
    out = tmp_path / "again"
    shutil.copytree(phased, out)
    for iteration in lost:
        RunFolder(out).checkpoint(iteration).unlink()
    go_on(out)
    for iteration in (20, 40, 60):
        assert final(out, iteration) == final(phased, iteration)
    assert [line["iteration"] for line in lines(out)] == [10, 20, 30, 40, 50, 60]


def test_its_config_makes_the_whole_run_again(phased, tmp_path):
    Trainer(options(["--preset", str(phased / "config.toml"), "--out", str(tmp_path / "a")])).run()
    assert final(tmp_path / "a", 60) == final(phased, 60)


def test_the_same_options_again_begin_no_phase(phased, tmp_path):
    out = tmp_path / "a"
    shutil.copytree(phased, out)
    before = RunFolder(out).saved_config().phases
    go_on(out, *SECOND, *THIRD, "--iterations", "65")
    assert RunFolder(out).saved_config().phases == before


def test_another_phase_where_the_last_checkpoint_is_lost_takes_the_place_of_those_to_come(phased, tmp_path):
    out = tmp_path / "a"
    shutil.copytree(phased, out)
    for iteration in (60, 40):
        RunFolder(out).checkpoint(iteration).unlink()
    go_on(out, "--lr", ".07", "--iterations", "30")
    (only,) = map(Phase.read, RunFolder(out).saved_config().phases)
    assert only.iteration == 20 and only.changed["lr"] == (0.1, 0.07) and only.changed["optimizer"][1] == "adam"


def test_a_phase_is_said(tmp_path, said):
    out = tmp_path / "a"
    assert said(main, *SMALL, "--out", out, "--iterations", 10)[0] == 0
    code, _, error = said(main, "--out", out, "--resume", "--k", 2, "--iterations", 20)
    assert code == 0 and "a phase begins at iteration 10: k 1 to 2\n" in error


FIXED = {
    "seed": ["--seed", "3"],
    "precision": ["--precision", "float64"],
    "latent": ["--latent", "9"],
    "generator": ["--generator", "relu 25", "sigmoid"],
    "other data": ["--data", "ring", "--generator", "relu 24", "linear"],
    "contrast": ["--contrast", "5", "--generator", "relu 24", "linear"],
    "k": ["--k", "99"],
}


@pytest.mark.parametrize("how", FIXED.values(), ids=FIXED)
def test_what_a_run_keeps_is_refused_in_one_line(phased, tmp_path, said, how):
    out = tmp_path / "a"
    shutil.copytree(phased, out)
    config = RunFolder(out).config.read_bytes()
    code, _, error = said(main, "--out", out, "--resume", "--iterations", 70, *how)
    assert code == 2 and error.count("\n") == 1
    assert RunFolder(out).config.read_bytes() == config and final(out, 60) == final(phased, 60)
    assert GAN.load(out).iteration == 60


@pytest.mark.parametrize("text", ["", "20", '20 {"k": 3}', '0 {"k": [1, 3]}', '20 {"seed": [1, 3]}', "20 [1]", "x {}"])
def test_a_phase_that_is_none(text):
    with pytest.raises(ConfigError, match="^phases .*: expected such as 1000"):
        Phase.read(text)


def test_auto_begins_and_goes_on(tmp_path, said):
    out, whole = tmp_path / "a", tmp_path / "whole"
    train("--out", str(whole), "--iterations", "40")
    for iterations in (20, 40):
        code, _, error = said(main, *SMALL, "--out", out, "--resume", "auto", "--iterations", iterations)
        assert code == 0 and "20 iterations of 50" in error
    assert final(out, 40) == final(whole, 40)
    for wrong in (["--resume", "auto"], ["--resume=auto"], ["--resume", "maybe", "--out", out]):
        code, _, error = said(main, *wrong)
        assert code == 2 and error.count("\n") == 1 and "--resume " in error
