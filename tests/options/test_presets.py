"""The authors' recipes against their own files' numbers; and, made narrow, from the data to a checkpoint."""

import re
from pathlib import Path

import numpy as np
import pytest

from minigan.data import DataError
from minigan.errors import ConfigError
from minigan.game.optim import Momentum
from minigan.game.priors import Prior
from minigan.game.schedules import ExponentialDecay, LinearRamp
from minigan.gan import GAN
from minigan.layers import Dropout, Linear, Maxout, ReLU, Sequential, Sigmoid
from minigan.layers.initialisers import Constant, Marginals, Sparse, Uniform
from minigan.layers.models import build
from minigan.options.config import from_toml, preset, to_toml
from minigan.run.trainer import Trainer
from minigan.train import options

RANDOM = np.random.default_rng(0)
MEANS = {784: np.full(784, 0.1), 2304: np.full(2304, 0.4), 3072: None}
ZERO = Constant(0.0)


def described(network: Sequential) -> list[tuple]:
    """(kind, widths, how W and b begin) of each layer with weights; kind and keep of the others."""
    found = []
    for layer in network.layers:
        match layer:
            case Linear():
                bias = "marginals" if isinstance(layer.bias, Marginals) else layer.bias
                found.append(("linear", layer.n_in, layer.n_out, layer.weights, bias))
            case Maxout():
                found.append(("maxout", layer.n_in, layer.n_out, layer.pieces, layer.weights, layer.bias))
            case Dropout():
                found.append(("keep", layer.keep))
            case ReLU() | Sigmoid():
                found.append((type(layer).__name__,))
    return found


# Tables and options from here on, laid out by hand.
# fmt: off
RELU, SIGMOID = ("ReLU",), ("Sigmoid",)
STAGE_1 = [
    ("linear", 100, 8000, Uniform(0.05), ZERO), RELU,
    ("linear", 8000, 8000, Uniform(0.05), Constant(-2.0)), SIGMOID,
    ("linear", 8000, 2304, Sparse(100), "marginals"), SIGMOID,
]
GENERATORS = {
    "mnist": (784, [
        ("linear", 100, 1200, Uniform(0.05), ZERO), RELU,
        ("linear", 1200, 1200, Uniform(0.05), ZERO), RELU,
        ("linear", 1200, 784, Uniform(0.05), "marginals"), SIGMOID,
    ]),
    "cifar10": (3072, [
        ("linear", 100, 8000, Uniform(0.05), ZERO), RELU,
        ("linear", 8000, 8000, Uniform(0.05), ZERO), SIGMOID,
        ("linear", 8000, 3072, Uniform(0.5), ZERO),
    ]),
    "tfd": (2304, STAGE_1),
    "tfd-stage2": (2304, [
        ("linear", 100, 8000, Uniform(0.05), ZERO), RELU,
        ("linear", 8000, 100, Uniform(0.05), Constant(-2.0)), SIGMOID,
        *STAGE_1,
    ]),
}
UNITS = {"mnist": 240, "cifar10": 1600, "tfd": 1200, "tfd-stage2": 1200}
RECIPES = {
    "mnist": {"data": "mnist", "prior": "uniform", "lr": 0.1, "epochs": 50},
    "cifar10": {"data": "cifar10", "prior": "normal", "lr": 0.025, "contrast": 55.0},
    "tfd": {"data": "tfd", "prior": "normal", "lr": 0.05, "max_column_norm": 1.9365, "epochs": 50},
    "tfd-stage2": {"data": "tfd", "prior": "normal", "lr": 0.05, "max_column_norm": 1.9365, "epochs": 22,
                   "generator_from": "runs/tfd-1"},
}
OF_ALL = {"latent": 100, "batch_size": 100, "k": 1, "updates": "simultaneous", "loss": "non-saturating",
          "optimizer": "momentum", "lr_decay": 1.000004, "lr_floor": 1e-6, "momentum": 0.5, "momentum_final": 0.7,
          "momentum_epochs": 250, "precision": "float32"}
ELSE_NONE = ("contrast", "max_column_norm", "generator_from")


@pytest.mark.parametrize("name", RECIPES)
def test_the_numbers_of_the_recipe(name):
    config = preset(name)
    assert config.checked is config
    expected = OF_ALL | dict.fromkeys(ELSE_NONE) | RECIPES[name]
    assert {option: getattr(config, option) for option in expected} == expected


@pytest.mark.parametrize("name", GENERATORS)
def test_the_layers_of_both_networks_and_how_they_begin(name):
    config, (features, layers) = preset(name), GENERATORS[name]
    assert described(build(config.generator, config.latent, features, MEANS[features])) == layers
    units = UNITS[name]
    assert described(build(config.discriminator, features, 1)) == [
        ("keep", 0.8), ("maxout", features, units, 5, Uniform(0.005), ZERO),
        ("keep", 0.5), ("maxout", units, units, 5, Uniform(0.005), ZERO),
        ("keep", 0.5), ("linear", units, 1, Uniform(0.005), ZERO),
    ]


@pytest.mark.parametrize("name", RECIPES)
def test_a_preset_printed_is_read_back(name):
    assert from_toml(to_toml(preset(name)), "printed", preset(name)) == preset(name)


# ---- Narrow networks on small files ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cifar10(tmp_path_factory) -> str:
    """250 images, of which 200 to train on."""
    folder = tmp_path_factory.mktemp("cifar10") / "cifar-10-batches-bin"
    folder.mkdir()
    records = RANDOM.integers(0, 256, (250, 3073), dtype=np.uint8)
    records[:, 0] %= 10
    (folder / "data_batch_1.bin").write_bytes(records.tobytes())
    return str(folder.parent)


@pytest.fixture(scope="module")
def tfd(tmp_path_factory) -> str:
    """90 images, of which 60 unlabelled."""
    path = tmp_path_factory.mktemp("tfd") / "TFD_48x48.npz"
    folds = np.repeat([0, 1, 2, 3], [60, 10, 10, 10])[:, None].repeat(5, axis=1)
    np.savez(path, images=RANDOM.integers(0, 256, (90, 48, 48), dtype=np.uint8), folds=folds.astype(np.uint8))
    return str(path)


def narrow(name: str, data: str, out: Path, *more: str) -> Trainer:
    """The preset's own layer lines, with smaller numbers in the widths' places."""
    config = preset(name)
    lines = {
        option: [re.sub(r"\b8000\b", "40", re.sub(r"\b1[26]00x5", "6x5", line.replace("sparse=100", "sparse=10")))
                 for line in getattr(config, option)]
        for option in ("generator", "discriminator")
    }
    return Trainer(options([
        "--preset", name, "--data", data, "--out", str(out), "--batch-size", "20", "--iterations", "4",
        "--generator", *lines["generator"], "--discriminator", *lines["discriminator"], "--backend", "numpy", *more,
    ]))


def weights(player) -> dict[str, np.ndarray]:
    return {name: np.array(view) for name, view in player.params.items()}


def within(W: np.ndarray, limit: float) -> bool:
    """Whether W fills [-limit, limit) and does not leave it."""
    return 0.95 * limit < np.abs(W).max() <= np.float32(limit)


def column_norms(player) -> np.ndarray:
    return np.concatenate([np.linalg.norm(W, axis=0) for name, W in player.params.items() if name.endswith(".W")])


def final(out: Path) -> bytes:
    return (out / "checkpoints" / "iteration-00000004.safetensors").read_bytes()


def test_cifar10_from_the_bytes_to_a_picture(cifar10, tmp_path):
    trainer = narrow("cifar10", cifar10, tmp_path / "a")
    game = trainer.gan.game
    G, D = weights(game.generator), weights(game.discriminator)
    assert {name: W.shape for name, W in G.items() if name.endswith("W")} == {
        "0.W": (100, 40), "2.W": (40, 40), "4.W": (40, 3072)
    }
    assert within(G["0.W"], 0.05) and within(G["2.W"], 0.05) and within(G["4.W"], 0.5)
    assert all(within(D[name], 0.005) for name in ("1.W", "3.W"))
    assert not any(b.any() for name, b in (G | D).items() if name.endswith(".b"))
    assert game.clock.lr_schedule == ExponentialDecay(0.025, 1.000004, 1e-6)
    assert game.clock.momentum_schedule == LinearRamp(0.5, 0.7, 250, 10)
    assert isinstance(game.generator.optimiser, Momentum) and game.prior == Prior("normal", 100)
    assert game.generator.max_column_norm is None and game.discriminator.max_column_norm is None
    assert trainer.source.examples.dtype == np.uint8 and trainer.source.examples.shape == (200, 3072)
    lengths = np.linalg.norm(trainer.data.scaled(trainer.data.train, np.float32), axis=1)
    np.testing.assert_allclose(lengths, 55, rtol=1e-5)
    trainer.run()
    assert GAN.load(tmp_path / "a").data["contrast"] == 55
    assert (tmp_path / "a" / "samples" / "iteration-00000004.png").is_file()
    assert not np.array_equal(weights(game.generator)["4.W"], G["4.W"])


def test_tfd_and_its_second_stage(tfd, tmp_path):
    first = narrow("tfd", tfd, tmp_path / "tfd-1")
    G, D = weights(first.gan.game.generator), weights(first.gan.game.discriminator)
    assert within(G["0.W"], 0.05) and within(G["2.W"], 0.05)
    assert ((G["4.W"] != 0).sum(axis=0) == 10).all() and G["4.W"].std() > 0.3
    means = first.data.train.mean(axis=0) / 255
    np.testing.assert_allclose(G["4.b"], np.log(means / (1 - means)), rtol=1e-4, atol=1e-6)
    assert not G["0.b"].any() and (G["2.b"] == -2).all()
    first.run()
    for player in (first.gan.game.generator, first.gan.game.discriminator):
        assert column_norms(player).max() <= 1.9365 * (1 + 1e-6)
    assert column_norms(first.gan.game.generator).max() == pytest.approx(1.9365)
    trained = weights(first.gan.game.generator)

    second = narrow("tfd-stage2", tfd, tmp_path / "two", "--generator-from", str(tmp_path / "tfd-1"))
    begun = weights(second.gan.game.generator)
    assert within(begun["0.W"], 0.05) and within(begun["2.W"], 0.05) and (begun["2.b"] == -2).all()
    assert begun["2.W"].shape == (40, 100)
    for layer in (0, 2, 4):
        for letter in "Wb":
            assert begun[f"{layer + 4}.{letter}"].tobytes() == trained[f"{layer}.{letter}"].tobytes()
    fresh = weights(second.gan.game.discriminator)
    assert all(fresh[name].tobytes() == D[name].tobytes() for name in D)
    assert not np.any(second.gan.game.generator.optimiser.state["velocity"].flat)
    second.run()
    learnt = weights(second.gan.game.generator)
    assert not any(np.array_equal(learnt[f"{layer}.W"], begun[f"{layer}.W"]) for layer in (0, 2, 4, 6, 8))
    assert column_norms(second.gan.game.generator).max() <= 1.9365 * (1 + 1e-6)
    assert f'generator_from = "{tmp_path / "tfd-1"}"' in (tmp_path / "two" / "config.toml").read_text()


def test_a_contrast_is_kept_when_a_run_goes_on(cifar10, tmp_path):
    out = ["--out", str(tmp_path / "a")]
    narrow("cifar10", cifar10, tmp_path / "whole").run()
    narrow("cifar10", cifar10, tmp_path / "a", "--iterations", "2").run()
    for contrast in ("None", "1"):
        with pytest.raises(ConfigError, match=f"^contrast {contrast}.*has 55.0"):
            Trainer(options([*out, "--resume", "--contrast", contrast]))
    Trainer(options([*out, "--resume", "--iterations", "4"])).run()
    assert final(tmp_path / "a") == final(tmp_path / "whole")


def test_a_second_stage_goes_on_without_looking_at_the_first(tfd, tmp_path):
    first, whole, parts = tmp_path / "one", tmp_path / "whole", tmp_path / "parts"
    narrow("tfd", tfd, first).run()
    narrow("tfd-stage2", tfd, whole, "--generator-from", str(first)).run()
    narrow("tfd-stage2", tfd, parts, "--generator-from", str(first), "--iterations", "2").run()
    first.rename(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="^generator_from another.*the run in .*parts has .*one"):
        Trainer(options(["--out", str(parts), "--resume", "--generator-from", "another"]))
    Trainer(options(["--out", str(parts), "--resume", "--iterations", "4"])).run()
    assert final(parts) == final(whole)


def test_a_generator_of_its_own_precision_begins_another(tfd, tmp_path):
    narrow("tfd", tfd, tmp_path / "one").run()
    file = tmp_path / "one" / "checkpoints" / "iteration-00000004.safetensors"
    second = narrow("tfd-stage2", tfd, tmp_path / "two", "--generator-from", str(file), "--precision", "float64")
    trained = GAN.load(file).game.generator.params
    begun = second.gan.game.generator.params
    assert begun["4.W"].dtype == np.float64
    np.testing.assert_array_equal(begun["4.W"], trained["0.W"])


def test_a_first_stage_that_cannot_be_used(tfd, tmp_path):
    narrow("tfd", tfd, tmp_path / "one").run()
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(final(tmp_path / "one")[:-1])
    (tmp_path / "empty").mkdir()
    for run, message in (
        (tmp_path / "none", "No such file"),
        (tmp_path / "empty", "no checkpoint"),
        (damaged, "damaged"),
        ("", "expected a run's folder"),
    ):
        with pytest.raises(ConfigError, match=f"generator.from {re.escape(str(run))}.*{message}"):
            narrow("tfd-stage2", tfd, tmp_path / "two", "--generator-from", str(run))
    for generator in (["relu 40", "sigmoid"], ["relu 41", "sigmoid 40", "sigmoid"], ["sigmoid"]):
        with pytest.raises(ConfigError, match="^generator_from .*one: a generator 100-40-40-2304, expected"):
            narrow("tfd-stage2", tfd, tmp_path / "two", "--generator-from", str(tmp_path / "one"),
                   "--generator", *generator)
    assert not (tmp_path / "two").exists()


@pytest.mark.parametrize("contrast", ["0", "-1", "nan", "inf"])
def test_a_contrast_out_of_range(contrast):
    with pytest.raises(ConfigError, match=f"^--contrast {float(contrast)}: expected above 0"):
        options(["--contrast", contrast])


def test_contrast_normalised_data_need_a_linear_output(cifar10, tmp_path):
    with pytest.raises(ConfigError, match="^contrast 55.0: values outside .* expected linear as the last"):
        narrow("cifar10", cifar10, tmp_path / "a", "--generator", "sigmoid")
    with pytest.raises(ConfigError, match="bias=marginals"):
        narrow("cifar10", cifar10, tmp_path / "a", "--generator", "linear bias=marginals")
    with pytest.raises(ConfigError, match="bias=marginals: expected on a sigmoid layer"):
        narrow("cifar10", cifar10, tmp_path / "a", "--contrast", "None", "--generator", "linear bias=marginals")
    with pytest.raises(DataError, match="^contrast 55.0: ring"):
        narrow("cifar10", "ring", tmp_path / "a")
