"""The Toronto Face Database's file: not public, so these tests write small ones of the same form."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from minigan.data.tfd import CONVERSION, find_tfd, load_tfd

FOLD = np.array([0, 1, 2, 3, 0, 0, 2, 1, 3, 3, 0, 1])


def faces(n=len(FOLD), side=48, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side), dtype=np.uint8)


def folds_of(first=FOLD) -> np.ndarray:
    """(N, 5): the first official fold, and others that shall not matter."""
    return np.stack([first, *(np.roll(first, i) for i in range(1, 5))], axis=1).astype(np.uint8)


def variables(**changes) -> dict:
    labels = np.ones((len(FOLD), 1))
    made = {"images": faces(), "folds": folds_of(), "labs_ex": labels, "labs_id": labels} | changes
    return {name: value for name, value in made.items() if value is not None}


def write(path: Path, save=np.savez, **changes) -> Path:
    save(path, **variables(**changes))
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("side", [48, 96, 5])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.int32])
def test_the_unlabelled_train_and_the_first_fold_validates_and_tests(tmp_path, save, side, dtype):
    images = faces(side=side)
    data = load_tfd(write(tmp_path / "own.npz", save, images=images, folds=folds_of().astype(dtype)))
    assert data.name == "tfd" and data.image_shape == (side, side) and data.train.dtype == np.uint8
    np.testing.assert_array_equal(data.train, images[[0, 4, 5, 10]].reshape(4, -1))
    np.testing.assert_array_equal(data.validation, images[[2, 6]].reshape(2, -1))
    np.testing.assert_array_equal(data.test, images[[3, 8, 9]].reshape(3, -1))
    np.testing.assert_array_equal(data.scaled(data.train, np.float64), data.train * (1 / 255))


@pytest.mark.parametrize("compress", [False, True])
def test_the_command_makes_it_of_matlabs_file(tmp_path, compress):
    savemat(tmp_path / "TFD_48x48.mat", variables(), do_compression=compress)
    python, *arguments = shlex.split(CONVERSION)
    subprocess.run([sys.executable, *arguments], check=True, cwd=tmp_path)
    made, expected = load_tfd(tmp_path / "TFD_48x48.npz"), load_tfd(write(tmp_path / "own.npz"))
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(made, part), getattr(expected, part))


def test_a_fold_without_validation_and_test_images(tmp_path):
    data = load_tfd(write(tmp_path / "own.npz", folds=folds_of(FOLD * (FOLD < 2))))
    assert data.validation is None and data.test is None


def test_the_labels_are_not_needed(tmp_path):
    assert len(load_tfd(write(tmp_path / "own.npz", labs_ex=None, labs_id=None)).train) == 4


def test_what_is_found(tmp_path):
    assert find_tfd(tmp_path) is None
    (tmp_path / "tfd").mkdir()
    large = write(tmp_path / "tfd" / "TFD_96x96.npz")
    assert find_tfd(tmp_path) == find_tfd(tmp_path / "tfd") == large
    small = write(tmp_path / "tfd" / "TFD_48x48.npz")
    assert find_tfd(tmp_path) == find_tfd(tmp_path / "tfd") == small


@pytest.mark.parametrize("missing, message", [("images", "'folds'"), ("folds", "'images'")])
def test_a_missing_variable_names_those_that_are_there(tmp_path, refused, missing, message):
    path = write(tmp_path / "own.npz", **{missing: None})
    refused(lambda: load_tfd(path), path, message, "'labs_ex', 'labs_id'", "expected 'images' and 'folds'")


def test_no_array_at_all(tmp_path, refused):
    np.savez(tmp_path / "own.npz")
    refused(lambda: load_tfd(tmp_path / "own.npz"), "own.npz", "keys none")


WRONG = {
    "a matrix of images": ({"images": faces().reshape(len(FOLD), -1)}, "images of shape (12, 2304)"),
    "colour": ({"images": faces()[..., None].repeat(3, axis=3)}, "images of shape (12, 48, 48, 3)"),
    "floats": ({"images": faces() / 255}, "(12, 48, 48), float64"),
    "signed bytes": ({"images": faces().astype(np.int8)}, "int8"),
    "complex": ({"images": faces() * 1j}, "complex128"),
    "logical": ({"images": faces() > 9}, "(12, 48, 48), bool"),
    "text": ({"images": "faces"}, "images.npy", "dtype <U5"),
    "objects": ({"images": np.array([[faces()]], object)}, "images.npy", "dtype object"),
    "no image": ({"images": faces(0), "folds": np.zeros((0, 5), np.uint8)}, "shape (0, 48, 48)"),
    "no pixel": ({"images": faces(side=0)}, "shape (12, 0, 0)"),
    "folds of another length": ({"folds": folds_of()[:-1]}, "folds of shape (11, 5)", "(12, 5)"),
    "four folds": ({"folds": folds_of()[:, :4]}, "folds of shape (12, 4)", "(12, 5)"),
    "folds on their side": ({"folds": folds_of().T}, "folds of shape (5, 12)", "(12, 5)"),
    "folds of text": ({"folds": "train"}, "folds.npy", "dtype <U5"),
    "a fold 4": ({"folds": folds_of(FOLD + (FOLD == 3))}, "first column of folds", "0 to 3"),
    "a fold below 0": ({"folds": folds_of(FOLD).astype(np.int8) - 1}, "first column of folds"),
    "half a fold": ({"folds": folds_of(FOLD) / 2}, "first column of folds"),
    "NaN": ({"folds": np.where(folds_of() == 3, np.nan, folds_of())}, "first column of folds"),
    "nothing unlabelled": ({"folds": folds_of(np.maximum(FOLD, 1))}, "no unlabelled images"),
}


@pytest.mark.parametrize("changes, message", [(w[0], w[1:]) for w in WRONG.values()], ids=WRONG.keys())
def test_other_contents(tmp_path, refused, changes, message):
    path = write(tmp_path / "own.npz", **changes)
    refused(lambda: load_tfd(path), path, *message)


def test_loading_takes_little_more_than_the_images(tmp_path, peak):
    images, fold = faces(2000), np.zeros(2000)
    path = write(tmp_path / "own.npz", images=images, folds=folds_of(fold))
    assert peak(lambda: load_tfd(path)) < 4 * images.nbytes


def test_a_missing_file_and_a_folder(tmp_path, refused):
    refused(lambda: load_tfd(tmp_path / "none.npz"), tmp_path / "none.npz", "No such file")
    refused(lambda: load_tfd(tmp_path), tmp_path, "cannot be read")
