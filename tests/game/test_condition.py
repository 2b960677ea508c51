"""Conditional G and D: what both are told, in Python as in scikit-learn; runs in parts; what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from each_backend import BACKENDS

from minigan import (
    GAN,
    CheckpointError,
    ConfigError,
    DataError,
    Dataset,
    Dropout,
    Linear,
    Maxout,
    Mixture,
    Recipe,
    ReLU,
    Sampler,
    Sequential,
    Sigmoid,
)
from minigan.backends import get
from minigan.checks.labels import check_labels
from minigan.data.labels import Labels
from minigan.files import checkpoint
from minigan.game.algorithm1 import UPDATES
from minigan.game.state import tensors

RANDOM = np.random.default_rng(0)
NAMES = np.array(["ant", "bee", "cat"])
NUMBER = np.arange(210) % 3
Y = NAMES[NUMBER]
X = 0.1 + 0.75 * np.eye(3)[NUMBER] + 0.1 * RANDOM.random((210, 3))
RECIPE = Recipe(latent=2, batch_size=30, condition="labels", lr=0.2)


def new_gan(recipe: Recipe = RECIPE, classes: int = 3, **arguments) -> GAN:
    G = Sequential(Linear(2 + classes, 16), ReLU(), Linear(16, 3), Sigmoid())
    D = Sequential(Dropout(0.8), Maxout(3 + classes, 12, 3), Linear(12, 1))
    return GAN(G, D, recipe, **arguments)


def weights(gan: GAN) -> dict[str, bytes]:
    return {name: gan.ops.to_host(view).tobytes() for name, view in tensors(gan.game).items()}


@pytest.fixture(scope="module")
def gan() -> GAN:
    return new_gan(replace(RECIPE, updates="simultaneous", lr=0.5)).fit(X, Y, iterations=1500, verbose=False)


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_row_has_its_label_beside_it(backend):
    assert [row.name for row in check_labels(get(backend), "Labels") if not row.passed] == []


# ---- What it learns ----------------------------------------------------------------------------------------------


def test_g_makes_what_it_is_told(gan):
    for number, name in enumerate(NAMES):
        made = gan.sample(200, labels=name)
        assert (made.argmax(axis=1) == number).mean() > 0.95


def test_without_labels_that_mean_something_it_does_not():
    shuffled = new_gan(gan_recipe := replace(RECIPE, updates="simultaneous", lr=0.5))
    shuffled.fit(X, np.random.default_rng(1).permutation(Y), iterations=1500, verbose=False)
    right = [(shuffled.sample(200, labels=name).argmax(axis=1) == i).mean() for i, name in enumerate(NAMES)]
    assert gan_recipe.condition and np.mean(right) < 0.6


def test_what_d_says_depends_on_the_label(gan):
    right, wrong = gan.score_samples(X, Y), gan.score_samples(X, NAMES[(NUMBER + 1) % 3])
    assert (np.abs(right - wrong) > 1e-3).mean() > 0.9
    np.testing.assert_allclose(gan.discriminate(X, Y), 1 / (1 + np.exp(-right)), rtol=1e-12)


# ---- Labels of samples -------------------------------------------------------------------------------------------


def test_labels_are_drawn_as_often_as_in_the_data_and_not_otherwise_for_more():
    counts = np.repeat(NAMES, [20, 60, 130])
    few = new_gan().fit(X, counts, iterations=1, verbose=False).sampler()
    drawn = few.draw_labels(20_000, seed=3)
    share = [(drawn == name).mean() for name in NAMES]
    np.testing.assert_allclose(share, np.array([20, 60, 130]) / 210, atol=0.015)
    assert (few.draw_labels(500, seed=3) == drawn[:500]).all() and (few.draw_labels(500, seed=4) != drawn[:500]).any()


def test_samples_are_those_of_their_z_and_labels(gan, tmp_path):
    sampler = gan.sampler()
    z, labels = sampler.draw_z(7, 5), sampler.draw_labels(7, 5)
    assert gan.sample(7, 5).tobytes() == sampler.generate(z, labels).tobytes() == gan.generate(z, labels).tobytes()
    assert gan.sample(7, 5, labels="bee").tobytes() == gan.generate(z, ["bee"] * 7).tobytes()
    gan.save(tmp_path / "x.safetensors")
    assert Sampler.load(tmp_path / "x.safetensors").sample(7, 5).tobytes() == gan.sample(7, 5).tobytes()


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda y: np.array(y, object), "pandas"])
def test_labels_of_any_kind_that_scikit_learn_takes(kind):
    if kind == "pandas":
        kind = pytest.importorskip("pandas", reason="pandas is not installed").Series
    one, other = new_gan(), new_gan()
    one.fit(X, Y, iterations=3, verbose=False), other.fit(X, kind(list(Y)), iterations=3, verbose=False)
    assert weights(one) == weights(other) and one.data == other.data


@pytest.mark.parametrize("y", [NUMBER.astype(float), NUMBER.astype(np.int8), 7 - NUMBER])
def test_whole_numbers_are_labels_whatever_holds_them(y):
    gan = new_gan().fit(X, y, iterations=2, verbose=False)
    assert gan.data["labels"]["classes"] == sorted(set(y.astype(int).tolist()))
    assert gan.sample(3, labels=int(y[0])).tobytes() == gan.sample(3, labels=[y[0]] * 3).tobytes()


# ---- Runs in parts, on every backend -----------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("options", [{}, {"k": 3}, {"optimizer": "adam", "lr": 0.002}, {"average": 5}], ids=str)
@pytest.mark.parametrize("updates", UPDATES)
def test_a_fit_in_parts_is_a_fit_in_one(backend, updates, options, tmp_path):
    recipe = replace(RECIPE, updates=updates, **options)
    whole = new_gan(recipe, backend=backend).fit(X, Y, iterations=20, verbose=False)
    part = new_gan(recipe, backend=backend).fit(X, Y, iterations=8, verbose=False)
    part.save(tmp_path / "part.safetensors")
    part = GAN.load(tmp_path / "part.safetensors", backend).partial_fit(X, Y, iterations=12, verbose=False)
    assert weights(part) == weights(whole)


@pytest.mark.parametrize("updates", UPDATES)
def test_numba_plays_as_numpy_does(updates):
    recipe = replace(RECIPE, updates=updates, precision="float64", k=2)
    made = [new_gan(recipe, backend=b).fit(X, Y, iterations=20, verbose=False).sample(9) for b in ("numpy", "numba")]
    np.testing.assert_allclose(*made, rtol=1e-9)


def test_y_is_not_used_without_a_condition():
    recipe = replace(RECIPE, condition=None)
    told, untold = (new_gan(recipe, 0).fit(X, y, iterations=5, verbose=False) for y in (Y, None))
    labelled = new_gan(recipe, 0).fit(Dataset("array", X, labels=Labels.of("y", Y)), iterations=5, verbose=False)
    assert weights(told) == weights(untold) == weights(labelled) and told.data == labelled.data == untold.data
    assert told.score_samples(X, Y).tobytes() == told.score_samples(X).tobytes()


def test_a_phase_keeps_the_condition(tmp_path):
    gan = new_gan().fit(X, Y, iterations=5, verbose=False)
    with pytest.raises(ConfigError, match="G takes 5 inputs, but z has 2"):
        gan.recipe = replace(RECIPE, condition=None)
    gan.recipe = replace(gan.recipe, k=2, updates="simultaneous")
    gan.partial_fit(X, Y, iterations=5, verbose=False)
    gan.save(tmp_path / "x.safetensors")
    again = GAN.load(tmp_path / "x.safetensors")
    assert again.recipe.condition == "labels" and weights(again) == weights(gan)
    more = [each.partial_fit(X, Y, iterations=4, verbose=False) for each in (gan, again)]
    assert weights(more[0]) == weights(more[1])


def test_gradients_are_of_the_labels_that_are_given(gan):
    z = gan.sampler().draw_z(12)
    found, other = (gan.gradients(X[:12], z, y) for y in (Y[:12], NAMES[(NUMBER[:12] + 1) % 3]))
    assert found.keys() == other.keys() and all((found[name] != other[name]).any() for name in found if ".0.W" in name)


# ---- What is refused ---------------------------------------------------------------------------------------------

WRONG = {
    "none": (None, "no labels"),
    "too few": (Y[:-1], "209 labels, expected 210"),
    "too many classes": (np.arange(210) % 4, "labels of 4 classes, and the generator has inputs for 3"),
    "numbers between": (NUMBER + 0.5, "float64, expected whole numbers or texts"),
    "NaN": (np.where(NUMBER, NUMBER, np.nan), "expected whole numbers or texts"),
    "a column": (Y[:, None], r"shape \(210, 1\)"),
    "ragged": ([[1], [1, 2]], "no labels"),
    "objects": ([object()] * 210, "dtype object"),
}


@pytest.mark.parametrize("y, said", WRONG.values(), ids=WRONG)
def test_wrong_labels_are_refused_in_one_line(y, said):
    with pytest.raises((ConfigError, DataError), match=said) as refused:
        new_gan().fit(X, y, verbose=False)
    assert len(str(refused.value).splitlines()) == 1


def test_no_labels_of_a_density_and_other_labels_on_the_way():
    gan = GAN(Sequential(Linear(10, 2)), Sequential(Linear(10, 1)), Recipe(latent=2, condition="labels"))
    with pytest.raises(ConfigError, match="ring: no labels"):
        gan.fit(Mixture.ring(), verbose=False)
    fitted = new_gan().fit(X, Y, iterations=2, verbose=False)
    with pytest.raises(ConfigError, match="other data"):
        fitted.partial_fit(X, NAMES[(NUMBER + 1) % 3], verbose=False)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda gan: gan.sample(5, labels="dog"), "label dog: expected one of ant, bee, cat"),
        (lambda gan: gan.sample(5, labels=["ant", "bee"]), "expected 5"),
        (lambda gan: gan.sample(5, labels=[]), "expected 5"),
        (lambda gan: gan.generate(np.zeros((2, 2))), "no labels: expected one for each row"),
        (lambda gan: gan.score_samples(X), "no labels: expected one for each row"),
        (lambda gan: gan.gradients(X), "no labels"),
    ],
)
def test_samples_and_scores_of_wrong_labels(gan, call, said):
    with pytest.raises(ConfigError, match=said):
        call(gan)


def test_labels_for_a_generator_that_is_told_none():
    plain = new_gan(replace(RECIPE, condition=None), 0).fit(X, iterations=1, verbose=False)
    with pytest.raises(ConfigError, match="trained without condition labels"):
        plain.sample(5, labels="ant")


@pytest.mark.parametrize("g_in, d_in, said", [(2, 6, "one more for each class"), (5, 3, "y has 3, but D takes 3")])
def test_networks_without_inputs_for_labels(g_in, d_in, said):
    with pytest.raises(ConfigError, match=said):
        GAN(Sequential(Linear(g_in, 3)), Sequential(Linear(d_in, 1)), RECIPE)


LIES = {
    "no labels": lambda header: header["data"].pop("labels"),
    "no condition": lambda header: header["recipe"].pop("condition"),
    "fewer classes": lambda header: header["data"]["labels"].update(classes=["ant", "bee"], counts=[1, 2]),
    "a class twice": lambda header: header["data"]["labels"].update(classes=["ant", "bee", "bee"]),
    "classes of two kinds": lambda header: header["data"]["labels"].update(classes=["ant", "bee", 3]),
    "no example": lambda header: header["data"]["labels"].update(counts=[1, 2, 0]),
    "a list": lambda header: header["data"].update(labels=["ant", "bee", "cat"]),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_headers_that_lie_about_labels(gan, lie, tmp_path):
    path = tmp_path / "x.safetensors"
    gan.save(path)
    arrays, header = checkpoint.read(path)
    lie(header)
    checkpoint.write(path, arrays, header)
    for load in (Sampler.load, GAN.load):
        with pytest.raises(CheckpointError, match="header"):
            load(path)
