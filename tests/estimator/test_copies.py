"""Copies and pickles: the same GAN to the last bit, which learns on by itself."""

import copy
import pickle
from io import BytesIO

import joblib
import numpy as np
import pytest
from small_gan import Hinge, Tagged, X, same, small_gan

from minigan import GAN, CheckpointError, Dataset, Linear, Recipe, Sampler, Sequential
from minigan.data import minibatches


def through_joblib(gan):
    file = BytesIO()
    joblib.dump(gan, file)
    file.seek(0)
    return joblib.load(file)


WAYS = [copy.copy, copy.deepcopy, lambda gan: pickle.loads(pickle.dumps(gan)), through_joblib]
each_way = pytest.mark.parametrize("taken", WAYS, ids=["copy", "deepcopy", "pickle", "joblib"])


def learned_on(gan: GAN, iterations: int = 5) -> GAN:
    source = minibatches(gan.ops, Dataset("x", X), gan.recipe.batch_size, gan.recipe.seed, gan.recipe.dtype)
    for _ in range(iterations):
        gan.step(source)
    return gan


@each_way
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_it_is_the_same_and_learns_on_by_itself(taken, backend):
    gan = small_gan(backend=backend, optimizer="adam", average=3, k=2).fit(X, iterations=7)
    again = taken(gan)
    assert same(again, gan) and again.get_params(deep=False).keys() == gan.get_params(deep=False).keys()
    assert (again.iteration, again.iterations_per_epoch, again.data) == (7, gan.iterations_per_epoch, gan.data)
    before = gan.snapshot().tensors()
    learned_on(again)
    for name, tensor in gan.snapshot().tensors().items():
        np.testing.assert_array_equal(tensor, before[name])
    assert again.iteration == 12 and same(again, learned_on(gan))


@each_way
def test_before_fit(taken):
    again = taken(small_gan(lr=0.3))
    assert again.iteration == 0 and again.recipe.lr == 0.3
    assert same(again.fit(X, iterations=3), small_gan(lr=0.3).fit(X, iterations=3))


@each_way
def test_layers_and_a_loss_of_ones_own_travel_along(taken):
    networks = Sequential(Linear(2, 4), Tagged(4, 3, tag="mine")), Sequential(Linear(3, 1))
    gan = GAN(*networks, Recipe(latent=2, batch_size=5, loss=Hinge(0.5))).fit(X, iterations=3)
    again = taken(gan)
    assert again.recipe.loss == Hinge(0.5) and again.generator.layers[1] == Tagged(4, 3, tag="mine")
    assert same(again, gan)


@each_way
def test_attributes_of_ones_own_travel_along(taken):
    gan = small_gan()
    gan.note = "of mine"
    assert taken(gan).note == "of mine"


@each_way
def test_a_sampler_draws_the_same(taken):
    sampler = small_gan().fit(X, iterations=3).sampler()
    np.testing.assert_array_equal(taken(sampler).sample(5), sampler.sample(5))


def test_a_damaged_pickle_is_refused():
    pickled = pickle.dumps(small_gan().fit(X, iterations=3))
    at = pickled.index(b"generator.velocity")
    with pytest.raises(CheckpointError, match="^a pickled GAN: damaged"):
        pickle.loads(pickled[:at] + b"G" + pickled[at + 1 :])


def test_a_backend_is_asked_for_again():
    """auto chooses anew where a pickle is read, and a name that is not there is refused there."""
    networks = Sequential(Linear(2, 3)), Sequential(Linear(3, 1))
    gan = GAN(*networks, Recipe(latent=2, batch_size=5), backend="auto")
    assert pickle.loads(pickle.dumps(gan)).backend == "auto"


def test_a_sampler_of_a_file_is_pickled_too(digits_run):
    sampler = Sampler.load(digits_run)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(sampler)).sample(5), sampler.sample(5))
