"""Global contrast normalisation: the formula, pylearn2's exception, and the same bits wherever it is computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minigan import backends, rng
from minigan.backends.clock import Count
from minigan.data import Dataset, describe
from minigan.data.batches import ExampleBatches
from minigan.data.chunks import CHUNK
from minigan.data.contrast import normalisation
from minigan.game.schedules import ExponentialDecay
from minigan.rng import Draw, Stream

RANDOM = np.random.default_rng(0)
PIXELS = 3072
DIM = np.full(PIXELS, 200) + RANDOM.integers(0, 2, PIXELS)
IMAGES = np.concatenate([RANDOM.integers(0, 256, (30, PIXELS)), [DIM]]).astype(np.uint8)


def formula(x: np.ndarray, length: float) -> np.ndarray:
    """One image at a time, in Python's own integers and floats as far as they go."""
    rows = []
    for row in x.tolist():
        mean = sum(row) / len(row)
        centred = [value - mean for value in row]
        divisor = sum(value**2 for value in centred) ** 0.5 / length
        rows.append([value / (1 if divisor < 1e-8 else divisor) for value in centred])
    return np.array(rows)


def dataset(train=IMAGES, contrast=55.0) -> Dataset:
    return Dataset("pictures", train, contrast=contrast)


@pytest.mark.parametrize("length", [1.0, 55.0])
def test_the_formula(length):
    np.testing.assert_allclose(dataset(contrast=length).scaled(IMAGES, np.float64), formula(IMAGES, length), atol=1e-11)


def test_each_image_has_mean_zero_and_the_length():
    x = dataset().scaled(IMAGES, np.float64)
    np.testing.assert_allclose(x.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 55, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("length", [1.0, 55.0])
@pytest.mark.parametrize("grey", [0, 1, 77, 255])
def test_a_flat_image_becomes_zero(dtype, length, grey):
    flat = dataset(np.full((2, PIXELS), grey, dtype), length)
    assert not flat.scaled(flat.train, np.float32).any()


def test_a_divisor_just_below_and_just_above_the_limit():
    x = np.array([[-1.0, 1.0], [-1.0, 1.0]]) * np.array([[0.99e-8], [1.01e-8]]) / 2**0.5
    scale, shift = normalisation(x, 1.0)
    assert scale[0] == 1
    assert scale[1] == pytest.approx(1 / 1.01e-8)
    assert np.abs(normalisation(x * 55, 55.0)[0] - scale).max() < 1e-6 * scale[1]


def test_floats_are_normalised_as_bytes_are():
    for stored in (np.float32, np.float64):
        x = dataset(IMAGES.astype(stored) / 255).scaled(IMAGES.astype(stored) / 255, np.float64)
        np.testing.assert_allclose(x, formula(IMAGES, 55), atol=1e-4)


@pytest.mark.parametrize("rows", [1, 7, CHUNK // PIXELS + 3])
def test_an_image_does_not_depend_on_those_beside_it(rows):
    many = RANDOM.integers(0, 256, (rows, PIXELS), dtype=np.uint8)
    whole = dataset(many).scaled(many, np.float32)
    for i in {0, rows // 2, rows - 1}:
        np.testing.assert_array_equal(dataset(many).scaled(many[i : i + 1], np.float32), whole[i : i + 1])


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("stored", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_minibatch_is_to_the_last_bit_what_scaled_makes(backend, stored, dtype):
    """A fused multiply-add would round once where this rounds twice; in IMAGES many values tell the two apart."""
    ops, data = backends.get(backend, 1), dataset(IMAGES.astype(stored))
    batches = ExampleBatches(ops, data, 10, 7, dtype)
    assert batches.examples.dtype == (np.uint8 if stored == np.uint8 else dtype)
    assert batches.scale.dtype == batches.shift.dtype == dtype
    clock = ops.clock(ExponentialDecay(0.1), ExponentialDecay(0.5))
    draw = Draw(7, clock.iteration, 0, Stream.MIXTURE_MODE, ops.asarray(np.arange(10), "uint32"))
    batches.prepare(0, 1)
    with ops.session():
        out = ops.to_host(batches.minibatch(draw, Count(clock), ops.empty((10, PIXELS), dtype)))
    expected = data.scaled(data.train[rng.permutation(7, 0, len(IMAGES))[:10]], dtype)
    assert out.tobytes() == expected.tobytes()
    if dtype == np.float32:
        scale, shift = (column.astype(dtype)[:, None].astype(np.float64) for column in data.affine(data.train))
        fused = (data.train.astype(dtype) * scale + shift).astype(dtype)
        assert (fused != data.scaled(data.train, dtype)).any()


def test_means_are_those_of_the_normalised_images():
    many = RANDOM.integers(0, 256, (2 * CHUNK // PIXELS, PIXELS), dtype=np.uint8)
    data = dataset(many)
    np.testing.assert_allclose(data.means(), data.scaled(many, np.float64).mean(axis=0), atol=1e-14)


def test_little_memory_beyond_the_bytes(peak):
    many = RANDOM.integers(0, 256, (20_000, 500), dtype=np.uint8)
    data = dataset(many)
    assert peak(lambda: data.affine(many)) < 40 * CHUNK
    assert peak(data.means) < 60 * CHUNK


@pytest.mark.parametrize("length", [0.0, -1.0, float("nan"), float("inf")])
def test_a_length_that_is_none_is_refused(refused, length):
    refused(lambda: dataset(contrast=length), "pictures", f"contrast {length}")


def test_a_checkpoint_says_so_and_only_where_it_is_so():
    plain = replace(dataset(), contrast=None)
    assert describe(dataset()) == describe(plain) | {"contrast": 55.0}
    assert list(describe(plain)) == ["name", "dtype", "shape", "image_shape", "sha256"]
