"""What table 1 holds beside the generator."""

import numpy as np
import pytest

from minigan import ConfigError, Dataset
from minigan.metrics import table1

RNG = np.random.default_rng(0)


def bytes_of(n):
    return RNG.integers(0, 256, (n, 6), dtype=np.uint8)


def test_marginal_noise_keeps_the_marginals_and_nothing_else():
    pattern = np.array([[0.0] * 4, [1.0] * 4])
    images = np.repeat(pattern, 500, axis=0)
    noise = table1.marginal_noise(images, 4000, seed=1)
    assert set(np.unique(noise)) == {0.0, 1.0}
    np.testing.assert_allclose(noise.mean(axis=0), 0.5, atol=0.03)
    np.testing.assert_allclose(np.corrcoef(noise.T), np.eye(4), atol=0.06)
    np.testing.assert_array_equal(noise[:10], table1.marginal_noise(images, 10, seed=1))


def test_k_means_finds_separate_clusters():
    centres = 10 * RNG.random((4, 6)).astype(np.float32)
    examples = np.repeat(centres, 30, axis=0) + RNG.normal(0, 0.01, (120, 6)).astype(np.float32)
    found = table1.k_means_centres(examples, 24, seed=0)
    assert found.shape == (24, 6)
    nearest = np.linalg.norm(found[:, None] - centres, axis=2).min(axis=1)
    assert nearest.max() < 0.1


def test_k_means_has_one_centre_for_five_examples_at_most():
    assert len(table1.k_means_centres(RNG.random((52, 3)).astype(np.float32), 10_000, seed=0)) == 10


def test_sigma_is_chosen_on_the_first_thousand_validation_images():
    data = Dataset("d", bytes_of(10), bytes_of(1200), bytes_of(30))
    validation, test = table1.held_out(data, "d")
    np.testing.assert_array_equal(validation, data.validation[:1000])
    np.testing.assert_array_equal(test, data.test)


def test_without_validation_images_a_third_of_the_test_images_is_for_sigma_alone():
    data = Dataset("d", bytes_of(10), None, bytes_of(30))
    validation, test = table1.held_out(data, "d")
    np.testing.assert_array_equal(np.concatenate([validation, test]), data.test)
    assert len(validation) == 10


def test_a_set_without_test_images_is_refused():
    with pytest.raises(ConfigError, match="--data here: no test images"):
        table1.held_out(Dataset("d", bytes_of(10), bytes_of(5)), "here")
