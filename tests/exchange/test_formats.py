"""Players written for PyTorch and ONNX, run there and held to ours; and what cannot be written."""

import sys
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from minigan import GAN, Dataset, Dropout, LeakyReLU, Linear, Maxout, Recipe, ReLU, Sequential, Tanh, backends
from minigan.errors import ConfigError
from minigan.exchange import onnx_graph, portable, torch_layout
from minigan.exchange.portable import Portable
from minigan.export import main
from minigan.files import checkpoint
from minigan.generator.sampler import Sampler, forward_in_batches, pretrained
from minigan.layers import Sigmoid, models
from minigan.layers.activations import ACTIVATIONS
from minigan.layers.params import Params
from minigan.options.config import preset, shipped_presets

OPS = backends.get("numpy")
FEATURES = {"mnist": 784, "cifar10": 3072, "tfd": 2304, "digits": 64, "gaussian": 1, "ring": 2, "grid": 2}
REACH = 1e-5


def by_onnx(player: Portable, x: np.ndarray, **others: np.ndarray) -> list[np.ndarray]:
    """What onnxruntime makes of the rows x."""
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    return run(runtime.InferenceSession(onnx_graph.model(player).SerializeToString()), x, **others)


def run(session, x: np.ndarray, **others: np.ndarray) -> list[np.ndarray]:
    return session.run(None, {session.get_inputs()[0].name: x} | others)


def by_torch(player: Portable, x: np.ndarray) -> np.ndarray:
    """What PyTorch makes of the rows x."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    with torch.device("meta"):  # no initial weights, which take longer than all else
        network = eval(torch_layout.code(player), {"nn": torch.nn}).eval()
    tensors = {name: torch.from_numpy(tensor) for name, tensor in torch_layout.state_dict(player).items()}
    network.load_state_dict(tensors, assign=True)
    with torch.no_grad():
        return network(torch.from_numpy(x)).numpy()


def ours(player: Portable, x: np.ndarray) -> np.ndarray:
    """What minigan makes of the rows x, before the probability."""
    params = Params(OPS, player.network.shapes(), player.dtype)
    for name, view in params.items():
        OPS.copy(player.weights[name], out=view)
    return forward_in_batches(OPS, player.network, params, x)


def with_weights(role: str, network: Sequential, dtype=np.float32, probability=False) -> Portable:
    """Weights that keep the size of what passes through."""
    rng = np.random.default_rng(8)
    weights = {}
    for name, shape in network.shapes().items():
        made = rng.standard_normal(shape, np.float32)
        weights[name] = (made / np.sqrt(shape[0]) if len(shape) == 2 else 0.1 * made).astype(dtype)
    return Portable(role, network, weights, probability)


LARGE = {"cifar10", "tfd", "tfd-stage2"}
EACH_PRESET = [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in shipped_presets()]


@pytest.mark.parametrize("name", EACH_PRESET)
def test_all_presets_networks_make_the_same(name):
    config = preset(name)
    features, told = FEATURES[config.data], 10 if config.condition else 0
    z = np.random.default_rng(9).normal(size=(3, config.latent + told)).astype(np.float32)
    means = np.full(features, 0.4)
    G = with_weights("generator", models.build(config.generator, config.latent + told, features, means))
    x = ours(G, z)
    np.testing.assert_allclose(by_onnx(G, z)[0], x, rtol=0, atol=REACH)
    np.testing.assert_allclose(by_torch(G, z), x, rtol=0, atol=REACH)
    del G
    x = np.hstack([x, z[:, config.latent :]])
    D = with_weights("discriminator", models.build(config.discriminator, features + told, 1), probability=True)
    logits = ours(D, x)
    logit, probability = by_onnx(D, x)
    np.testing.assert_allclose(logit, logits, rtol=0, atol=REACH)
    np.testing.assert_allclose(probability, 1 / (1 + np.exp(-logits)), rtol=0, atol=REACH)
    np.testing.assert_allclose(by_torch(D, x), probability, rtol=0, atol=REACH)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_layer_and_any_number_of_rows(dtype):
    layers = (Dropout(0.8), Maxout(7, 5, 4), ReLU(), Linear(5, 6), Tanh(), Linear(6, 6), Sigmoid(), Maxout(6, 3, 1))
    network = Sequential(*layers, *([LeakyReLU(0.2)] if dtype == np.float32 else []), Linear(3, 2))
    assert {type(layer) for layer in layers} | {LeakyReLU} >= set(ACTIVATIONS.values())
    player = with_weights("generator", network, dtype)
    for rows in (1, 2, 100):
        z = np.random.default_rng(rows).normal(size=(rows, 7)).astype(dtype)
        for made in (*by_onnx(player, z), by_torch(player, z)):
            assert made.dtype == dtype
            np.testing.assert_allclose(made, ours(player, z), rtol=0, atol=1e-6 if dtype == np.float32 else 1e-14)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_labels_are_an_input(tmp_path, precision):
    """Classes of any names are counted in their order; standardised features beside them go in as they are."""
    rng = np.random.default_rng(5)
    X, y = rng.normal([3, -40], [2, 9], size=(90, 2)), np.array(["hi", "ho", "ha"] * 30)
    G, D = Sequential(Linear(3 + 3, 8), Tanh(), Linear(8, 2)), Sequential(Maxout(2 + 3, 6, 2), Linear(6, 1))
    gan = GAN(G, D, Recipe(latent=3, batch_size=20, condition="labels", precision=precision))
    gan.fit(Dataset("table", X).standardised(), y, iterations=20, verbose=False).save(tmp_path / "c.safetensors")
    z, labels = gan.sampler().draw_z(30), np.array(["ha", "ho", "hi"] * 10)
    x, number = gan.generate(z, labels), np.array([0, 2, 1] * 10)
    g, d = (portable.read(tmp_path / "c.safetensors", role) for role in ("generator", "discriminator"))
    assert g.classes == d.classes == ("ha", "hi", "ho")
    one_hot = np.eye(3, dtype=precision)[number]
    for player, given, expected in ((g, z, x), (d, x, gan.discriminate(x, labels)[:, None])):
        made = by_onnx(player, given, label=number)[-1], by_torch(player, np.hstack([given, one_hot]))
        for one in made:
            np.testing.assert_allclose(one, expected, rtol=1e-5 if precision == "float32" else 1e-12)
    assert onnx_graph.model(g).metadata_props[0].value == "ha, hi, ho"


@pytest.mark.parametrize("role", ["generator", "discriminator"])
def test_a_run_by_the_command(digits_run, said, tmp_path, role):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from safetensors import safe_open
    from safetensors.torch import load_file

    gan, sampler = GAN.load(digits_run), Sampler.load(digits_run)
    z = sampler.draw_z(50)
    x = sampler.generate(z)
    given, expected = (z, x) if role == "generator" else (x, gan.discriminate(x)[:, None])
    how = ("--run", digits_run, "--player", role)
    assert said(main, *how, "--to", "onnx", "--out", tmp_path / "p.onnx")[0] == 0
    session = runtime.InferenceSession(tmp_path / "p.onnx")
    assert [value.name for value in session.get_outputs()] == (
        ["x"] if role == "generator" else ["logit", "probability"]
    )
    np.testing.assert_allclose(run(session, given)[-1], expected, rtol=0, atol=REACH)
    code, text, _ = said(main, *how, "--to", "torch", "--out", tmp_path / "p.safetensors")
    with safe_open(tmp_path / "p.safetensors", "pt") as file:
        told = file.metadata()["network"]
    assert code == 0 and told in text
    network = eval(told, {"nn": torch.nn}).eval()
    network.load_state_dict(load_file(tmp_path / "p.safetensors"))
    made = network(torch.from_numpy(given)).detach().numpy()
    np.testing.assert_allclose(made, expected, rtol=0, atol=REACH)


def test_the_generator_that_ships(said, tmp_path):
    sampler = Sampler.pretrained("mnist")
    z = sampler.draw_z(20)
    player = portable.read(pretrained("mnist"), "generator")
    for made in (by_onnx(player, z)[0], by_torch(player, z)):
        np.testing.assert_allclose(made, sampler.generate(z), rtol=0, atol=REACH)
    out = tmp_path / "g.safetensors"
    assert said(main, "--pretrained", "mnist", "--out", out)[0] == 0
    assert out.read_bytes() == pretrained("mnist").read_bytes()


def test_standardised_features_go_in_and_come_out_in_their_own_units(tmp_path):
    """Also one that never varies."""
    rng = np.random.default_rng(3)
    X = np.array([100.0, -3, 0.02, 5]) + np.array([7, 0.1, 3, 0]) * rng.normal(size=(200, 4))
    G, D = Sequential(Linear(3, 8), ReLU(), Linear(8, 4)), Sequential(Dropout(0.9), Maxout(4, 6, 2), Linear(6, 1))
    gan = GAN(G, D, Recipe(latent=3, batch_size=20, precision="float64"))
    gan.fit(Dataset("table", X).standardised(), iterations=20, verbose=False)
    gan.save(tmp_path / "c.safetensors")
    z = gan.sampler().draw_z(30)
    x = gan.generate(z)
    g, d = (portable.read(tmp_path / "c.safetensors", role) for role in ("generator", "discriminator"))
    for made in (by_onnx(g, z)[0], by_torch(g, z)):
        np.testing.assert_allclose(made, x, rtol=1e-12)
    for made in (by_onnx(d, x)[1], by_torch(d, x)):
        np.testing.assert_allclose(made[:, 0], gan.discriminate(x), rtol=1e-9)


def test_a_discriminator_without_a_logit_has_a_score(tmp_path):
    X = np.random.default_rng(3).normal(size=(40, 2))
    gan = GAN(Sequential(Linear(3, 2)), Sequential(Linear(2, 1)), Recipe(latent=3, batch_size=20, loss="least-squares"))
    gan.fit(X, iterations=2, verbose=False).save(tmp_path / "c.safetensors")
    player = portable.read(tmp_path / "c.safetensors", "discriminator")
    (score,) = by_onnx(player, X.astype(np.float32))
    np.testing.assert_allclose(score[:, 0], gan.discriminate(X), atol=REACH)
    np.testing.assert_allclose(by_torch(player, X.astype(np.float32)), score, atol=REACH)


# ---- What cannot be written ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Swish(ReLU):
    name = "swish"


@pytest.mark.parametrize("layer", [Swish(), SimpleNamespace(shapes=dict)])
def test_a_layer_that_the_target_lacks(layer):
    pytest.importorskip("onnx", reason="onnx is not installed")
    player = with_weights("generator", Sequential(Linear(2, 2)))
    player.network.layers = (Linear(2, 2), layer)
    for target, make in (("torch", torch_layout.state_dict), ("onnx", onnx_graph.model)):
        with pytest.raises(ConfigError, match=f"^to {target}: .* has no counterpart there, expected"):
            make(player)


def test_onnx_that_is_not_installed_is_one_line(digits_run, said, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    code, _, error = said(main, "--run", digits_run, "--to", "onnx", "--out", tmp_path / "g.onnx")
    assert code == 2 and "pip install 'minigan[export]'" in error and error.count("\n") == 1
    assert not (tmp_path / "g.onnx").exists()


@pytest.mark.parametrize(
    "wrong, message",
    [
        (["--player", "discriminator", "--out", "d.safetensors"], "--player discriminator: expected --to onnx or"),
        (["--to", "onnx", "--out", "g.safetensors"], "--out g.safetensors: expected a name ending in .onnx"),
        (["--to", "torch", "--out", "g.pt"], "--out g.pt: expected a name ending in .safetensors"),
        (["--to", "tf", "--out", "g.pb"], "--to tf: expected"),
        (["--pretrained", "mnist", "--out", "g.safetensors"], "one of the two"),
    ],
)
def test_wrong_options_are_one_line(digits_run, said, tmp_path, monkeypatch, wrong, message):
    monkeypatch.chdir(tmp_path)
    code, _, error = said(main, "--run", digits_run, *wrong)
    assert code == 2 and message in error and error.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_file_without_a_discriminator_and_weights_that_are_not_finite(digits_run, said, tmp_path):
    how = ("--to", "torch", "--out", tmp_path / "p.safetensors")
    code, _, error = said(main, "--pretrained", "mnist", "--player", "discriminator", *how)
    assert code == 2 and "no 'discriminator'" in error and error.count("\n") == 1
    tensors, header = checkpoint.read(digits_run / "checkpoints" / "iteration-00000040.safetensors")
    tensors["discriminator.1.b"] = np.full_like(tensors["discriminator.1.b"], np.nan)
    checkpoint.write(tmp_path / "c.safetensors", tensors, header)
    code, _, error = said(main, "--run", tmp_path / "c.safetensors", "--player", "discriminator", *how)
    assert code == 2 and "discriminator.1.b has NaN or infinity" in error and error.count("\n") == 1
    tensors["discriminator.1.b"] = tensors["discriminator.1.b"][:-1].copy()
    checkpoint.write(tmp_path / "c.safetensors", tensors, header)
    code, _, error = said(main, "--run", tmp_path / "c.safetensors", "--player", "discriminator", *how)
    assert code == 2 and "discriminator.1.b is" in error and not (tmp_path / "p.safetensors").exists()
