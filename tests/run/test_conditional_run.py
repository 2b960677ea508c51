"""`--condition labels` from the command line: trained, gone on with, drawn from, evaluated, exported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from runs import final, train
from small_run import SMALL

from minigan import Sampler
from minigan.evaluate import main as evaluate
from minigan.export import main as export
from minigan.figure import main as figure
from minigan.files import checkpoint
from minigan.sample import main as sample
from minigan.train import main

TOLD = ("--condition", "labels")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "told"
    train(*TOLD, "--out", str(out), "--iterations", "40")
    return out


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("more", [(), ("--updates", "simultaneous"), ("--k", "3", "--average", "5")], ids=" ".join)
def test_a_run_that_goes_on_ends_as_one_in_one_piece(tmp_path, backend, more):
    options = (*TOLD, *more, "--backend", backend, "--threads", "1")
    train(*options, "--out", str(tmp_path / "whole"), "--iterations", "40")
    train(*options, "--out", str(tmp_path / "parts"), "--iterations", "20")
    train("--out", str(tmp_path / "parts"), "--resume", "--iterations", "40")
    assert final(tmp_path / "whole", 40) == final(tmp_path / "parts", 40)


def test_a_run_changed_on_the_way_goes_on_with_its_labels(tmp_path):
    for name, stops in {"one": (40,), "two": (30, 40)}.items():
        out = ("--out", str(tmp_path / name))
        train(*TOLD, *out, "--iterations", "20")
        for stop in stops:
            train(*out, "--resume", "--iterations", str(stop), "--k", "2")
    assert final(tmp_path / "one", 40) == final(tmp_path / "two", 40)


def test_what_its_files_say(run):
    _, header = checkpoint.read(run / "checkpoints" / "iteration-00000040.safetensors")
    assert header["recipe"]["condition"] == "labels"
    assert header["data"]["labels"]["classes"] == list(range(10)) and sum(header["data"]["labels"]["counts"]) == 1500
    assert 'condition = "labels"' in (run / "config.toml").read_text()
    assert Image.open(run / "samples" / "iteration-00000040.png").size == (10 * 34 + 2, 10 * 34 + 2)


def test_a_run_without_a_condition_says_nothing_of_it(digits_run):
    _, header = checkpoint.read(digits_run / "checkpoints" / "iteration-00000040.safetensors")
    assert "condition" not in header["recipe"] and "labels" not in header["data"]
    assert "condition" not in (digits_run / "config.toml").read_text()


@pytest.mark.parametrize("first, then", [(TOLD, ("--condition", "None")), ((), TOLD)])
def test_a_run_keeps_its_condition(tmp_path, said, capsys, first, then):
    train(*first, "--out", str(tmp_path / "run"), "--iterations", "20")
    capsys.readouterr()
    code, _, err = said(main, "--out", tmp_path / "run", "--resume", "--iterations", "40", *then)
    assert code == 2 and len(err.splitlines()) == 1 and "--condition" in err


def test_other_labels_are_other_data(tmp_path, said):
    x, y = np.random.default_rng(0).random((100, 4)), np.arange(100) % 3
    np.savez(tmp_path / "own.npz", train=x, y=y)
    out = tmp_path / "run"
    assert said(main, *SMALL, *TOLD, "--data", tmp_path / "own.npz", "--out", out, "--iterations", "20")[0] == 0
    np.savez(tmp_path / "own.npz", train=x, y=np.roll(y, 1))
    code, _, err = said(main, "--out", out, "--resume", "--iterations", "30")
    assert code == 2 and len(err.splitlines()) == 1 and "trained on other data" in err


def test_samples_of_a_label(run, tmp_path, said):
    assert said(sample, "--run", run, "--label", "7", "--n", "5", "--out", tmp_path / "seven.npz")[0] == 0
    made = np.load(tmp_path / "seven.npz")
    assert made["y"].tolist() == [7] * 5
    np.testing.assert_array_equal(made["x"], Sampler.load(run).sample(5, labels=7))
    assert said(sample, "--run", run, "--n", "50", "--out", tmp_path / "any.npz")[0] == 0
    made = np.load(tmp_path / "any.npz")
    assert made["y"].tolist() == Sampler.load(run).draw_labels(50).tolist()
    np.testing.assert_array_equal(made["x"], Sampler.load(run).sample(50))


def test_a_row_of_each_label(run, tmp_path, said):
    each = ("--run", run, "--label", "each", "--n", "60", "--columns", "6")
    for name, more in {"x": (), "lines": ("--interpolate",)}.items():
        assert said(sample, *each, *more, "--out", tmp_path / f"{name}.npz")[0] == 0
        assert np.load(tmp_path / f"{name}.npz")["y"].reshape(10, 6).tolist() == [[label] * 6 for label in range(10)]
    assert said(sample, "--run", run, "--label", "each", "--out", tmp_path / "x.png")[0] == 0
    assert Image.open(tmp_path / "x.png").size == (10 * 34 + 2, 10 * 34 + 2)


@pytest.mark.parametrize("label, expected", [("10", "expected one of 0, 1"), ("seven", "label seven")])
def test_a_label_that_is_none(run, tmp_path, said, label, expected):
    code, out, err = said(sample, "--run", run, "--label", label, "--out", tmp_path / "x.png")
    assert code == 2 and out == "" and len(err.splitlines()) == 1 and expected in err


def test_a_label_for_a_generator_that_is_told_none(digits_run, tmp_path, said):
    code, _, err = said(sample, "--run", digits_run, "--label", "7", "--out", tmp_path / "x.png")
    assert code == 2 and "--label 7: the generator was trained without --condition labels" in err


def test_it_is_evaluated_drawn_and_exported(run, tmp_path, said):
    code, _, _ = said(evaluate, "--run", run, "--n", "200", "--draws", "1", "--json", tmp_path / "e.json")
    assert code == 0 and json.loads((tmp_path / "e.json").read_text())["data"] == "digits"
    for number in ("2", "3"):
        assert said(figure, number, "--run", run, "--out", tmp_path / f"{number}.png")[0] == 0
    assert said(export, "--run", run, "--out", tmp_path / "g.safetensors")[0] == 0
    assert said(sample, "--run", tmp_path / "g.safetensors", "--label", "3", "--out", tmp_path / "three.npy")[0] == 0


@pytest.mark.parametrize("data", ["ring", "gaussian"])
def test_data_without_labels(data, tmp_path, said):
    code, _, err = said(main, "--preset", data, *TOLD, "--out", tmp_path / "run")
    assert code == 2 and len(err.splitlines()) == 1 and f"there are none with --data {data}" in err
    assert not (tmp_path / "run" / "config.toml").exists()
