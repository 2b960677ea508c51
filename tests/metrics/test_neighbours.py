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
