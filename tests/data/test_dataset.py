"""The data set: what it accepts, how bytes become numbers."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from minigan.data.chunks import CHUNK
from minigan.data.dataset import Dataset


def bytes_of(shape, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_bytes_are_scaled_by_one_255th():
    data = Dataset("d", np.array([[0, 128, 255]], dtype=np.uint8))
    scale, shift = data.affine(data.train)
    assert scale.tolist() == [1 / 255] and shift is None
    for dtype in (np.float32, np.float64):
        scaled = data.scaled(data.train, dtype)
        expected = np.array([[dtype(0), dtype(128) * dtype(1 / 255), dtype(255) * dtype(1 / 255)]])
        assert scaled.dtype == dtype
        np.testing.assert_array_equal(scaled, expected)


def test_floats_are_not_scaled_and_the_data_stay_untouched():
    data = Dataset("d", np.array([[-3.0, 0.25]], dtype=np.float32))
    assert data.affine(data.train) == (None, None)
    scaled = data.scaled(data.train, np.float32)
    np.testing.assert_array_equal(scaled, data.train)
    scaled[...] = 9
    assert data.train[0, 0] == -3
    assert data.scaled(data.train, np.float64).dtype == np.float64


def test_means_are_those_of_the_scaled_training_data():
    train = bytes_of((1000, 7))
    np.testing.assert_allclose(Dataset("d", train).means(), (train / 255).mean(axis=0), rtol=1e-14)
    real = np.random.default_rng(1).standard_normal((1000, 7)).astype(np.float32)
    means = Dataset("d", real).means()
    assert means.dtype == np.float64 and means.shape == (7,)
    np.testing.assert_allclose(means, real.astype(np.float64).mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_means_and_checks_take_little_memory(peak, dtype):
    train = np.ones((20_000, 784), dtype=dtype)
    assert peak(lambda: Dataset("d", train).means()) < 4 * CHUNK


def test_number_of_features_and_image_shape():
    assert Dataset("d", bytes_of((3, 12))).n_features == 12
    assert Dataset("d", bytes_of((3, 12)), image_shape=(3, 4)).image_shape == (3, 4)
    assert Dataset("d", bytes_of((3, 12)), image_shape=(2, 2, 3)).image_shape == (2, 2, 3)


@pytest.mark.parametrize("shape", [(3, 5), (12,), (2, 3, 2), (1, 12, 1), (1, 2, 2, 3), (-3, -4, 1)])
def test_an_image_shape_that_does_not_fit_is_refused(refused, shape):
    refused(lambda: Dataset("own", bytes_of((3, 12)), image_shape=shape), "own", shape)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4), ()])
def test_another_rank_is_refused(refused, shape):
    refused(lambda: Dataset("own", bytes_of(shape)), "own", "training data", shape)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_no_example_or_no_feature_is_refused(refused, shape):
    refused(lambda: Dataset("own", bytes_of(shape)), "own", "at least one")


@pytest.mark.parametrize("dtype", ["int64", "bool", "float16", "complex128", "U3", "O", ">f4"])
def test_another_dtype_is_refused(refused, dtype):
    refused(lambda: Dataset("own", np.zeros((2, 2), dtype=dtype)), "own", "dtype", "uint8, float32, float64")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, CHUNK // 4, CHUNK // 4 + 3])
def test_a_number_that_is_not_finite_is_found_in_any_chunk(refused, bad, row):
    train = np.zeros((CHUNK // 4 + 4, 4), dtype=np.float32)
    train[row, 2] = bad
    refused(lambda: Dataset("own", train), "own", f"row {row},")


@pytest.mark.parametrize("part", ["validation", "test"])
def test_the_other_parts_have_to_fit(refused, part):
    train = np.zeros((5, 3), dtype=np.float32)
    for other, reason in [
        (np.zeros((5, 4), np.float32), "4 features"),
        (np.zeros((5, 3), np.uint8), "dtype uint8"),
        (np.zeros(3, np.float32), "shape"),
        (np.zeros((0, 3), np.float32), "at least one"),
        (np.full((5, 3), np.nan, np.float32), "NaN"),
    ]:
        refused(lambda: Dataset("own", train, **{part: other}), "own", f"{part} data", reason)


def test_importing_the_data_room_loads_nothing_heavy():
    heavy = "sklearn scipy pooch requests tqdm PIL matplotlib numba minigan.layers minigan.game.algorithm1".split()
    code = f"import sys, minigan.data; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
