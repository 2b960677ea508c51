"""Lines in z, straight and along great circles."""

import numpy as np
import pytest

from minigan.generator.latent_lines import great_circles, straight_lines


def test_straight_lines_are_evenly_spaced_between_two_draws():
    ends = np.array([[0.0, 1.0], [4.0, 5.0], [1.0, 1.0], [1.0, 3.0]])
    points = straight_lines(ends, 5).reshape(2, 5, 2)
    np.testing.assert_allclose(points[0, 2], [2, 3])
    np.testing.assert_allclose(points[1, [0, -1]], ends[2:])


def test_great_circles_keep_the_length_and_turn_evenly():
    ends = np.random.default_rng(0).standard_normal((6, 20))
    ends /= np.linalg.norm(ends, axis=1, keepdims=True)
    points = great_circles(ends, 9).reshape(3, 9, 20)
    np.testing.assert_allclose(np.linalg.norm(points, axis=2), 1)
    np.testing.assert_allclose(points[:, [0, -1]].reshape(6, 20), ends, atol=1e-12)
    steps = np.einsum("rcl,rcl->rc", points[:, 1:], points[:, :-1])
    np.testing.assert_allclose(steps, steps[:, :1] * np.ones(8))


@pytest.mark.parametrize("other", [[1.0, 2.0], [-1.0, -2.0], [2.0, 4.0], [0.0, 0.0]])
def test_great_circles_between_vectors_of_one_line_are_straight(other):
    ends = np.array([[1.0, 2.0], other])
    np.testing.assert_allclose(great_circles(ends, 4), straight_lines(ends, 4))
