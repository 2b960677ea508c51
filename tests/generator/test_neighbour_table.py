"""`minigan.evaluate --measure neighbours`: its rows against the measures, the parts it is measured on, and copying."""

import json

import numpy as np
import pytest

from minigan import backends
from minigan.data import load
from minigan.evaluate import main
from minigan.generator.sampler import Sampler
from minigan.metrics import table1
from minigan.metrics.copying import nearer
from minigan.metrics.manifolds import overlap

OPS = backends.get("numpy")
NEIGHBOURS = ("--measure", "neighbours", "--backend", "numpy")


@pytest.fixture
def table(said, tmp_path):
    """Call evaluate with arguments: (its table as JSON has it, what it printed, standard error)."""

    def call(*args):
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        code, text, error = said(main, *args, "--json", out)
        assert code == 0, error
        return json.loads(out.read_text()), text, error

    return call


def test_rows_are_the_measures_of_draws_beside_test_images(digits_run, table):
    how = ("--run", digits_run, *NEIGHBOURS, "--n", 150, "--draws", 2, "--seed", 5, "--k", 3)
    result, text, error = table(*how)
    assert error == "" and (result["k"], result["n"], result["draws"], result["test_images"]) == (3, 150, 2, 297)
    data, sampler = load("digits"), Sampler.load(digits_run)
    test, train = (data.scaled(part, np.float32) for part in (data.test, data.train))
    found = [overlap(OPS, test, sampler.sample(150, seed), 3) for seed in (5, 6)]
    ours, training, centres, noise = result["rows"]
    names = ["150 minigan", "150 training images", "150 k-means centres", "150 marginal noise"]
    assert [row["name"] for row in result["rows"]] == names
    for measure in ("precision", "recall", "density", "coverage"):
        values = [getattr(one, measure) for one in found]
        assert ours[measure] == pytest.approx(np.mean(values)) and f"{ours[measure]:.3f}" in text
        assert ours["spread"][measure] == pytest.approx(np.std(values, ddof=1))
    assert training["precision"] == pytest.approx(
        np.mean([overlap(OPS, test, table1.some_of(train, 150, seed), 3).precision for seed in (5, 6)])
    )
    assert centres["spread"] is None and noise["precision"] < training["precision"]


def test_the_distance_to_training_images_beside_that_of_held_out_ones(digits_run, table):
    result, text, _ = table("--run", digits_run, *NEIGHBOURS, "--n", 100, "--draws", 1)
    data = load("digits")
    train, test, samples = data.train / 255, data.test / 255, Sampler.load(digits_run).sample(100)
    ours, training, *_ = result["rows"]
    away = np.array([np.linalg.norm(train - x, axis=1).min() for x in test])
    near = np.array([np.linalg.norm(train - x, axis=1).min() for x in samples])
    assert result["nearest_held_out"] == pytest.approx(np.median(away), rel=1e-5)
    assert ours["nearest"] == pytest.approx(np.median(near), rel=1e-5)
    assert ours["nearer"] == pytest.approx((near[:, None] < away).mean(), abs=1e-3)
    assert training["nearest"] == 0 and training["nearer"] == 1 and "100%" in text


def test_nearer_counts_pairs_and_half_a_tie():
    assert nearer(np.array([0.0, 1.0]), np.array([1.0, 2.0])) == (2 + 1.5) / 4
    assert nearer(np.array([3.0]), np.array([1.0, 2.0])) == 0


def test_beside_parzen(digits_run, table):
    how = ("--run", digits_run, "--n", 60, "--draws", 1, "--backend", "numpy")
    both, text, _ = table(*how, "--measure", "both")
    parzen, parzens_text, _ = table(*how)
    neighbours, neighbours_text, _ = table(*how, "--measure", "neighbours")
    assert both == parzen | {"neighbours": neighbours}
    assert text == f"{parzens_text.rstrip()}\n\n{neighbours_text}"


@pytest.fixture
def arrays(tmp_path, digits_run):
    """The digits in files: with training examples alone, and with a part named in it."""
    data = load("digits")
    images = data.train.reshape(-1, 8, 8)
    np.savez(tmp_path / "alone.npz", train=images)
    np.savez(tmp_path / "parts.npz", train=images[:900], held=images[900:1300], wide=images.reshape(-1, 4, 16))
    return tmp_path


def test_a_share_of_the_training_images_is_left_out_of_them(digits_run, arrays, table):
    how = ("--run", digits_run, *NEIGHBOURS, "--n", 100, "--draws", 1)
    result, _, error = table(*how, "--data", arrays / "alone.npz", "--test-fraction", ".2")
    assert result["test_images"] == 300 and "G was trained on all of them" in error and error.count("\n") == 1
    assert result["nearest_held_out"] > 0.5  # none of them is among the training images


def test_a_part_named_in_the_file(digits_run, arrays, table):
    how = ("--run", digits_run, *NEIGHBOURS, "--n", 100, "--draws", 1, "--data", arrays / "parts.npz")
    result, _, error = table(*how, "--part", "held")
    data = load("digits")
    samples, test = Sampler.load(digits_run).sample(100), data.scaled(data.train[900:1300], np.float32)
    assert error == "" and result["rows"][0]["coverage"] == overlap(OPS, test, samples).coverage


def test_the_training_images_with_a_word(digits_run, table):
    result, text, error = table("--run", digits_run, *NEIGHBOURS, "--n", 100, "--draws", 1, "--part", "train")
    assert result["test_images"] == 1500 and "copies of them count as good" in error and error.count("\n") == 1
    assert result["nearest_held_out"] is None and all(row["nearer"] is None for row in result["rows"])
    assert result["rows"][1]["precision"] == 1


def test_parzen_of_data_without_test_images(digits_run, arrays, table):
    how = ("--run", digits_run, "--n", 50, "--draws", 1, "--backend", "numpy", "--data", arrays / "alone.npz")
    result, _, _ = table(*how, "--test-fraction", ".1")
    assert result["sigma_images"] == 50 and result["test_images"] == 100


@pytest.fixture
def features(tmp_path):
    rng = np.random.default_rng(4)
    made = {"samples": rng.normal(size=(90, 6)), "test": rng.normal(size=(80, 6)), "train": rng.normal(size=(200, 6))}
    return lambda **changes: np.savez(tmp_path / "f.npz", **made | changes) or (tmp_path / "f.npz", made | changes)


def test_features_of_ones_own(features, table):
    path, made = features()
    result, text, _ = table("--features", path, "--n", 40, "--backend", "numpy", "--k", 4)
    found = [overlap(OPS, made["test"], made["samples"][part], 4) for part in (slice(0, 40), slice(40, 80))]
    ours, *beside = result["rows"]
    assert result["draws"] == 2 and ours["name"] == "40 samples" and "f.npz" in text
    assert ours["density"] == pytest.approx(np.mean([one.density for one in found]))
    assert [row["name"] for row in beside] == ["40 training images", "40 k-means centres", "40 marginal noise"]


def test_features_without_those_of_training_images(features, table, tmp_path):
    _, made = features()
    del made["train"]
    np.savez(tmp_path / "g.npz", **made)
    result, *_ = table("--features", tmp_path / "g.npz", "--backend", "numpy")
    assert [row["name"] for row in result["rows"]] == ["90 samples", "90 marginal noise"]
    assert all(row["nearest"] is None for row in result["rows"])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"samples": np.zeros((90, 5))}, "samples has 5 features, expected 6 as of 'test'"),
        ({"train": np.zeros((90, 7))}, "train has 7 features, expected 6"),
        ({"samples": np.zeros(90)}, "samples of shape (90,), expected (n, features)"),
        ({"test": np.full((80, 6), np.nan)}, "test: NaN or infinity in row 0"),
        ({"samples": np.zeros((5, 6))}, "--k 5: expected 1 to 4"),
    ],
)
def test_wrong_features_are_one_line(features, said, changes, message):
    path, _ = features(**changes)
    code, text, error = said(main, "--features", path, "--backend", "numpy")
    assert code == 2 and message in error and error.count("\n") == 1 and text == ""


def test_features_of_another_kind_of_file_are_one_line(said, tmp_path):
    np.savez(tmp_path / "no.npz", samples=np.zeros((9, 2)), other=np.zeros((9, 2)))
    (tmp_path / "text.npz").write_text("no features")
    for name, message in (("no.npz", "keys 'other', 'samples'"), ("text.npz", "text.npz"), ("gone.npz", "gone.npz")):
        code, _, error = said(main, "--features", tmp_path / name)
        assert code == 2 and message in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "wrong, message",
    [
        (["--k", "5"], "--k 5: expected with --measure"),
        (["--measure", "neighbours", "--k", "0"], "--k 0: expected 1 to"),
        (["--measure", "neighbours", "--n", "5"], "--k 5: expected 1 to 4, as there are 5 points"),
        (["--test-fraction", "1"], "--test-fraction 1.0: expected a number above 0 and below 1"),
        (["--test-fraction", ".0001"], "0 of 1500 examples, expected from 3"),
        (["--test-fraction", ".1", "--part", "test"], "expected one of the two"),
        (["--part", "validation"], "--part validation: --data digits has no validation examples"),
        (["--part", "held"], "--part held: expected train, validation, test, or a name"),
        (["--data", "parts.npz", "--part", "hold"], "no array 'hold'"),
        (["--data", "parts.npz", "--part", "wide"], "(4, 16), expected (8, 8)"),
        (["--features", "f.npz"], "expected without --features"),
        (["--data", "alone.npz"], "--test-fraction .2, --part NAME"),
    ],
)
def test_wrong_options_are_one_line(digits_run, said, arrays, monkeypatch, wrong, message):
    monkeypatch.chdir(arrays)
    code, text, error = said(main, "--run", digits_run, "--backend", "numpy", *wrong)
    assert code == 2 and message in error and error.count("\n") == 1 and text == ""
