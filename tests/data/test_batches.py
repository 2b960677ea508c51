"""Minibatches: epochs, the remainder, boundaries inside an iteration, shares of a batch."""

from __future__ import annotations

import numpy as np
import pytest

from minigan import rng
from minigan.backends.clock import Count
from minigan.backends.numpy_ops import NumpyOps
from minigan.data import Dataset, Mixture, minibatches
from minigan.data.batches import ExampleBatches
from minigan.data.mixtures import MixtureBatches
from minigan.game.schedules import ExponentialDecay
from minigan.rng import Draw, Stream

OPS = NumpyOps()
SEED = 2**40 + 7


class Counting(NumpyOps):
    """Counts the orders that are written."""

    orders = 0

    def permutation(self, seed, epoch, out):
        self.orders += 1
        return super().permutation(seed, epoch, out)


def numbered(n: int, dtype=np.float32) -> Dataset:
    """Examples that carry their own number."""
    return Dataset("numbered", np.stack([np.arange(n), 1000 + np.arange(n)], axis=1).astype(dtype))


def draw_of(rows, clock, substep=0) -> Draw:
    return Draw(SEED, clock.iteration, substep, Stream.MIXTURE_MODE, OPS.asarray(rows, "uint32"))


def play(data: ExampleBatches, iterations, k: int, m: int) -> list[list[int]]:
    """The examples' numbers in every minibatch of the iterations, in order."""
    clock, seen = OPS.clock(ExponentialDecay(0.1), ExponentialDecay(0.5)), []
    for iteration in iterations:
        OPS.set_clock(clock, iteration)
        data.prepare(iteration, k)
        for substep in range(k):
            out = np.full((m, data.examples.shape[1]), np.nan, data.examples.dtype)
            data.minibatch(draw_of(range(m), clock, substep), Count(clock, k, substep), out)
            seen.append([int(i) for i in out[:, 0]])
    return seen


@pytest.mark.parametrize("k", [1, 2, 3, 5, 6])
def test_an_epoch_meets_each_example_at_most_once_and_drops_the_remainder(k):
    n, m = 23, 4
    data = ExampleBatches(OPS, numbered(n), m, SEED, np.float32)
    assert data.batches_per_epoch == 5
    seen = play(data, range(20), k, m)
    for epoch in range(len(seen) // 5):
        met = sum(seen[5 * epoch : 5 * epoch + 5], [])
        assert len(set(met)) == len(met) == 20
        assert met == list(rng.permutation(SEED, epoch, n)[:20])


def test_epochs_differ_and_leave_out_different_examples():
    seen = play(ExampleBatches(OPS, numbered(23), 4, SEED, np.float32), range(25), 1, 4)
    epochs = [sum(seen[5 * e : 5 * e + 5], []) for e in range(5)]
    assert len({tuple(e) for e in epochs}) == 5
    assert len({frozenset(e) for e in epochs}) > 1


def test_an_iteration_across_the_boundary_finds_both_orders():
    n, m, k = 12, 4, 2
    data = ExampleBatches(OPS, numbered(n), m, SEED, np.float32)
    data.prepare(1, k)
    np.testing.assert_array_equal(data.order[0], rng.permutation(SEED, 0, n))
    np.testing.assert_array_equal(data.order[1], rng.permutation(SEED, 1, n))
    data.prepare(3, k)
    np.testing.assert_array_equal(data.order[0], rng.permutation(SEED, 2, n))


def test_a_run_goes_on_from_its_iteration_alone():
    whole = play(ExampleBatches(OPS, numbered(23), 4, SEED, np.float32), range(30), 2, 4)
    resumed = play(ExampleBatches(OPS, numbered(23), 4, SEED, np.float32), range(17, 30), 2, 4)
    assert resumed == whole[2 * 17 :]
    backwards = ExampleBatches(OPS, numbered(23), 4, SEED, np.float32)
    play(backwards, [29], 2, 4)
    assert play(backwards, range(3), 2, 4) == whole[:6]


def test_the_order_is_computed_when_the_epoch_changes_and_written_in_place():
    ops = Counting()
    data = ExampleBatches(ops, numbered(23), 4, SEED, np.float32)
    order = data.order
    assert order.shape == (2, 23) and order.dtype == np.int32
    play(data, range(10), 1, 4)
    assert ops.orders == 2
    play(data, range(10, 13), 1, 4)
    assert ops.orders == 3
    assert data.order is order


def test_another_seed_gives_another_order():
    one, two = (play(ExampleBatches(OPS, numbered(23), 4, seed, np.float32), [0], 1, 4) for seed in (1, 2))
    assert one != two


def test_a_batch_of_all_examples_with_k_of_two():
    seen = play(ExampleBatches(OPS, numbered(6), 6, SEED, np.float32), range(4), 2, 6)
    assert seen == [list(rng.permutation(SEED, epoch, 6)) for epoch in range(8)]


def test_a_k_that_reaches_into_a_third_epoch_is_refused_from_the_start(refused):
    data = ExampleBatches(OPS, numbered(23), 4, SEED, np.float32)
    refused(lambda: data.prepare(0, 7), "k = 7", "three epochs of 5", "k up to 6")


@pytest.mark.parametrize("size", [24, 0, -1])
def test_a_batch_that_the_data_cannot_fill_is_refused(refused, size):
    refused(lambda: ExampleBatches(OPS, numbered(23), size, SEED, np.float32), f"batch_size {size}", "23", "numbered")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bytes_stay_bytes_and_are_scaled_on_the_way(dtype):
    train = np.random.default_rng(0).integers(0, 256, (50, 9), dtype=np.uint8)
    dataset = Dataset("bytes", train)
    data = ExampleBatches(OPS, dataset, 10, SEED, dtype)
    assert data.examples.dtype == np.uint8
    assert data.scale.dtype == dtype and data.scale.shape == (50,) and (data.scale == dtype(1 / 255)).all()
    assert data.shift is None
    clock = OPS.clock(ExponentialDecay(0.1), ExponentialDecay(0.5))
    data.prepare(0, 1)
    out = np.empty((10, 9), dtype)
    assert data.minibatch(draw_of(range(10), clock), Count(clock), out) is out
    np.testing.assert_array_equal(out, dataset.scaled(train[rng.permutation(SEED, 0, 50)[:10]], dtype))


@pytest.mark.parametrize("stored", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_converted_once(stored, dtype):
    data = ExampleBatches(OPS, numbered(23, stored), 4, SEED, dtype)
    assert data.examples.dtype == dtype and data.scale is None and data.shift is None
    assert len(play(data, range(2), 1, 4)) == 2


def test_two_halves_are_the_whole():
    dataset = Dataset("bytes", np.random.default_rng(0).integers(0, 256, (50, 9), dtype=np.uint8))
    data = ExampleBatches(OPS, dataset, 10, SEED, np.float32)
    clock = OPS.clock(ExponentialDecay(0.1), ExponentialDecay(0.5))
    OPS.set_clock(clock, 7)
    data.prepare(7, 1)
    draw, whole = draw_of(range(10), clock), np.empty((10, 9), np.float32)
    data.minibatch(draw, Count(clock), whole)
    for part in (slice(0, 5), slice(5, 10), slice(9, 10)):
        share = np.empty_like(whole[part])
        data.minibatch(draw[part], Count(clock), share)
        np.testing.assert_array_equal(share, whole[part])


def test_batches_chooses_by_the_kind_of_data():
    assert isinstance(minibatches(OPS, numbered(23), 4, SEED, np.float32), ExampleBatches)
    assert isinstance(minibatches(OPS, Mixture.ring(), 4, SEED, np.float32), MixtureBatches)
