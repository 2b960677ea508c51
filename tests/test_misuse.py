"""What can be done wrong in Python: one clear line, and never a GAN that was not asked for."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from minigan import (
    GAN,
    ConfigError,
    DataError,
    Dropout,
    Linear,
    Marginals,
    Maxout,
    Recipe,
    ReLU,
    Sequential,
    Sigmoid,
)
from minigan.errors import DivergedError

RECIPE = Recipe(latent=3, batch_size=4)
X = np.random.default_rng(0).random((20, 5))


def generator(*last, width=5):
    return Sequential(Linear(3, 6), ReLU(), Linear(6, width), *last)


def discriminator(*last, width=5):
    return Sequential(Linear(width, 6), ReLU(), Linear(6, 1), *last)


def gan(recipe=RECIPE):
    return GAN(generator(), discriminator(), recipe)


WRONG = {
    "optimizer": ("SGD", "expected one of sgd, momentum, adam"),
    "loss": ("wasserstein", "expected a loss of your own or one of non-saturating, saturating"),
    "updates": ("alternate", "expected one of alternating, simultaneous"),
    "prior": ("gauss", "expected one of uniform, normal, spherical"),
    "precision": ("float16", "expected one of float32, float64, tf32"),
    "lr": ("0.1", "expected a number"),
    "k": (1.5, "expected a whole number"),
    "batch_size": (True, "expected a whole number"),
    "average": (0.5, "expected a whole number"),
    "average_eta": (-1, "expected 0 or more"),
    "seed": (None, "expected a whole number"),
}


@pytest.mark.parametrize("option", WRONG)
def test_a_recipe_with_a_wrong_word_or_number(option, tmp_path):
    value, message = WRONG[option]
    with pytest.raises(ConfigError, match=f"^{option} {value}: {message}"):
        gan(replace(RECIPE, **{option: value}))


def test_numbers_of_numpy_are_numbers():
    recipe = replace(RECIPE, lr=np.float64(0.1), batch_size=np.int64(4), seed=np.uint64(3), lr_decay=1)
    assert gan(recipe).fit(X, iterations=np.int64(2)).iteration == 2


@pytest.mark.parametrize("last", [Sigmoid(), ReLU(), Dropout(0.5)])
def test_a_discriminator_that_does_not_end_in_its_logit(last):
    with pytest.raises(ConfigError, match=f"the discriminator ends in {type(last).__name__}, expected Linear"):
        GAN(generator(), discriminator(last), RECIPE)


def test_networks_that_are_none():
    with pytest.raises(ConfigError, match="the generator is .*, expected a Sequential of layers"):
        GAN([Linear(3, 5)], discriminator(), RECIPE)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (ReLU, "expected layers such as"),
        ([Linear(3, 4)], "expected layers such as"),
        (Linear(3, 0), "n_out 0, expected a whole number"),
        (Linear(-1, 5), "n_in -1, expected a whole number"),
        (Linear(8.0, 5), "n_in 8.0, expected a whole number"),
        (Maxout(3, 5, 0), "pieces 0, expected a whole number"),
    ],
)
def test_layers_that_are_none(layer, message):
    with pytest.raises(ValueError, match=message):
        Sequential(layer)


def test_examples_that_the_generator_cannot_make():
    with pytest.raises(ConfigError, match="examples of 6 values, and the generator makes 5"):
        gan().fit(np.ones((20, 6)))
    with pytest.raises(ConfigError, match=r"values outside \[0, 1\], and the generator ends in a sigmoid"):
        GAN(generator(Sigmoid()), discriminator(), RECIPE).fit(255 * X)
    with pytest.raises(ConfigError, match=r"values outside \[0, inf\], and the generator ends in a relu: from -"):
        GAN(generator(ReLU()), discriminator(), RECIPE).fit(X - 0.5)
    assert GAN(generator(ReLU()), discriminator(), RECIPE).fit(255 * X, iterations=1).iteration == 1
    bytes_ = (255 * X).astype(np.uint8)
    assert GAN(generator(Sigmoid()), discriminator(), RECIPE).fit(bytes_, iterations=1).iteration == 1


@pytest.mark.parametrize("how", [{"epochs": -3}, {"epochs": 1.5}, {"iterations": -1}])
def test_a_length_of_training_that_is_none(how):
    with pytest.raises(ConfigError, match="expected a whole number, 0 or more"):
        gan().fit(X, **how)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_training_that_diverges_says_so(optimizer):
    with pytest.raises(DivergedError, match=r"iteration 20: .* is not finite; try a smaller lr"):
        gan(replace(RECIPE, optimizer=optimizer, lr=1e30)).fit(X, iterations=20)


def test_a_floor_above_the_learning_rate_does_not_raise_it():
    trained = gan(replace(RECIPE, lr=0.1, lr_floor=5.0)).fit(X, iterations=3)
    assert trained.game.clock.lr_schedule(3) == 0.1


def test_a_number_of_a_gpu_is_refused_on_a_cpu():
    with pytest.raises(ConfigError, match="^device 7: expected backend cupy, since numpy computes on the CPU"):
        GAN(generator(), discriminator(), RECIPE, device=7)


def test_what_is_no_recipe_no_layer_and_no_data():
    G, D = Sequential(Linear(8, 4), Sigmoid()), Sequential(Linear(4, 1))
    with pytest.raises(ConfigError, match="the recipe is {'latent': 8}, expected a Recipe"):
        GAN(G, D, {"latent": 8})
    with pytest.raises(ValueError, match="expected layers such as"):
        Sequential(Sequential(Linear(8, 8)), Linear(8, 4))
    with pytest.raises(DataError, match="dtype object"):
        GAN(G, D, Recipe(latent=8)).fit(None)
    with pytest.raises(ConfigError) as refused:
        GAN(G, D, Recipe(latent=8)).fit(np.zeros((20, 4)), epochs=np.zeros(500))
    assert str(refused.value).startswith("epochs array(") and "\n" not in str(refused.value)


def test_numbers_of_numpy_can_be_saved(tmp_path):
    recipe = Recipe(latent=8, batch_size=np.int64(5), seed=np.uint64(3), lr=np.float32(0.1))
    G, D = Sequential(Linear(np.int64(8), 4), Sigmoid()), Sequential(Linear(4, 1))
    gan = GAN(G, D, recipe).fit(np.random.default_rng(0).random((20, 4)), iterations=np.int64(2))
    gan.save(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(GAN.load(tmp_path / "a.safetensors").sample(3), gan.sample(3))


@dataclass(frozen=True)
class Table(Linear):
    values: np.ndarray | None = None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda many: gan(replace(RECIPE, lr=many)),
        lambda many: gan().fit(X, iterations=1).sample(many),
        lambda many: gan().fit(X, iterations=1).sample(3, seed=many),
        lambda many: gan().fit(X, iterations=many),
        lambda many: Sequential(many),
        lambda many: Sequential(Linear(many, 3)),
        lambda many: Sequential(Linear(3, 4), Linear(3, 4, bias=Marginals(many))),
        lambda many: Sequential(Linear(3, 4), Table(3, 4, values=many)),
        lambda many: GAN(generator(Table(5, 5, values=many)), discriminator(), RECIPE),
        lambda many: GAN(many, discriminator(), RECIPE),
    ],
)  # fmt: skip
def test_a_long_value_is_refused_in_one_line(wrong):
    """Arrays have reprs of many lines; a layer's fields may hold one."""
    many = np.full(300, 0.5)
    with pytest.raises(ValueError, match="expected|above a layer|a checkpoint keeps") as refused:
        wrong(many)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 600
