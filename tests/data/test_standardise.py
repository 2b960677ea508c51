"""Standardised features: the formula, the same numbers wherever they are computed, and the way back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from minigan import GAN, Linear, Recipe, Sequential, backends, rng
from minigan.backends.clock import Count
from minigan.data import Dataset, describe, load
from minigan.data.batches import ExampleBatches
from minigan.data.chunks import CHUNK
from minigan.data.describe import is_description, standard_of
from minigan.data.standardise import Standard
from minigan.game.schedules import ExponentialDecay
from minigan.generator.sampler import Sampler
from minigan.rng import Draw, Stream

RANDOM = np.random.default_rng(0)
SCALES = np.array([0.1, 1, 30, 1000])
TABLE = RANDOM.standard_normal((200, 4)) * SCALES + np.array([1e6, 0, -5, 300])


def dataset(train=TABLE, **parts) -> Dataset:
    return Dataset("table", train, **parts).standardised()


@pytest.mark.parametrize("stored", [np.float32, np.float64])
def test_the_formula(stored):
    train = TABLE.astype(stored)
    x = train.astype(np.float64)
    data = dataset(train, test=train[:7] + 1)
    for part in (data.train, data.test):
        expected = (part - x.mean(axis=0)) / x.std(axis=0)
        np.testing.assert_allclose(data.scaled(part, np.float64), expected, atol=1e-9)
    np.testing.assert_array_equal(data.train, train)
    np.testing.assert_allclose(data.means(), 0, atol=1e-7)
    assert not data.in_unit_interval


def test_bytes_are_standardised_in_the_units_of_samples():
    train = RANDOM.integers(0, 256, (50, 6), dtype=np.uint8)
    data = dataset(train)
    np.testing.assert_allclose(data.standard.mean, (train / 255).mean(axis=0))
    np.testing.assert_allclose(data.standard.undone(data.scaled(train, np.float64)), train / 255, atol=1e-14)
    np.testing.assert_array_equal(data.plain(train, np.float32), Dataset("d", train).scaled(train, np.float32))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 + 0.1])
def test_a_feature_that_never_varies_becomes_zero_and_comes_back_as_it_was(value):
    train = np.stack([np.full(1000, value), RANDOM.random(1000)], axis=1)
    data = dataset(train)
    assert not data.scaled(train, np.float32)[:, 0].any()
    assert (data.standard.undone(RANDOM.standard_normal((9, 2)))[:, 0] == value).all()


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_minibatch_is_to_the_last_bit_what_scaled_makes(backend, dtype):
    ops, data = backends.get(backend, 1), dataset()
    batches = ExampleBatches(ops, data, 10, 7, dtype)
    clock = ops.clock(ExponentialDecay(0.1), ExponentialDecay(0.5))
    draw = Draw(7, clock.iteration, 0, Stream.MIXTURE_MODE, ops.asarray(np.arange(10), "uint32"))
    batches.prepare(0, 1)
    with ops.session():
        out = ops.to_host(batches.minibatch(draw, Count(clock), ops.empty((10, 4), dtype)))
    assert out.tobytes() == data.scaled(data.train[rng.permutation(7, 0, 200)[:10]], dtype).tobytes()


def test_little_memory_beyond_the_examples(peak):
    many = RANDOM.integers(0, 256, (20_000, 500), dtype=np.uint8)
    assert peak(lambda: dataset(many)) < 40 * CHUNK


def test_a_checkpoint_says_so_exactly_and_only_where_it_is_so():
    plain, described = Dataset("table", TABLE), describe(dataset())
    assert describe(plain) == {key: value for key, value in described.items() if key != "standard"}
    kept = standard_of(json.loads(json.dumps(described)))
    assert kept.mean.tobytes() == dataset().standard.mean.tobytes()
    assert kept.deviation.tobytes() == dataset().standard.deviation.tobytes()
    assert is_description(described) and standard_of(describe(plain)) is None


@pytest.mark.parametrize(
    "lie",
    [
        None,
        [],
        {"mean": [1.0]},
        {"mean": [], "deviation": []},
        {"mean": [1.0], "deviation": [1.0, 2.0]},
        {"mean": [float("nan")], "deviation": [1.0]},
        {"mean": [1.0], "deviation": [float("inf")]},
        {"mean": [1.0], "deviation": [-1.0]},
        {"mean": ["1"], "deviation": [1.0]},
        {"mean": [1.0], "deviation": 1.0},
    ],
)
def test_a_description_that_lies(lie):
    assert is_description({"name": "x", "image_shape": None, "standard": {"mean": [1.0], "deviation": [0.0]}})
    assert not is_description({"name": "x", "image_shape": None, "standard": lie})


def test_it_fits_the_data_and_goes_without_contrast(refused):
    refused(lambda: Dataset("d", TABLE, standard=Standard(np.zeros(3), np.ones(3))), "3 means", "4")
    refused(lambda: load("digits", 55.0, standardise=True), "contrast", "one of the two")
    refused(lambda: load("ring", standardise=True), "standardise", "ring")


def test_samples_come_back_in_the_datas_own_units_and_d_takes_them(tmp_path):
    generator, discriminator = Sequential(Linear(4, 4)), Sequential(Linear(4, 1))
    gan = GAN(generator, discriminator, Recipe(latent=4, batch_size=20)).fit(dataset(), iterations=5)
    z = gan.sampler().draw_z(500, 1)
    y, x = gan.sampler().forward(z), gan.sample(500, 1)
    np.testing.assert_allclose(x, TABLE.mean(axis=0) + TABLE.std(axis=0) * y, rtol=1e-6)
    np.testing.assert_array_equal(gan.generate(z), x)
    logit = ((x - TABLE.mean(axis=0)) / TABLE.std(axis=0)) @ gan.game.discriminator.params["0.W"]
    expected = 1 / (1 + np.exp(-(logit + gan.game.discriminator.params["0.b"])))
    np.testing.assert_allclose(gan.discriminate(x), expected[:, 0], atol=1e-2)
    gan.save(tmp_path / "a.safetensors")
    assert GAN.load(tmp_path / "a.safetensors").sample(5).tobytes() == gan.sample(5).tobytes()
    assert Sampler.load(tmp_path / "a.safetensors").sample(5).tobytes() == gan.sample(5).tobytes()
