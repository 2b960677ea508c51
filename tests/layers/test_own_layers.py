"""A layer of one's own in plain NumPy: it works on backends whose arrays are NumPy's, or is refused, and why."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from own_layers import Affine, Plain, failing

from minigan import (
    GAN,
    CheckpointError,
    ConfigError,
    Constant,
    Dropout,
    LeakyReLU,
    Linear,
    Maxout,
    Recipe,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
)
from minigan.backends import NAMES
from minigan.generator.sampler import Sampler

pytestmark = pytest.mark.rounding

X = np.random.default_rng(0).random((40, 5))
RECIPE = Recipe(latent=3, batch_size=10, precision="float64", seed=3)


def players(*end, width=5):
    return Sequential(Linear(3, 6), ReLU(), Linear(6, width), *end), Sequential(Linear(width, 6), ReLU(), Linear(6, 1))


# ---- It works ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
@pytest.mark.parametrize("backend", NAMES)
def test_at_the_end_of_g_it_is_what_d_sees(backend, updates):
    """The same bits as with minigan's own Tanh; NaN lies in the memory that G's last layer has to fill."""
    gans = []
    for end in (Plain(), Tanh()):
        recipe = Recipe(**vars(RECIPE) | {"updates": updates})
        gan = GAN(*players(end), recipe, backend)
        gans.append(gan.fit(X, iterations=5))
        gan.game.pair[...] = np.nan
        gan.game._generate(0)
        assert (
            gan.game.pair[10:].tobytes()
            == gan.generator.forward(gan.ops, gan.game.generator.params, gan.game.z, gan.game.tape_g).tobytes()
            and np.isfinite(gan.game.pair[10:]).all()
        )
    np.testing.assert_allclose(gans[0].sample(7), gans[1].sample(7), rtol=1e-9)


def test_a_layer_that_returns_its_input_at_the_end_of_g_is_as_none():
    identity = failing(
        forward=lambda self, ops, p, x, tape: x,
        backward=lambda self, ops, p, dy, tape, grads=None, need_dx=True: dy,
    )
    with_it, without = (GAN(*players(*end), RECIPE).fit(X, iterations=5) for end in ((identity(),), ()))
    assert with_it.sample(7).tobytes() == without.sample(7).tobytes()


def test_anywhere_and_with_weights_of_its_own():
    G = Sequential(Affine(n_in=3, n_out=6), Plain(0.5), Linear(6, 5), Sigmoid())
    D = Sequential(Linear(5, 6), Plain(), Affine(n_in=6, n_out=1))
    gan = GAN(G, D, RECIPE).fit(X, iterations=5)
    before = GAN(G, D, RECIPE).fit(X, iterations=0)
    for role in ("generator", "discriminator"):
        moved, start = (getattr(g.game, role).params.flat for g in (gan, before))
        assert np.isfinite(moved).all() and (moved != start).mean() > 0.05
    gan.game.logits[...] = np.nan
    gan.game.d_step()
    assert np.isfinite(gan.game.measure()["value"])


@pytest.mark.parametrize(
    "parent, pair",
    [
        (Tanh, lambda own: (Linear(3, 5), own())),
        (Linear, lambda own: (own(3, 5), ReLU())),
        (Dropout, lambda own: (Maxout(3, 5, 2), own(0.5))),
    ],
)
def test_a_pass_that_a_subclass_has_of_its_own_is_not_merged_away(parent, pair):
    ran = []

    def forward(self, ops, p, x, tape):
        ran.append(parent)
        return parent.forward(self, ops, p, x, tape)

    own = dataclass(frozen=True)(type("Own", (parent,), {"forward": forward}))
    GAN(Sequential(*pair(own), Linear(5, 5)), players()[1], RECIPE).fit(X, iterations=1)
    assert ran and len(Sequential(*pair(parent)).stages) == 1


def test_float64_that_it_makes_of_float32_is_rounded():
    @dataclass(frozen=True)
    class Wide(Plain):
        def forward(self, ops, p, x, tape):
            return super().forward(ops, p, x.astype(np.float64), tape)

    gan = GAN(*players(Wide(), Linear(5, 5)), Recipe(latent=3, batch_size=10)).fit(X, iterations=3)
    assert gan.sample(2).dtype == np.float32


# ---- It is saved and loaded --------------------------------------------------------------------------------------


def test_it_is_loaded_by_its_class_and_goes_on_to_the_last_bit(tmp_path):
    G, D = players(Plain(scale=np.float64(0.7), name="mine"))
    gan = GAN(G, D, RECIPE).fit(X, iterations=4)
    gan.save(tmp_path / "x.safetensors")
    again = GAN.load(tmp_path / "x.safetensors", layers=[Plain])
    assert again.generator.layers == G.layers and again.sample(5).tobytes() == gan.sample(5).tobytes()
    sampler = Sampler.load(tmp_path / "x.safetensors", layers=[Plain])
    assert sampler.sample(5).tobytes() == gan.sample(5).tobytes()
    for load in (GAN.load, Sampler.load):
        with pytest.raises(CheckpointError, match=r"an unknown layer Plain; expected load\(path, layers="):
            load(tmp_path / "x.safetensors")


class Bare:
    shapes, memory, forward, backward = Plain.shapes, Plain.memory, Plain.forward, Plain.backward


@dataclass
class Thawed:
    shapes, memory, forward, backward = Plain.shapes, Plain.memory, Plain.forward, Plain.backward


@pytest.mark.parametrize("make", [Bare, Thawed])
def test_what_is_no_frozen_dataclass_is_refused(make):
    with pytest.raises(ValueError, match=rf"{make.__name__}, expected @dataclass\(frozen=True\): a checkpoint"):
        Sequential(Linear(3, 2), make())


@dataclass(frozen=True)
class Table(Plain):
    values: Any = None


OwnReLU = dataclass(frozen=True)(type("ReLU", (Plain,), {}))


@dataclass(frozen=True)
class Needs(Plain):
    def __init__(self, what):
        object.__setattr__(self, "scale", what)


@pytest.mark.parametrize(
    "layer, message",
    [
        (Table(values=np.ones(3)), "Table of values array.*: a checkpoint keeps numbers, texts"),
        (Table(values=(1, 2)), "Table of values .1, 2.: a checkpoint keeps numbers, texts"),
        (LeakyReLU(Fraction(1, 3)), "LeakyReLU of slope Fraction.*: a checkpoint keeps numbers, texts"),
        (OwnReLU(), "ReLU: expected another name for a layer of your own"),
        (Needs(2.0), "no description of a network: .*unexpected keyword argument"),
    ],
)
def test_what_could_not_be_loaded_again_is_refused_before_it_trains(layer, message):
    with pytest.raises(ConfigError, match=f"the generator could not be saved and loaded: {message}"):
        GAN(*players(layer), RECIPE)


# ---- It is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "methods, message",
    [
        (
            {"forward": lambda self, ops, p, x, tape: x[:1] + 1},
            r"forward returned shape \(1, 5\), expected \(10, 5\)",
        ),
        (
            {"forward": lambda self, ops, p, x, tape: x.tolist()},
            "Odd.forward returned list on numpy, expected an array",
        ),
        ({"forward": lambda self, ops, p, x, tape: None}, "Odd.forward returned NoneType on numpy"),
        ({"backward": lambda self, ops, p, dy, tape, *rest: dy[:, :1]}, r"Odd.backward returned shape \(10, 1\)"),
        ({"backward": lambda self, ops, p, dy, tape, *rest: None}, "Odd.backward returned NoneType"),
    ],
)
def test_what_kernels_cannot_take_is_named(methods, message):
    with pytest.raises(ConfigError, match=message):
        GAN(*players(failing(**methods)()), RECIPE).fit(X, iterations=1)


@pytest.mark.parametrize("shapes", [{"gamma": (5,)}, {"W": (5, 5)}])
def test_a_parameter_without_a_beginning_is_refused(shapes):
    with pytest.raises(ValueError, match="with a parameter .*: expected W or b, its start"):
        Sequential(Linear(3, 5), failing(shapes=lambda self: shapes)())


def test_a_start_that_is_a_number_is_refused():
    with pytest.raises(ValueError, match="Sequential: Linear with a parameter W: expected W or b, its start"):
        Sequential(Linear(3, 5, weights=0.1, bias=Constant(0.0)))


def test_a_layer_that_changes_the_width_is_followed():
    halved = failing(memory=lambda self, width: {"y": (width // 2, None)})()
    assert Sequential(Linear(3, 8), halved, Linear(4, 2)).n_out == 2
    assert Sequential(Linear(3, 8), halved).n_out == 4
    with pytest.raises(ValueError, match="above a layer of width 4"):
        Sequential(Linear(3, 8), halved, Linear(8, 2))
