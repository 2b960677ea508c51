"""Parameters: read, set and in force at once, or refused with everything as it was."""

from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from small_gan import Hinge, X, same, small_gan

from minigan import GAN, ConfigError, Dataset, Linear, Recipe, Sequential
from minigan.data import describe, minibatches
from minigan.errors import BeginsAnew

ARGUMENTS = {"generator", "discriminator", "recipe", "backend", "threads", "device", "distributed"}


def test_the_constructors_arguments_make_the_same_gan_again():
    gan = small_gan(lr=0.3, seed=5)
    assert gan.get_params(deep=False).keys() == ARGUMENTS
    again = GAN(**gan.get_params(deep=False))
    assert again.get_params() == gan.get_params()
    assert same(again.fit(X, iterations=3), gan.fit(X, iterations=3))


def test_the_recipes_fields_are_parameters_and_seed_is_random_state():
    params = small_gan(lr=0.3, seed=5).get_params()
    assert params.keys() - ARGUMENTS == {f.name for f in fields(Recipe)} - {"seed"} | {"random_state"}
    assert (params["lr"], params["random_state"], params["latent"]) == (0.3, 5, 2)


@pytest.mark.parametrize("name, value", [("lr", 0.3), ("k", 2), ("random_state", 3), ("seed", 3), ("loss", Hinge(0.5))])
def test_a_field_that_is_set_is_the_one_that_a_recipe_has(name, value):
    gan = small_gan()
    assert gan.set_params(**{name: value}) is gan
    name = {"random_state": "seed"}.get(name, name)
    assert gan.recipe == replace(small_gan().recipe, **{name: value})
    assert same(gan.fit(X, iterations=4), small_gan(**{name: value}).fit(X, iterations=4))


def test_fields_go_over_a_recipe_that_is_set_with_them():
    recipe = Recipe(latent=2, lr=0.4, k=3)
    assert small_gan(batch_size=7).set_params(k=2, recipe=recipe).recipe == replace(recipe, k=2)


def test_there_is_one_seed():
    gan = small_gan(seed=4)
    assert gan.random_state == 4
    gan.random_state = np.int64(9)
    assert (gan.recipe.seed, gan.random_state, gan.get_params()["random_state"]) == (9, 9, 9)


WRONG = {
    "unknown parameter 'lrr'; did you mean lr?": {"lrr": 0.1},
    "unknown parameter 'recipe__lr'; ": {"recipe__lr": 0.1},
    "random_state and seed: two names of one number": {"seed": 1, "random_state": 1},
    "random_state None: expected a whole number": {"random_state": None},
    "random_state -1: expected a whole number": {"random_state": -1},
    "lr -1: expected a finite number above 0": {"lr": -1, "k": 2},
    "k 1.5: expected a whole number": {"k": 1.5},
    "the recipe is {}, expected a Recipe": {"recipe": {}, "lr": 0.2},
    "backend torch: expected one of numpy, numba": {"backend": "torch"},
    "threads 0: expected at least 1": {"threads": 0},
    "the generator is None, expected a Sequential": {"generator": None},
    "G takes 2 inputs, but z has 9": {"latent": 9},
}


@pytest.mark.parametrize("message", WRONG)
def test_a_refused_parameter_changes_nothing(message):
    gan = small_gan().fit(X, iterations=3)
    before, samples = gan.get_params(), gan.sample(5)
    with pytest.raises(ConfigError) as refused:
        gan.set_params(**WRONG[message])
    assert str(refused.value).startswith(message)
    assert gan.get_params() == before and gan.iteration == 3
    np.testing.assert_array_equal(gan.sample(5), samples)


def played(change, backend="numpy", iterations=(7, 6), **recipe) -> GAN:
    """Seven iterations, a change, six more in a loop of one's own."""
    gan, data = small_gan(backend=backend, **recipe), Dataset("x", X)
    for number, count in enumerate(iterations):
        if number:
            change(gan)
        source = minibatches(gan.ops, data, gan.recipe.batch_size, gan.recipe.seed, gan.recipe.dtype)
        if not number:
            gan.begin(source.batches_per_epoch, describe(data))
        with gan.ops.session():
            for _ in range(count):
                gan.step(source)
    return gan


def assigned(gan, **fields):
    gan.recipe = replace(gan.recipe, **fields)


CHANGES = {"lr": 0.01, "k": 3, "batch_size": 10, "loss": "saturating", "updates": "simultaneous", "average": 3}


@pytest.mark.parametrize("name", CHANGES)
def test_a_recipe_that_is_assigned_under_way_is_in_force(name):
    """What was set, and nothing else: the weights until then stay, and so does the iteration."""
    changed = played(partial(assigned, **{name: CHANGES[name]}))
    assert not same(changed, played(lambda gan: None)) and changed.iteration == 13
    assert same(changed, played(lambda gan: gan.set_params(**{name: CHANGES[name]})))
    assert getattr(changed.recipe, name) == CHANGES[name]
    kept = small_gan().fit(X, iterations=7)
    weights = kept.snapshot().tensors()
    assigned(kept, **{name: CHANGES[name]})
    after = kept.snapshot().tensors()
    for tensor in weights:
        np.testing.assert_array_equal(after[tensor], weights[tensor])
    for tensor in after.keys() - weights.keys():  # the mean begins where the weights are
        np.testing.assert_array_equal(after[tensor], weights[tensor.replace(".mean", "")])


def test_what_is_set_to_what_it_was_changes_no_bit():
    assert same(played(lambda gan: gan.set_params(**gan.get_params())), played(lambda gan: None))


def test_another_optimiser_begins_with_nothing_remembered_and_the_weights_stay():
    gan = small_gan().fit(X, iterations=7)
    weights = gan.snapshot().tensors()
    after = gan.set_params(optimizer="adam").snapshot().tensors()
    assert not after["generator.first_moment.0.W"].any() and "generator.velocity.0.W" not in after
    np.testing.assert_array_equal(after["generator.0.W"], weights["generator.0.W"])


def test_what_was_learnt_goes_over_to_another_backend():
    gan = small_gan(optimizer="adam", average=3).fit(X, iterations=7).set_params(k=2)
    learnt, phases, history = gan.snapshot().tensors(), gan.phases, gan.history_
    gan.backend = "numba"
    assert gan.ops.name == gan.backend == "numba" and gan.iteration == 7
    assert gan.phases == phases and len(phases) == 1 and gan.history_ == history
    for name, tensor in gan.snapshot().tensors().items():
        np.testing.assert_array_equal(tensor, learnt[name])
    assert gan.partial_fit(X, iterations=2).iteration == 9


OTHER = {
    "generator": Sequential(Linear(2, 3)),
    "discriminator": Sequential(Linear(3, 1)),
    "random_state": 7,
    "precision": "float64",
}


@pytest.mark.parametrize("name", OTHER)
def test_what_a_run_keeps_makes_a_gan_without_weights(name):
    gan = small_gan().fit(X, iterations=3)
    with pytest.warns(
        BeginsAnew, match="set_params begins anew: the 3 iterations that this GAN has learnt are forgotten"
    ):
        gan.set_params(**{name: OTHER[name]})
    assert (gan.iteration, gan.get_params()[name]) == (0, OTHER[name]) and not hasattr(gan, "history_")
    with pytest.raises(ConfigError, match="no weights yet: call fit"):
        gan.sample(2)
    assert same(gan.fit(X, iterations=2), small_gan().set_params(**{name: OTHER[name]}).fit(X, iterations=2))


def test_an_assigned_recipe_plays_on_and_so_keeps_its_seed():
    gan = small_gan().fit(X, iterations=3)
    with pytest.raises(ConfigError, match="^seed 7: a run keeps its seed, 0"):
        gan.recipe = replace(gan.recipe, seed=7)
    assert gan.iteration == 3 and gan.recipe.seed == 0


def test_minibatches_of_the_batch_size_before_are_refused():
    gan, data = small_gan(), Dataset("x", X)
    source = minibatches(gan.ops, data, 5, 0, np.float32)
    gan.begin(source.batches_per_epoch, describe(data))
    gan.step(source)
    gan.recipe = replace(gan.recipe, batch_size=20)
    with pytest.raises(ValueError, match="minibatches of 5, where batch_size is 20 by now: expected .* made anew"):
        gan.step(source)


def test_clone_takes_the_parameters_and_leaves_the_weights():
    gan = small_gan(lr=0.3, loss=Hinge(0.5)).fit(X, iterations=3)
    cloned = clone(gan)
    assert (
        cloned.iteration == 0
        and cloned.recipe == gan.recipe
        and repr(cloned) == repr(gan).replace("iteration 3", "iteration 0")
    )
    assert same(cloned.fit(X, iterations=3), gan)


class OfWidth(GAN):
    """A subclass whose constructor takes other arguments, as scikit-learn has subclasses."""

    def __init__(self, width=3, lr=0.1):
        self.width, self.lr = width, lr
        networks = Sequential(Linear(2, width)), Sequential(Linear(width, 1))
        super().__init__(*networks, Recipe(latent=2, batch_size=5, lr=lr))


def test_a_subclass_with_arguments_of_its_own():
    gan = OfWidth(width=4).set_params(width=3)
    assert (gan.generator.n_out, gan.width) == (3, 3)
    assert clone(gan.fit(X, iterations=1)).get_params(deep=False) == {"width": 3, "lr": 0.1}


def test_a_repr_is_one_short_line():
    assert repr(small_gan(lr=0.3).fit(X, iterations=3)) == (
        "GAN(G: 2 > Linear 6 > ReLU > Linear 3; D: 3 > Dropout > Maxout 6 > Linear 1; "
        "Recipe(latent=2, batch_size=5, lr=0.3); numpy, iteration 3)"
    )
