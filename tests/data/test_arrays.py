"""The user's own arrays: which shapes and numbers are taken, and what becomes of them."""

from __future__ import annotations

import numpy as np
import pytest
from npy_files import header, npy, save, write

from minigan import GAN, Linear, Recipe, Sequential
from minigan.data import arrays
from minigan.data.arrays import load_array
from minigan.data.chunks import CHUNK
from minigan.errors import DataWarning

MIB = 1 << 20
RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    "shape, image_shape",
    [
        ((5, 12), None),
        ((5, 3, 4), (3, 4)),
        ((5, 3, 4, 1), (3, 4)),
        ((5, 1, 3, 4), (3, 4)),
        ((5, 2, 2, 3), (2, 2, 3)),
        ((5, 1, 12), (1, 12)),
        ((1, 1), None),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_shapes(tmp_path, shape, image_shape, dtype):
    array = RANDOM.integers(0, 256, shape).astype(dtype)
    data = load_array(save(tmp_path / "own.npy", array))
    assert data.name == "own.npy" and data.image_shape == image_shape
    assert data.validation is None and data.test is None
    assert data.train.dtype == dtype
    np.testing.assert_array_equal(data.train, array.reshape(shape[0], -1))


def test_channels_first_become_channels_last(tmp_path):
    pictures = RANDOM.integers(0, 256, (5, 3, 4, 2), dtype=np.uint8)
    data = load_array(save(tmp_path / "own.npy", pictures))
    assert data.image_shape == (4, 2, 3)
    np.testing.assert_array_equal(data.train.reshape(5, 4, 2, 3)[..., 1], pictures[:, 1])


@pytest.mark.parametrize("dtype", ["i1", "<i2", ">u2", "i4", "u4", ">i8", "u8"])
def test_whole_numbers_are_bytes_if_they_can_be(tmp_path, refused, dtype):
    array = RANDOM.integers(0, 128, (5, 3)).astype(dtype)
    array[0, 0] = 127
    data = load_array(save(tmp_path / "own.npy", array))
    assert data.train.dtype == np.uint8
    np.testing.assert_array_equal(data.train, array)
    array[1, 1] = 256 if array.dtype.itemsize > 1 else -1
    path = save(tmp_path / "own.npy", array)
    refused(lambda: load_array(path), path, array[1, 1], "0 to 255", "floats")


@pytest.mark.parametrize("most", [1, 16])
def test_bytes_that_are_nearly_black_are_said_to_be(tmp_path, most):
    array = np.full((5, 3), most)
    with pytest.warns(DataWarning, match=f"own.npy: whole numbers up to {most}, .* divided by {most}"):
        load_array(save(tmp_path / "own.npy", array))


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_a_large_array_is_mapped_and_not_read(tmp_path, monkeypatch, peak, refused, dtype):
    array = RANDOM.integers(0, 256, (1 << 13, 1024), dtype=np.uint8).astype(dtype)
    path = save(tmp_path / "own.npy", array)
    assert peak(lambda: load_array(path)) >= array.nbytes
    monkeypatch.setattr(arrays, "LARGE", array.nbytes)
    found = []
    assert peak(lambda: found.append(load_array(path))) < 4 * CHUNK < array.nbytes
    np.testing.assert_array_equal(found[0].train, array)
    for backend in ("numpy", "numba"):
        gan = GAN(Sequential(Linear(4, 1024)), Sequential(Linear(1024, 1)), Recipe(latent=4, lr=1e-9), backend, 1)
        assert gan.fit(found[0], iterations=2).iteration == 2
    path.write_bytes(path.read_bytes()[:-1])
    refused(lambda: load_array(path), path, "truncated")


def test_bool_becomes_black_and_white(tmp_path):
    data = load_array(save(tmp_path / "own.npy", np.array([[True, False]])))
    assert data.train.dtype == np.uint8
    np.testing.assert_array_equal(data.train, [[255, 0]])
    data = load_array(write(tmp_path / "odd.npy", npy(header((1, 3), "'|b1'"), bytes([0, 1, 2]))))
    np.testing.assert_array_equal(data.train, [[0, 255, 255]])


def test_half_precision_and_the_other_byte_order(tmp_path):
    data = load_array(save(tmp_path / "half.npy", np.array([[0.5, -2]], np.float16)))
    assert data.train.dtype == np.float32
    np.testing.assert_array_equal(data.train, [[0.5, -2]])
    for code in (">f2", ">f4", ">f8"):
        data = load_array(save(tmp_path / "big.npy", np.array([[0.5, -2]], code)))
        assert data.train.dtype.isnative
        np.testing.assert_array_equal(data.train, [[0.5, -2]])


def test_fortran_order(tmp_path):
    array = np.asfortranarray(RANDOM.standard_normal((5, 3, 4)))
    np.testing.assert_array_equal(load_array(save(tmp_path / "f.npy", array)).train, array.reshape(5, 12))


@pytest.mark.parametrize("save_npz", [np.savez, np.savez_compressed])
def test_npz_with_parts(tmp_path, save_npz):
    train, validation, test = (RANDOM.integers(0, 256, (n, 3, 4), dtype=np.uint8) for n in (5, 3, 2))
    path = tmp_path / "own.npz"
    save_npz(path, train=train, validation=validation, test=test, labels=np.arange(5))
    data = load_array(path)
    for part, expected in (("train", train), ("validation", validation), ("test", test)):
        np.testing.assert_array_equal(getattr(data, part), expected.reshape(len(expected), 12))
    assert data.image_shape == (3, 4)
    save_npz(path, train=train, test=test)
    assert load_array(path).validation is None and load_array(path).test is not None


def test_npz_with_a_single_array(tmp_path):
    np.savez(tmp_path / "own.npz", anything=np.ones((2, 3)))
    assert load_array(tmp_path / "own.npz").train.shape == (2, 3)


def test_the_first_bytes_decide_and_not_the_name(tmp_path):
    np.savez(tmp_path / "own.npz", train=np.ones((2, 3)))
    (tmp_path / "own.npz").rename(tmp_path / "own.npy")
    assert load_array(tmp_path / "own.npy").train.shape == (2, 3)


def test_reading_takes_little_more_than_the_array(tmp_path, peak):
    path = save(tmp_path / "own.npy", np.full((10 * MIB // 100, 100), 200, np.uint8))
    assert peak(lambda: load_array(path)) < 16 * MIB
