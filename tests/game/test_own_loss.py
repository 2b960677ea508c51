"""A loss of one's own in plain NumPy: it plays, is checked, saved and loaded; or it is refused, and why."""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from minigan import GAN, CheckpointError, ConfigError, Dropout, Linear, Recipe, ReLU, Sequential, check_loss
from minigan.backends import NAMES, get
from minigan.files import checkpoint
from minigan.game.losses import LOSSES, NON_SATURATING, SATURATING
from minigan.generator.sampler import Sampler
from minigan.options.config import Config
from minigan.run.trainer import Trainer

X = np.random.default_rng(0).random((40, 5))
RECIPE = Recipe(latent=3, batch_size=10, precision="float64", seed=3)


@dataclass(frozen=True)
class Plain:
    """`NON_SATURATING` with smoothed targets, written by the logits: what D minimises is no longer -V."""

    smooth: float = 0.0
    logit = True

    def d_loss(self, real, fake):
        softplus = np.log1p(np.exp(real)), np.log1p(np.exp(fake))
        return np.mean(softplus[0] - (1 - self.smooth) * real) + np.mean(softplus[1])

    def g_loss(self, fake):
        return np.mean(np.log1p(np.exp(-fake)))

    def d_backward(self, ops, logits, weight, out):
        m = len(logits) // 2
        targets = np.repeat([[1 - self.smooth], [0.0]], m, axis=0)
        return weight * (1 / (1 + np.exp(-logits)) - targets) / m

    def g_backward(self, ops, logits, out):
        return (1 / (1 + np.exp(-logits)) - 1) / len(logits)


@dataclass(frozen=True)
class Hinge:
    """No probability: D(x) is l.  (Lim and Ye 2017)"""

    margin: float = 1.0
    logit = False

    def d_loss(self, real, fake):
        return np.maximum(0, self.margin - real).mean() + np.maximum(0, self.margin + fake).mean()

    def g_loss(self, fake):
        return -fake.mean()

    def d_backward(self, ops, logits, weight, out):
        m = len(logits) // 2
        out[:m], out[m:] = (logits[:m] < self.margin) * -weight / m, (logits[m:] > -self.margin) * weight / m
        return out

    def g_backward(self, ops, logits, out):
        return np.full_like(logits, -1 / len(logits))


def odd(parent=Plain, **methods):
    """A loss like its parent but for some methods."""
    return dataclass(frozen=True)(type("Odd", (parent,), methods))()


def new_gan(loss, backend="numpy", **rules):
    G = Sequential(Linear(3, 6), ReLU(), Linear(6, 5))
    D = Sequential(Dropout(0.8), Linear(5, 6), ReLU(), Linear(6, 1))
    return GAN(G, D, replace(RECIPE, loss=loss, **rules), backend)


# ---- It plays ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
@pytest.mark.parametrize("backend", NAMES)
def test_it_plays_as_minigans_own_of_the_same_formula(backend, updates):
    gans = [new_gan(loss, backend, updates=updates).fit(X, iterations=8) for loss in (Plain(), "non-saturating")]
    np.testing.assert_allclose(gans[0].sample(7), gans[1].sample(7), rtol=1e-9)
    assert gans[0].game.measure() == pytest.approx(gans[1].game.measure(), rel=1e-9)
    smooth = new_gan(Plain(0.2), backend, updates=updates).fit(X, epochs=2)
    assert np.abs(gans[0].sample(7) - smooth.sample(7)).max() > 1e-4


def test_an_object_of_minigans_is_its_name():
    one, other = (new_gan(loss).fit(X, iterations=3).snapshot() for loss in (SATURATING, "saturating"))
    assert one.header == other.header and one.header["recipe"]["loss"] == "saturating"


def test_without_a_probability_d_is_what_its_last_layer_makes_and_v_is_not_said():
    gan = new_gan(Hinge(), updates="simultaneous").fit(X, iterations=20)
    seen, (real, fake) = gan.game.measure(), np.split(gan.game.logits, 2)
    assert seen["value"] is None and seen["d_real"] == real.mean() and seen["d_fake"] == fake.mean()
    assert seen["d_loss"] == pytest.approx((np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()) / 2)
    assert seen["g_loss"] == -fake.mean() and type(seen["d_loss"]) is type(seen["g_loss"]) is float
    theta = gan.game.discriminator.params
    hidden = np.maximum(0, X @ theta["1.W"] + theta["1.b"])
    np.testing.assert_allclose(gan.discriminate(X), (hidden @ theta["3.W"] + theta["3.b"])[:, 0], rtol=1e-12)


def test_float64_that_it_makes_of_float32_is_rounded():
    wide = odd(g_backward=lambda self, ops, logits, out: Plain.g_backward(self, ops, logits.astype(np.float64), out))
    assert new_gan(wide, precision="float32").fit(X, iterations=3).sample(2).dtype == np.float32


# ---- It is checked -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [Plain(0.1), Hinge(0.7), *LOSSES, NON_SATURATING])
def test_a_right_loss_passes_its_check(loss):
    rows = check_loss(loss)
    assert [row.name.partition(": ")[2] for row in rows] == ["dlogits of D", "dlogits of G"]
    assert all(row.passed for row in rows) and [row.checks for row in rows] == [16, 16]


def forgets_the_weight(self, ops, logits, weight, out):
    return Plain.d_backward(self, ops, logits, 1.0, out)


def in_place(self, ops, logits, weight, out):
    logits -= 1
    return Plain.d_backward(self, ops, logits + 1, weight, out)


@pytest.mark.parametrize(
    "methods, players",
    [
        ({"d_backward": forgets_the_weight}, "D"),
        ({"d_backward": in_place}, "D"),
        ({"g_backward": lambda self, ops, logits, out: -Plain.g_backward(self, ops, logits, out)}, "G"),
        ({"g_loss": lambda self, fake: Plain.g_loss(self, fake).sum() * len(fake)}, "G"),
        ({"d_loss": lambda self, real, fake: Plain.d_loss(self, fake, real)}, "D"),
    ],
)
def test_a_wrong_loss_fails_where_it_is_wrong(methods, players):
    failed = {row.name[-1] for row in check_loss(odd(**methods), get("numpy")) if not row.passed}
    assert failed == set(players)


# ---- It is saved and loaded --------------------------------------------------------------------------------------


def test_it_is_loaded_by_its_class_and_goes_on_to_the_last_bit(tmp_path):
    path = tmp_path / "x.safetensors"
    gan = new_gan(Plain(smooth=np.float64(0.1))).fit(X, iterations=4)
    gan.save(path)
    again = GAN.load(path, loss=Plain)
    assert again.recipe.loss == Plain(0.1) and again.snapshot().header == gan.snapshot().header
    for each in (gan, again):
        each.game.draw_z(0)
        each.game.g_step(0)
    assert again.sample(5).tobytes() == gan.sample(5).tobytes()


def test_a_generator_alone_needs_none(tmp_path):
    gan = new_gan(Hinge()).fit(X, iterations=4)
    gan.save(tmp_path / "x.safetensors")
    assert Sampler.load(tmp_path / "x.safetensors").sample(5).tobytes() == gan.sample(5).tobytes()


@pytest.mark.parametrize("own", [None, Plain])
def test_another_class_than_its_own_does_not_load_it(own, tmp_path):
    new_gan(Hinge()).fit(X, iterations=1).save(tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match=r"an unknown loss Hinge; expected load\(path, loss=its class\)"):
        GAN.load(tmp_path / "x.safetensors", loss=own)


@pytest.mark.parametrize(
    "kept", [[], ["Hinge"], ["Hinge", 3], [3, {}], ["Hinge", {"width": 1}], ["Hinge", {"margin": []}]]
)
def test_a_description_of_none_is_the_files_fault(kept, tmp_path):
    path = tmp_path / "x.safetensors"
    new_gan(Hinge()).fit(X, iterations=1).save(path)
    tensors, header = checkpoint.read(path)
    header["recipe"]["loss"] = kept
    checkpoint.write(path, tensors, json.loads(json.dumps(header)))
    with pytest.raises(CheckpointError, match="its header describes no GAN"):
        GAN.load(path, loss=Hinge)


@dataclass(frozen=True)
class Table(Plain):
    values: Any = None


@dataclass
class Thawed:
    logit = True
    d_loss, g_loss, d_backward, g_backward = Plain.d_loss, Plain.g_loss, Plain.d_backward, Plain.g_backward


class Bare:
    logit = True
    d_loss, g_loss, d_backward, g_backward = Plain.d_loss, Plain.g_loss, Plain.d_backward, Plain.g_backward


@pytest.mark.parametrize(
    "loss, words",
    [
        (Table(values=np.ones(3)), "Table of values array.*: a checkpoint keeps numbers, texts"),
        (Thawed(), r"Thawed: expected @dataclass\(frozen=True\)"),
        (Bare(), r"Bare: expected @dataclass\(frozen=True\)"),
    ],
)
def test_what_could_not_be_loaded_again_is_refused_before_it_trains(loss, words):
    with pytest.raises(ConfigError, match=f"the loss could not be saved and loaded: {words}"):
        new_gan(loss)


# ---- It is refused -----------------------------------------------------------------------------------------------


class Half:
    logit = True

    def d_loss(self, real, fake):
        return 0.0


@pytest.mark.parametrize("loss", [3, Hinge, Half(), None])
def test_what_is_no_loss_is_refused(loss):
    with pytest.raises(ConfigError, match="^loss .*: expected a loss of your own or one of non-saturating, saturating"):
        new_gan(loss)


@pytest.mark.parametrize(
    "methods, words",
    [
        ({"d_backward": lambda self, ops, logits, weight, out: logits[1:]}, r"d_backward returned shape \(19, 1\)"),
        ({"d_backward": lambda self, ops, logits, weight, out: None}, "Odd.d_backward returned NoneType on numpy"),
        ({"g_backward": lambda self, ops, logits, out: logits.tolist()}, "g_backward returned list on numpy, expected"),
    ],
)
def test_what_kernels_cannot_take_is_named(methods, words):
    with pytest.raises(ConfigError, match=words):
        new_gan(odd(**methods)).fit(X, iterations=1)


def test_a_run_of_the_command_keeps_its_loss_by_name(tmp_path):
    with pytest.raises(ConfigError, match="^loss Hinge.*: expected one of non-saturating, saturating"):
        Trainer(Config(loss=Hinge(), out=str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "loss", [3, None, [], object(), Plain, "hinge"], ids="number none list object class name".split()
)
def test_what_is_no_loss(loss):
    with pytest.raises(ConfigError, match="loss .*: expected one of non-saturating, .*, or a loss of your own"):
        check_loss(loss)
