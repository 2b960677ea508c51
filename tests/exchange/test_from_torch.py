"""`GAN.from_torch`: PyTorch's state dicts taken in, run alike, trained on; and files that are none."""

import re

import numpy as np
import pytest
from safetensors.numpy import save_file

from minigan import GAN, Dropout, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid
from minigan.errors import BeginsAnew, CheckpointError
from minigan.exchange import portable, torch_layout

RECIPE = Recipe(latent=3, batch_size=20)


def networks() -> tuple[Sequential, Sequential]:
    G = Sequential(Linear(3, 8), ReLU(), Linear(8, 4), Sigmoid())
    return G, Sequential(Dropout(0.8), Maxout(4, 6, 5), Dropout(0.5), Linear(6, 1))


@pytest.fixture
def torchs(tmp_path):
    """The same networks of PyTorch's own, and their state dicts as safetensors writes them."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from safetensors.torch import save_file

    nn = torch.nn
    torch.manual_seed(4)
    G = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4), nn.Sigmoid())
    D = nn.Sequential(nn.Dropout(0.2), nn.Linear(4, 30), nn.MaxPool1d(5), nn.Dropout(), nn.Linear(6, 1), nn.Sigmoid())
    for network, name in ((G, "g"), (D, "d")):
        save_file(network.state_dict(), tmp_path / f"{name}.safetensors")
    return torch, G.eval(), D.eval()


@pytest.mark.parametrize("average", [None, 100])
def test_both_players_of_pytorch_make_the_same_here(torchs, tmp_path, average):
    torch, G, D = torchs
    recipe = Recipe(latent=3, batch_size=20, average=average)
    file, discriminator_file = tmp_path / "g.safetensors", tmp_path / "d.safetensors"
    gan = GAN.from_torch(file, *networks(), recipe, discriminator_file=discriminator_file)
    z = gan.sampler().draw_z(30)
    x = G(torch.from_numpy(z))
    np.testing.assert_allclose(gan.generate(z), x.detach().numpy(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(gan.discriminate(x.detach().numpy()), D(x).detach().numpy()[:, 0], rtol=0, atol=1e-6)


def weights(gan: GAN) -> dict[str, np.ndarray]:
    return gan.snapshot().tensors()


def test_what_was_exported_comes_back_to_the_last_bit(tmp_path):
    gan = GAN(*networks(), RECIPE).fit(np.random.default_rng(1).random((60, 4)), iterations=5, verbose=False)
    gan.save(tmp_path / "c.safetensors")
    for role in ("generator", "discriminator"):
        torch_layout.write(portable.read(tmp_path / "c.safetensors", role), tmp_path / f"{role}.safetensors")
    files = (tmp_path / f"{role}.safetensors" for role in ("generator", "discriminator"))
    again = GAN.from_torch(next(files), *networks(), RECIPE, discriminator_file=next(files))
    now, before = weights(again), weights(gan)
    for name in (name for name in before if "velocity" not in name):
        np.testing.assert_array_equal(now[name], before[name])


def test_it_goes_on_by_partial_fit_and_fit_says_that_it_begins_anew(tmp_path):
    X = np.random.default_rng(1).random((60, 4))
    first = GAN(*networks(), RECIPE).fit(X, iterations=5, verbose=False)
    first.save(tmp_path / "c.safetensors")
    torch_layout.write(portable.read(tmp_path / "c.safetensors", "generator"), tmp_path / "g.safetensors")
    gan = GAN.from_torch(tmp_path / "g.safetensors", *networks(), RECIPE)
    np.testing.assert_array_equal(weights(gan)["generator.0.W"], weights(first)["generator.0.W"])
    gan.partial_fit(X, iterations=0, verbose=False)
    np.testing.assert_array_equal(weights(gan)["generator.0.W"], weights(first)["generator.0.W"])
    assert gan.iterations_per_epoch == 3 and gan.data["shape"] == [60, 4]
    gan.partial_fit(X, epochs=1, verbose=False)
    assert gan.iteration == 3 and np.abs(weights(gan)["generator.0.W"] - weights(first)["generator.0.W"]).max() > 0
    with pytest.warns(BeginsAnew):
        GAN.from_torch(tmp_path / "g.safetensors", *networks(), RECIPE).fit(X, iterations=1, verbose=False)


def good() -> dict[str, np.ndarray]:
    sizes = {"0.weight": (8, 3), "0.bias": (8,), "2.weight": (4, 8), "2.bias": (4,)}
    return {name: np.ones(size, np.float32) for name, size in sizes.items()}


@pytest.mark.parametrize("beginning, numbers", [("", (0, 2)), ("net.", (1, 10)), ("_orig_mod.layers.", (9, 30))])
def test_names_are_put_in_order_by_their_numbers(tmp_path, beginning, numbers):
    renamed = {"0": numbers[0], "2": numbers[1]}
    tensors = {f"{beginning}{renamed[name[0]]}{name[1:]}": tensor for name, tensor in good().items()}
    save_file(tensors, tmp_path / "g.safetensors")
    assert weights(GAN.from_torch(tmp_path / "g.safetensors", *networks(), RECIPE))["generator.2.b"].sum() == 4


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"0.weight": np.ones((3, 8), np.float32)}, "0.weight is float32 (3, 8), expected floats (8, 3) for Linear"),
        ({"0.weight": np.ones((8, 3, 1, 1), np.float32)}, "0.weight is float32 (8, 3, 1, 1)"),
        ({"2.bias": None}, "no 2.bias, expected (4,) for Linear"),
        ({"2.weight": None, "2.bias": None}, "1 layers with weights (0.bias, 0.weight), expected 2"),
        ({"3.weight": np.ones(4, np.float32)}, "3 layers with weights"),
        ({"1.running_mean": np.ones(8, np.float32)}, "1.running_mean, expected names such as 0.weight"),
        ({"2.bias": None, "other.2.bias": np.ones(4, np.float32)}, "expected 2 in one nn.Sequential"),
        ({"2.bias": np.ones(4, np.int64)}, "2.bias is int64 (4,), expected floats"),
        ({"2.bias": np.full(4, np.nan, np.float32)}, "2.bias has NaN or infinity"),
    ],
)
def test_other_layers_are_one_line(tmp_path, changes, message):
    tensors = {name: tensor for name, tensor in (good() | changes).items() if tensor is not None}
    save_file(tensors, tmp_path / "g.safetensors")
    with pytest.raises(CheckpointError, match=re.escape(message)) as error:
        GAN.from_torch(tmp_path / "g.safetensors", *networks(), RECIPE)
    assert "g.safetensors" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\x80\x02}q\x00.", b"PK\x03\x04" + bytes(100), b"\xff" * 8 + bytes(50)])
def test_a_file_that_is_no_state_dict_is_one_line(tmp_path, content):
    (tmp_path / "g.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match="g.pt: no state dict .*nothing is unpickled") as error:
        GAN.from_torch(tmp_path / "g.pt", *networks(), RECIPE)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match="gone.safetensors: No such file"):
        GAN.from_torch(tmp_path / "gone.safetensors", *networks(), RECIPE)
