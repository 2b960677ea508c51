"""`GAN.gradients`: the plain gradients, against finite differences and against the step that SGD takes with them."""

from dataclasses import replace

import numpy as np
import pytest

from minigan import GAN, ConfigError, DataError, Dropout, Linear, Maxout, Recipe, ReLU, Sequential
from minigan.backends import NAMES
from minigan.data import Dataset, describe, minibatches
from minigan.game.losses import LOSSES
from minigan.game.state import tensors
from minigan.generator.sampler import forward_in_batches

pytestmark = pytest.mark.rounding

X = np.random.default_rng(0).random((30, 5))
RECIPE = Recipe(latent=3, batch_size=10, precision="float64", seed=4, lr=0.3, optimizer="sgd")
UPDATES = ["alternating", "simultaneous"]


def new_gan(recipe, backend="numpy", keep=0.7, iterations=6):
    """After some iterations, with the source of its minibatches; keep = 1 for a game without dropout."""
    dropout = [Dropout(keep)] if keep < 1 else []
    G = Sequential(Linear(3, 6), ReLU(), *dropout, Linear(6, 5))
    D = Sequential(*dropout, Maxout(5, 6, 3), *dropout, Linear(6, 1))
    gan = GAN(G, D, recipe, backend)
    data = Dataset("noise", X)
    gan.source = minibatches(gan.ops, data, recipe.batch_size, recipe.seed, recipe.dtype)
    gan.begin(gan.source.batches_per_epoch, describe(data))
    for _ in range(iterations):
        gan.step(gan.source)
    return gan


def weights(gan):
    return {name: np.array(view) for name, view in tensors(gan.game).items() if name.count(".") == 2}


def next_minibatch(gan):
    gan.source.prepare(gan.iteration, gan.recipe.k)
    gan.game.draw_x(gan.source, 0)
    return gan.game.x.copy()


@pytest.mark.parametrize("updates", UPDATES)
@pytest.mark.parametrize("name", LOSSES)
def test_they_are_the_slopes_of_both_losses(name, updates):
    gan = new_gan(replace(RECIPE, loss=name, updates=updates), keep=1)
    z, loss, h = np.random.default_rng(1).standard_normal((8, 3)), LOSSES[name], 1e-6
    found = gan.gradients(X[:8], z)
    assert found.keys() == weights(gan).keys()

    def logits(x):
        return forward_in_batches(gan.ops, gan.discriminator, gan.game.discriminator.params, x)

    def losses():
        fake = logits(gan.sampler().generate(z))
        weight = 0.5 if updates == "simultaneous" else 1.0
        return {"discriminator": weight * loss.d_loss(logits(X[:8]), fake), "generator": loss.g_loss(fake)}

    for full_name, gradient in found.items():
        role, _, weight_name = full_name.partition(".")
        view = getattr(gan.game, role).params[weight_name]
        assert gradient.shape == view.shape
        for i in np.ndindex(view.shape):
            at, moved = view[i], []
            for step in (h, -h):
                view[i] = at + step
                moved.append(losses()[role])
            view[i] = at
            assert gradient[i] == pytest.approx((moved[0] - moved[1]) / (2 * h), abs=1e-8)


@pytest.mark.parametrize("backend", NAMES)
def test_sgd_steps_by_them(backend):
    """theta - theta' = lr g, dropout included: of both players in the simultaneous order, of D, who moves first, in the
    alternating one."""
    for updates, roles in (("alternating", ["discriminator"]), ("simultaneous", ["discriminator", "generator"])):
        gan = new_gan(replace(RECIPE, updates=updates), backend)
        found, before = gan.gradients(next_minibatch(gan)), weights(gan)
        gan.step(gan.source)
        after = weights(gan)
        compared = [name for name in found if name.split(".")[0] in roles]
        assert len(compared) >= 4 and max(np.abs(found[name]).max() for name in compared) > 1e-2
        for name in compared:
            np.testing.assert_allclose(before[name] - after[name], RECIPE.lr * found[name], atol=1e-12)


@pytest.mark.parametrize(
    "rules",
    [
        {"optimizer": "momentum", "momentum": 0.9, "momentum_final": 0.9},
        {"optimizer": "adam"},
        {"max_column_norm": 0.1, "average": 3},
    ],
)
def test_they_are_plain_whatever_the_optimiser_and_nothing_moves(rules):
    recipe = replace(RECIPE, **rules)
    gan, other, sgd = new_gan(recipe, iterations=2), new_gan(recipe, iterations=2), new_gan(RECIPE, iterations=2)
    gan.game.watch(True)
    for role in ("generator", "discriminator"):
        getattr(sgd.game, role).params.flat[:] = getattr(gan.game, role).params.flat
    x, z = X[3:9], np.ones((6, 3))
    kept = {name: np.array(view) for name, view in tensors(gan.game).items()}, gan.game.measure(), gan.game.x.copy()
    found, expected = gan.gradients(x, z), sgd.gradients(x, z)
    assert all((found[name] == expected[name]).all() for name in expected)
    assert all((view == kept[0][name]).all() for name, view in tensors(gan.game).items())
    assert gan.game.measure() == kept[1] and (gan.game.x == kept[2]).all()
    for each in (gan, other):
        each.step(each.source)
    assert gan.sample(9).tobytes() == other.sample(9).tobytes()


def test_z_is_drawn_as_the_coming_iteration_begins_to_and_whole_numbers_are_scaled():
    bytes_ = np.random.default_rng(2).integers(0, 256, (30, 5)).astype(np.uint8)
    gan = GAN(Sequential(Linear(3, 5)), Sequential(Linear(5, 1)), RECIPE).fit(bytes_, iterations=3)
    gan.game.draw_z(0)
    drawn, given = gan.gradients(bytes_[:10]), gan.gradients(bytes_[:10] / 255, gan.game.z)
    for name in given:
        np.testing.assert_allclose(drawn[name], given[name], rtol=1e-12)


def test_what_does_not_fit_is_refused():
    gan = new_gan(RECIPE)
    with pytest.raises(ConfigError, match=r"^z of shape \(4, 2\): expected \(n, 3\)"):
        gan.gradients(X[:4], np.ones((4, 2)))
    with pytest.raises(ConfigError, match="^x of 4 rows and z of 5: expected as many"):
        gan.gradients(X[:4], np.ones((5, 3)))
    with pytest.raises(ConfigError, match="^z with NaN or infinity in row 0"):
        gan.gradients(X[:4], np.full((4, 3), np.nan))
    with pytest.raises(ConfigError, match=r"^x of shape \(4, 3\): expected \(n, 5\)"):
        gan.gradients(X[:4, :3])
    for x, words in ((X[:0], "at least one example"), (X[:4] * np.nan, "NaN")):
        with pytest.raises((ConfigError, DataError), match=words):
            gan.gradients(x)
    with pytest.raises(ConfigError, match="no weights yet"):
        GAN(gan.generator, gan.discriminator, RECIPE).gradients(X)
