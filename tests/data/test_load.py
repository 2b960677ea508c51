"""Finding a data set by its name or at a path."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minigan import data
from minigan.data import DataError, load

IDX = struct.pack(">IIII", 0x803, 12, 2, 2) + bytes(range(48))


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse():
        raise DataError("would download, expected not to")

    monkeypatch.setattr(data, "download_mnist", refuse)
    monkeypatch.delenv("MINIGAN_DATA", raising=False)


def mnist_in(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(IDX))
    return folder


@pytest.mark.parametrize("name", ["digits", "gaussian", "ring", "grid"])
def test_what_is_embedded(name):
    assert load(name).name == name


def test_an_unknown_name(refused):
    refused(lambda: load("faces"), "--data faces: not found", "digits, mnist, gaussian, ring, grid")


@pytest.mark.parametrize("subfolder", ["", "mnist"])
def test_mnist_in_minigan_data(tmp_path, monkeypatch, subfolder):
    mnist_in(tmp_path / subfolder)
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path))
    assert load("mnist").train.shape == (10, 4)


def test_mnist_is_downloaded_where_minigan_data_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "download_mnist", lambda: mnist_in(tmp_path / "cache"))
    assert load("mnist").name == "mnist"
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path / "other"))
    assert load("mnist").name == "mnist"


def test_a_minigan_data_that_is_no_folder(tmp_path, monkeypatch, refused):
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path / "none"))
    refused(lambda: load("mnist"), f"MINIGAN_DATA={tmp_path / 'none'}")


@pytest.mark.parametrize("subfolder", ["", "mnist"])
def test_a_path_to_idx_files(tmp_path, subfolder):
    mnist_in(tmp_path / subfolder)
    assert load(str(tmp_path)).name == "mnist"


def test_a_path_to_test_images_alone_says_what_is_missing(tmp_path, refused):
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(IDX)
    refused(lambda: load(str(tmp_path)), tmp_path, "no training images")


def test_a_path_to_pictures(tmp_path):
    Image.fromarray(np.zeros((4, 3), np.uint8)).save(tmp_path / "a.png")
    assert load(str(tmp_path)).image_shape == (4, 3)


@pytest.mark.parametrize("name, save", [("a.npy", np.save), ("a.npz", np.savez), ("A.NPY", np.save)])
def test_a_path_to_an_array(tmp_path, name, save):
    with open(tmp_path / name, "wb") as file:
        save(file, np.ones((3, 4)))
    assert load(str(tmp_path / name)).name == name


def test_a_path_from_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.save(tmp_path / "a.npy", np.ones((3, 4)))
    assert load("~/a.npy").name == "a.npy"


def test_a_path_to_nothing(tmp_path, refused):
    for path in (tmp_path / "none.npy", tmp_path / "none", ""):
        refused(lambda: load(path), "not found" if path else "unknown kind", "pictures", ".npy")


@pytest.mark.parametrize("name", ["a.csv", "a.npy.txt", "train-images-idx3-ubyte"])
def test_a_path_to_another_kind_of_file(tmp_path, refused, name):
    (tmp_path / name).write_bytes(IDX)
    refused(lambda: load(str(tmp_path / name)), name, "MNIST files", "pictures", ".npy or .npz")


def test_a_path_to_an_empty_folder(tmp_path, refused):
    refused(lambda: load(str(tmp_path)), tmp_path, "MNIST files", "pictures", ".npy or .npz")
