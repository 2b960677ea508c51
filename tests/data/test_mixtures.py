"""Mixtures of Gaussians: density, samples, minibatches."""

from __future__ import annotations

import numpy as np
import pytest

from minigan.backends.clock import Count
from minigan.backends.numpy_ops import NumpyOps
from minigan.data import Mixture, MixtureBatches
from minigan.game.schedules import ExponentialDecay
from minigan.rng import Draw, Stream

OPS = NumpyOps()
ALL = [Mixture.gaussian(), Mixture.ring(), Mixture.grid()]


def nearest(mixture: Mixture, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest mode of each point, and the distance to it."""
    distance = np.linalg.norm(x[:, None] - mixture.centres, axis=2)
    return distance.argmin(axis=1), distance.min(axis=1)


def test_the_three_of_them():
    gaussian, ring, grid = ALL
    assert (gaussian.name, gaussian.centres.tolist(), gaussian.deviation) == ("gaussian", [[0.0]], 1.0)
    assert ring.name == "ring" and ring.centres.shape == (8, 2) and ring.deviation == 0.01
    np.testing.assert_allclose(np.linalg.norm(ring.centres, axis=1), 1)
    np.testing.assert_allclose(ring.centres.mean(axis=0), 0, atol=1e-15)
    assert grid.name == "grid" and grid.centres.shape == (25, 2) and grid.deviation == 0.05
    assert {tuple(c) for c in grid.centres} == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert [m.n_features for m in ALL] == [1, 2, 2]
    assert all(m.image_shape is None for m in ALL)


def test_the_density_of_the_gaussian_is_the_bell_curve():
    x = np.array([[0.0], [1.0], [-2.0], [40.0]])
    expected = [0.3989422804014327, 0.24197072451914337, 0.05399096651318806, 0]
    np.testing.assert_allclose(Mixture.gaussian().density(x), expected, rtol=1e-12)


@pytest.mark.parametrize("mixture", ALL, ids=lambda m: m.name)
def test_the_density_integrates_to_one(mixture):
    step = mixture.deviation / 4
    axis = np.arange(-40, 41) * step
    points = np.stack(np.meshgrid(*[axis] * mixture.n_features), axis=-1).reshape(-1, mixture.n_features)
    cell = step**mixture.n_features
    # Ten deviations about each mode hold all of it, and modes are further apart than twenty deviations.
    total = sum(mixture.density(c + points).sum() * cell for c in mixture.centres)
    assert total == pytest.approx(1, abs=1e-9)


def test_the_density_takes_float32_and_gives_float64():
    density = Mixture.ring().density(np.array([[1, 0], [0, 0]], dtype=np.float32))
    assert density.dtype == np.float64
    np.testing.assert_allclose(density, [1 / (8 * 2 * np.pi * 1e-4), 0])


@pytest.mark.parametrize("mixture", ALL, ids=lambda m: m.name)
def test_samples_have_the_modes_and_the_deviation(mixture):
    n = 20_000
    x = mixture.sample(n, seed=3)
    assert x.shape == (n, mixture.n_features) and x.dtype == np.float64
    mode, _ = nearest(mixture, x)
    counts, k = np.bincount(mode, minlength=len(mixture.centres)), len(mixture.centres)
    assert np.sum((counts - n / k) ** 2) / (n / k) < 60
    assert np.std(x - mixture.centres[mode]) == pytest.approx(mixture.deviation, rel=0.02)
    np.testing.assert_allclose(x.mean(axis=0), mixture.centres.mean(axis=0), atol=0.1)


def test_samples_follow_the_seed_and_begin_alike():
    ring = Mixture.ring()
    np.testing.assert_array_equal(ring.sample(10, 5), ring.sample(30, 5)[:10])
    assert not np.array_equal(ring.sample(10, 5), ring.sample(10, 6))


def clock_at(iteration: int):
    clock = OPS.clock(ExponentialDecay(0.1), ExponentialDecay(0.5))
    OPS.set_clock(clock, iteration)
    return clock


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_minibatches_are_drawn_afresh(dtype):
    data = MixtureBatches(OPS, Mixture.grid(), 64, 9, dtype)
    assert data.batches_per_epoch == 500
    assert data.centres.dtype == dtype
    seen = []
    for iteration in (0, 1):
        clock = clock_at(iteration)
        data.prepare(iteration, 2)
        for substep in (0, 1):
            draw = Draw(9, clock.iteration, substep, Stream.MIXTURE_MODE, OPS.asarray(range(64), "uint32"))
            out = np.full((64, 2), np.nan, dtype)
            assert data.minibatch(draw, Count(clock, 2, substep), out) is out
            assert (nearest(Mixture.grid(), out)[1] < 0.4).all()
            seen.append(out.tobytes())
    assert len(set(seen)) == 4


def test_a_minibatch_is_the_kernel_with_neighbouring_streams():
    data, clock = MixtureBatches(OPS, Mixture.ring(), 16, 9, np.float64), clock_at(4)
    rows = OPS.asarray(range(16), "uint32")
    modes, noise = (Draw(9, 4, 0, s, rows) for s in (Stream.MIXTURE_MODE, Stream.MIXTURE_NOISE))
    whole = np.empty((16, 2))
    draw = Draw(9, clock.iteration, 0, Stream.MIXTURE_MODE, rows)
    data.minibatch(draw, Count(clock), whole)
    np.testing.assert_array_equal(whole, OPS.mixture(modes, noise, data.centres, 0.01, np.empty((16, 2))))
    half = data.minibatch(draw[8:], Count(clock), np.empty((8, 2)))
    np.testing.assert_array_equal(half, whole[8:])


def test_training_never_meets_the_samples():
    data, clock = MixtureBatches(OPS, Mixture.gaussian(), 16, 9, np.float64), clock_at(0)
    draw = Draw(9, clock.iteration, 0, Stream.MIXTURE_MODE, OPS.asarray(range(16), "uint32"))
    minibatch = data.minibatch(draw, Count(clock), np.empty((16, 1)))
    assert not np.intersect1d(minibatch, Mixture.gaussian().sample(16, 9)).size


@pytest.mark.parametrize("centres", [np.zeros(3), np.zeros((0, 2)), np.full((2, 2), np.nan)])
def test_centres_of_another_shape_are_refused(refused, centres):
    refused(lambda: Mixture("own", centres, 1.0), "own", "centres")


@pytest.mark.parametrize("deviation", [0, -1, np.nan, np.inf])
def test_a_deviation_that_is_none_is_refused(refused, deviation):
    refused(lambda: Mixture("own", np.zeros((1, 1)), deviation), "own", "deviation", deviation)


def test_a_batch_of_none_is_refused(refused):
    refused(lambda: MixtureBatches(OPS, Mixture.ring(), 0, 1, np.float32), "batch_size 0")
