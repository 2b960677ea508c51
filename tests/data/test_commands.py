"""The commands on people's own data: from the files to samples and tables."""

from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minigan.data.idx
from minigan import evaluate, export, figure, sample, train
from minigan.files import checkpoint

SMALL = ["--generator", "relu 12", "sigmoid", "--discriminator", "relu 12", "linear", "--latent", "4"]
SMALL += ["--batch-size", "10", "--backend", "numpy", "--iterations", "20"]
LINEAR = [*SMALL[:2], "linear", *SMALL[3:]]
RANDOM = np.random.default_rng(0)
SCALES = np.array([0.1, 1, 30, 1000])
TABLE = RANDOM.standard_normal((60, 4)) * SCALES + 5 * SCALES


@pytest.fixture
def table(tmp_path) -> Path:
    """Three parts of a table whose scales are far apart."""
    np.savez(tmp_path / "own.npz", train=TABLE, validation=TABLE[:20] + 1, test=TABLE[:20] - 1)
    return tmp_path / "own.npz"


def idx(pixels: np.ndarray) -> bytes:
    return struct.pack(">IIII", 0x803, *pixels.shape) + pixels.tobytes()


def test_class_folders_resized_over_a_background_without_what_is_corrupt(tmp_path, said):
    for number in range(24):
        path = tmp_path / "faces" / "train" / str(number % 2) / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RANDOM.integers(0, 256, (9 + number, 12, 2), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:40])
    (path.parent / "a.heic").write_bytes(b"x")
    own = [*SMALL, "--data", tmp_path / "faces", "--size", "6x8", "--background", "black"]
    code, _, error = said(train.main, *own, "--out", tmp_path / "one")
    assert code == 2 and "23.png: cannot be read" in error and not (tmp_path / "one").exists()
    code, _, error = said(train.main, *own, "--skip-unreadable", "--out", tmp_path / "run")
    assert code == 0, error
    assert "minigan.train: 1 of 24 pictures cannot be read" in error and "passed over: 1 .heic" in error
    assert "faces, 23 examples" in error
    _, header = checkpoint.read(tmp_path / "run" / "checkpoints" / "iteration-00000020.safetensors")
    assert header["data"]["image_shape"] == [6, 8]
    code, _, error = said(train.main, "--out", tmp_path / "run", "--resume", "--iterations", "25")
    assert code == 0, error
    code, _, error = said(figure.main, 2, "--run", tmp_path / "run", "--out", tmp_path / "two.png")
    assert code == 0, error


@pytest.mark.parametrize("option", [["--size", "8"], ["--background", "whte"]])
def test_an_option_of_pictures_that_is_none(tmp_path, said, option):
    code, _, error = said(train.main, *SMALL, *option, "--data", tmp_path, "--out", tmp_path / "run")
    assert code == 2 and error.startswith(f"minigan.train: {' '.join(option)}: expected") and error.count("\n") == 1


def test_a_standardised_table_from_training_to_samples(tmp_path, table, said):
    run, out = tmp_path / "run", tmp_path / "x.npy"
    own = [*LINEAR, "--data", table, "--validate-every", 10]
    code, _, error = said(train.main, *own, "--standardise", "--out", run)
    assert code == 0 and "orders of magnitude" not in error, error
    code, _, error = said(sample.main, "--run", run, "--n", 300, "--out", out)
    assert code == 0, error
    samples = np.load(out)
    assert np.all(np.abs(samples.mean(axis=0) - TABLE.mean(axis=0)) < TABLE.std(axis=0))
    code, _, error = said(export.main, "--run", run, "--out", tmp_path / "g.safetensors")
    assert code == 0, error
    said(sample.main, "--run", tmp_path / "g.safetensors", "--n", 300, "--out", tmp_path / "y.npy")
    assert np.all(np.abs(np.load(tmp_path / "y.npy") - samples) < 0.05 * SCALES)
    _, header = checkpoint.read(tmp_path / "g.safetensors")
    assert "--standardise" in header["made_by"]["command"].split()
    code, text, error = said(evaluate.main, "--run", run, "--n", 50, "--backend", "numpy")
    assert code == 0 and "20 test images" in text, error
    code, _, error = said(train.main, "--out", run, "--resume", "--no-standardise")
    assert code == 2 and "--standardise False: the run in" in error
    code, _, error = said(train.main, "--out", run, "--resume", "--iterations", "30")
    assert code == 0, error


def test_features_that_are_far_apart_are_named_and_not_lr(tmp_path, table, said):
    code, _, error = said(train.main, *SMALL, "--data", table, "--out", tmp_path / "a")
    assert code == 2 and "differ by orders of magnitude" in error and "--standardise" in error
    code, _, error = said(train.main, *LINEAR, "--data", table, "--lr", "1e30", "--out", tmp_path / "b")
    first, last = error.splitlines()[0], error.splitlines()[-1]
    assert code == 1 and "differ by orders of magnitude" in first and "--standardise" in first
    assert "not finite" in last and "differ by orders of magnitude" in last and "--lr" not in last


def test_the_papers_rows_are_for_mnist_alone(tmp_path, said, monkeypatch):
    images = RANDOM.integers(0, 256, (60, 4, 4), dtype=np.uint8)
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name in ("train", "t10k"):
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
    said(train.main, *SMALL, "--data", folder, "--out", tmp_path / "run")
    table = [evaluate.main, "--run", tmp_path / "run", "--n", 20, "--backend", "numpy"]
    code, text, error = said(*table)
    assert code == 0 and "own mnist" in text and "paper" not in text, error
    digest = hashlib.sha256(idx(images)).hexdigest()
    monkeypatch.setattr(minigan.data.idx, "MNIST", {"train": digest, "t10k": digest})
    code, text, _ = said(*table)
    assert code == 0 and "(mnist)" in text and "paper: Deep GSN" in text


def test_a_folder_of_pictures_called_mnist_has_no_rows_of_the_paper(tmp_path, said):
    for part in ("train", "test"):
        (tmp_path / "mnist" / part).mkdir(parents=True)
        for number in range(20):
            picture = Image.fromarray(RANDOM.integers(0, 256, (4, 4), dtype=np.uint8))
            picture.save(tmp_path / "mnist" / part / f"{number:02}.png")
    said(train.main, *SMALL, "--data", tmp_path / "mnist", "--out", tmp_path / "run")
    code, text, error = said(evaluate.main, "--run", tmp_path / "run", "--n", 20, "--backend", "numpy")
    assert code == 0 and "20 test images" not in text and "own mnist" in text and "paper" not in text, error


def test_digits_beside_a_folder_of_that_name(tmp_path, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    code, _, error = said(train.main, *SMALL, "--out", "run")
    assert code == 0 and "--data digits: the data set of that name is taken; what lies here is --data ./digits" in error


def test_rows_of_pictures_one_pixel_high_make_a_sane_picture(tmp_path, said):
    np.save(tmp_path / "own.npy", RANDOM.integers(0, 256, (30, 1, 784), dtype=np.uint8))
    code, _, error = said(train.main, *SMALL, "--data", tmp_path / "own.npy", "--out", tmp_path / "run")
    assert code == 0, error
    with Image.open(tmp_path / "run" / "samples" / "iteration-00000020.png") as picture:
        assert max(picture.size) < 8000
