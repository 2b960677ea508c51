"""What a run that goes on may find changed: its data's name or place, or no checkpoint any more."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_run import SMALL

from minigan.backends import NAMES, get
from minigan.evaluate import main as evaluate
from minigan.files.run_folder import RunFolder
from minigan.train import main

RANDOM = np.random.default_rng(0)


@pytest.fixture
def moved(tmp_path, said) -> Path:
    """The folder of a run of 20 iterations on a file of one's own, and that file in another place."""
    np.savez(tmp_path / "own.npz", train=RANDOM.random((100, 4)), test=RANDOM.random((20, 4)))
    out = tmp_path / "run"
    assert said(main, *SMALL, "--data", tmp_path / "own.npz", "--out", out, "--iterations", "20")[0] == 0
    (tmp_path / "own.npz").rename(tmp_path / "renamed.npz")
    return out


def iterations(out: Path) -> list[int]:
    return [json.loads(line)["iteration"] for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_the_same_data_under_another_name(moved, said):
    code, _, _ = said(main, "--out", moved, "--resume", "--iterations", "30", "--data", moved.parent / "renamed.npz")
    assert code == 0 and iterations(moved) == [10, 20, 30]


def test_other_data_under_the_old_name(moved, said):
    np.savez(moved.parent / "own.npz", train=RANDOM.random((100, 4)))
    code, _, err = said(main, "--out", moved, "--resume", "--iterations", "30")
    assert code == 2 and "trained on other data" in err and iterations(moved) == [10, 20]


@pytest.mark.parametrize("extra", [[], ["--standardise", "--generator", "relu 24", "linear"], ["--contrast", "2"]])
def test_data_that_have_changed_are_told_where_they_stand_beside_samples(tmp_path, said, extra):
    path, out = tmp_path / "own.npz", tmp_path / "run"
    parts = {"train": (60, 4), "validation": (9, 4), "test": (20, 4)}
    np.savez(path, **{part: RANDOM.random(shape) for part, shape in parts.items()})
    how = [*SMALL, "--generator", "relu 24", "linear", *extra]
    assert said(main, *how, "--data", path, "--out", out, "--iterations", "2")[0] == 0
    code, _, err = said(evaluate, "--run", out, "--draws", 1)
    assert code == 0 and "changed" not in err
    np.savez(path, **{part: RANDOM.random(shape) for part, shape in parts.items()})
    code, _, err = said(evaluate, "--run", out, "--draws", 1)
    assert code == 0 and f"--data {path}: has changed since G was trained on it" in err


def test_data_that_are_gone(moved, said):
    for how in ((main, "--out", moved, "--resume", "--iterations", "30"), (evaluate, "--run", moved)):
        code, _, err = said(*how)
        assert code == 2 and err.count("\n") == 1
        assert f"--data {moved.parent / 'own.npz'}: not found" in err and "--data says where it is now" in err
    code, _, err = said(evaluate, "--run", moved, "--data", "nowhere.npz")
    assert code == 2 and "--data nowhere.npz: not found" in err and "trained on" not in err


def test_a_run_without_checkpoints_says_that_it_begins_anew(moved, said):
    shutil.rmtree(moved / "checkpoints")
    code, _, err = said(main, "--out", moved, "--resume", "--iterations", "10", "--data", moved.parent / "renamed.npz")
    assert code == 0 and f"{moved / 'checkpoints'}: no checkpoint there, so the run begins anew\n" in err


def test_a_preset_of_ones_own_begins_from_the_one_that_it_names(tmp_path, said):
    (tmp_path / "mine.toml").write_text('preset = "mnist"\nlr = 0.05\n')
    _, named, _ = said(main, "--preset", tmp_path / "mine.toml", "--print-config")
    _, mnist, _ = said(main, "--preset", "mnist", "--lr", ".05", "--print-config")
    changed = {*named.splitlines()} ^ {*mnist.splitlines()}
    assert changed == {'preset = "mnist"', f'preset = "{tmp_path}/mine.toml"'}

    (tmp_path / "bare.toml").write_text("lr = 0.05\n")
    _, bare, _ = said(main, "--preset", tmp_path / "bare.toml", "--print-config")
    _, digits, _ = said(main, "--lr", ".05", "--print-config")
    assert {*bare.splitlines()} ^ {*digits.splitlines()} == {'preset = "digits"', f'preset = "{tmp_path}/bare.toml"'}


def test_the_number_of_examples_is_said(tmp_path, said):
    _, _, err = said(main, *SMALL, "--out", tmp_path / "a", "--iterations", "1")
    assert "digits, 1500 examples: 1 iteration of 50 on " in err


@pytest.mark.parametrize("backend", NAMES)
def test_the_first_line_and_the_record_say_what_multiplies(backend, tmp_path, said):
    options = ("--out", tmp_path / "a", "--backend", backend, "--threads", "1")
    _, _, first = said(main, *SMALL, *options, "--iterations", "1")
    description = get(backend, threads=1).description
    assert f" on {description}; files in " in first.splitlines()[0]
    assert RunFolder(tmp_path / "a").remembered()[0]["place"] == description
    _, _, then = said(main, *options, "--resume", "--iterations", "2")
    assert f" on {description}; files in " in then.splitlines()[0]


def test_a_folder_that_cannot_be_written_to(digits_run, said, monkeypatch, tmp_path):
    """Said before the work, not after it; as root every folder can be written to."""
    monkeypatch.setattr("os.access", lambda path, mode: False)
    code, _, err = said(evaluate, "--run", digits_run, "--json", tmp_path / "a.json")
    assert code == 2 and f"--json {tmp_path / 'a.json'}: expected a folder that can be written to" in err
