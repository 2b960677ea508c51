"""Nearest training images, against distances taken one by one."""

import numpy as np
import pytest

from minigan import Dataset, backends
from minigan.metrics import neighbours

RNG = np.random.default_rng(3)


@pytest.fixture(params=backends.NAMES)
def ops(request):
    return backends.get(request.param)


def test_nearest_equals_every_distance_taken_alone(ops, monkeypatch):
    monkeypatch.setattr(neighbours, "TILE", 17)
    data = Dataset("bytes", RNG.integers(0, 256, (100, 12), dtype=np.uint8))
    samples = RNG.random((9, 12)).astype(np.float32)
    index, distance = neighbours.nearest(ops, samples, data.train, data.scaled)
    every = np.linalg.norm(samples[:, None].astype(float) - data.train / 255, axis=2)
    np.testing.assert_array_equal(index, every.argmin(axis=1))
    np.testing.assert_allclose(distance, every.min(axis=1), rtol=1e-9)


def test_a_training_image_is_its_own_neighbour_and_the_first_of_equals_wins(ops):
    data = Dataset("bytes", RNG.integers(0, 256, (50, 12), dtype=np.uint8))
    data.train[31] = data.train[7]
    index, distance = neighbours.nearest(ops, data.scaled(data.train[[7, 31, 2]], np.float64), data.train, data.scaled)
    assert index.tolist() == [7, 7, 2]
    np.testing.assert_allclose(distance, 0, atol=1e-6)


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e8])
def test_nearest_is_right_wherever_the_data_lie_and_however_near_they_are(ops, shift, monkeypatch):
    monkeypatch.setattr(neighbours, "TILE", 17)
    examples = shift + np.repeat(RNG.normal(size=(20, 6)), 5, axis=0)
    examples += 1e-6 * RNG.normal(size=examples.shape)
    data = Dataset("floats", examples)
    samples = examples[[3, 50, 99]] + 2e-7 * RNG.normal(size=(3, 6))
    index, distance = neighbours.nearest(ops, samples, data.train, data.scaled)
    every = np.sqrt(((samples[:, None] - examples) ** 2).sum(axis=2))
    np.testing.assert_array_equal(index, every.argmin(axis=1))
    np.testing.assert_allclose(distance, every.min(axis=1), rtol=1e-9)


def test_nearest_to_itself_is_at_no_distance_and_no_number_is_near_nothing(ops):
    data = Dataset("floats", 1e6 + RNG.normal(size=(50, 12)))
    samples = data.train[[7, 31, 2]].copy()
    samples[1, 3] = np.nan
    index, distance = neighbours.nearest(ops, samples, data.train, data.scaled)
    assert index[[0, 2]].tolist() == [7, 2] and distance[[0, 2]].tolist() == [0, 0] and not distance[1] >= 0
