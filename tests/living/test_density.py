"""Densities on the cells of a window, and D* of them."""

from __future__ import annotations

import numpy as np
import pytest

from minigan.data import Dataset, Mixture
from minigan.living.density import Window, optimal

WINDOWS = {"line": (Mixture.gaussian(), 200), "plane": (Mixture.ring(), 40)}


@pytest.mark.parametrize("data, cells", WINDOWS.values(), ids=WINDOWS)
def test_the_estimate_of_many_samples_is_the_density_seen_through_the_kernel(data, cells):
    x = data.sample(20_000)
    window = Window.around(x, cells)
    known, estimated = window.density_of(data, np.dtype("float32")), window.estimate(x)
    volume = window.cell**data.n_features
    assert known.sum() * volume == pytest.approx(1, abs=0.01) and estimated.sum() * volume == pytest.approx(1, abs=0.01)
    assert np.abs(known - estimated).sum() * volume < 0.04
    assert np.array_equal(window.density_of(Dataset("x", x), np.dtype("float64")), window.estimate(x[::2]))


def test_cells_are_in_the_order_of_an_image_from_below():
    window = Window(np.array([0.0, 10.0]), 2.0, 2)
    assert window.points.tolist() == [[0.5, 10.5], [1.5, 10.5], [0.5, 11.5], [1.5, 11.5]]
    assert window.estimate(np.array([[1.5, 10.5]])).argmax() == 1
    assert window.estimate(np.array([[99.0, 99.0]])).sum() == 0


def test_d_star_is_one_half_where_both_are_alike_and_nothing_where_there_is_neither():
    d = optimal(np.array([1.0, 3.0, 0.0, 0.0]), np.array([1.0, 1.0, 2.0, 0.0]))
    assert d[:3].tolist() == [0.5, 0.75, 0.0] and np.isnan(d[3])
