"""What table 1 holds beside the generator."""

import numpy as np

from minigan.metrics import table1

RNG = np.random.default_rng(0)


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
