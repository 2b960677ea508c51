"""Layers, losses, optimisers, data and Algorithm 1 never look into a backend's arrays: they run on opaque handles."""

import numpy as np
import pytest
from opaque import Opaque, OpaqueOps
from test_cuda_games import CLASSES, RECIPES, fitted
from test_parity_of_games import UPDATES

from minigan import ConfigError, Dataset, Recipe, ReLU, check_layer, check_loss
from minigan.backends.numpy_ops import NumpyOps
from minigan.checks.table import check_all
from minigan.data import Mixture
from minigan.game.losses import CrossEntropy
from minigan.metrics import parzen

RULES = {"latent": 7, "batch_size": 10, "precision": "float64", "seed": 5}


@pytest.mark.parametrize(
    "use",
    [np.asarray, np.sum, float, int, bool, list, lambda a: a + 1, lambda a: a > 0, lambda a: a == a, lambda a: a.sum(),
     lambda a: a.copy(), lambda a: a[a], lambda a: a[np.array([0])], lambda a: a.__setitem__(0, 1),
     lambda a: np.add(a, 1)],
)  # fmt: skip
def test_a_handle_refuses_everything_but_its_shape_and_its_rows(use):
    with pytest.raises((TypeError, AttributeError)):
        use(Opaque(np.ones(3)))


def test_a_kernel_on_handles_refuses_a_numpy_array():
    ops = OpaqueOps()
    with pytest.raises(TypeError, match="a NumPy array where"):
        ops.add(np.ones(3), ops.asarray(np.ones(3)))


@pytest.mark.parametrize("updates", UPDATES)
@pytest.mark.parametrize("name", RECIPES)
def test_a_gan_on_handles_is_that_on_numpy_to_the_last_bit(name, updates, monkeypatch):
    recipe = Recipe(**RULES | {"updates": updates} | RECIPES[name])
    data = Dataset("digits", np.random.default_rng(2).integers(0, 256, (65, 16)).astype(np.uint8), contrast=3.0)
    one, other = (fitted(ops, recipe, data, 12, monkeypatch) for ops in (NumpyOps(), OpaqueOps()))
    assert one.game.measure() == other.game.measure()
    assert one.sample(9).tobytes() == other.sample(9).tobytes()
    x, y = one.sample(9), np.arange(9) % CLASSES
    assert one.discriminate(x, y).tobytes() == other.discriminate(x, y).tobytes()


def test_a_watched_iteration_on_handles(monkeypatch):
    recipe, signs = Recipe(**RULES), []
    for ops in (NumpyOps(), OpaqueOps()):
        gan = fitted(ops, recipe, Mixture.ring(), 2, monkeypatch)
        gan.game.watch(True)
        gan.step(gan.source)
        signs.append(gan.game.vital_signs())
    assert signs[0] == signs[1]


def test_a_checkpoint_of_handles_is_read_back(monkeypatch, tmp_path):
    gan = fitted(OpaqueOps(), Recipe(**RULES), Mixture.grid(), 5, monkeypatch)
    gan.save(tmp_path / "gan.safetensors")
    monkeypatch.undo()
    assert type(gan).load(tmp_path / "gan.safetensors").sample(4).tobytes() == gan.sample(4).tobytes()


def test_every_gradient_on_handles():
    assert [row.name for row in check_all(OpaqueOps()) if not row.passed] == []


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_an_array_of_a_layers_own_is_refused_where_it_is_not_numpys(method):
    """On a GPU it would be freed, and a recorded iteration would read what then lies there."""
    made = {method: lambda self, ops, p, x, tape, *rest: ops.zeros(x.shape, x.dtype)}
    with pytest.raises(ConfigError, match=f"Own.{method} returned Opaque on opaque, expected an array of the tape"):
        check_layer(type("Own", (ReLU,), made), OpaqueOps())


@pytest.mark.parametrize(
    "method, words",
    [
        (lambda self, ops, logits, out: 1 / logits, ": expected kernels of `ops` alone, as opaque has them"),
        (lambda self, ops, logits, out: ops.zeros((16, 1), float), " returned Opaque on opaque, expected its `out`"),
    ],
)
def test_a_loss_of_ones_own_in_numpy_is_refused_where_arrays_are_not_numpys(method, words):
    with pytest.raises(ConfigError, match=f"Own.g_backward{words}"):
        check_loss(type("Own", (CrossEntropy,), {"g_backward": method})(), OpaqueOps())


@pytest.mark.parametrize("updates", UPDATES)
def test_the_plain_gradients_on_handles(updates, monkeypatch):
    x, found = np.random.default_rng(1).random((6, 16)), []
    for ops in (NumpyOps(), OpaqueOps()):
        gan = fitted(ops, Recipe(**RULES, updates=updates), Dataset("noise", np.repeat(x, 4, axis=0)), 3, monkeypatch)
        found.append(gan.gradients(x))
    assert all(found[0][name].tobytes() == found[1][name].tobytes() for name in found[0]) and len(found[0]) == 8


def test_the_parzen_estimate_on_handles():
    x, s = (np.random.default_rng(seed).random((n, 5)) for seed, n in ((1, 30), (2, 40)))
    found = [parzen.log_likelihood(ops, x, s, np.array([0.1, 0.5])) for ops in (NumpyOps(), OpaqueOps())]
    assert found[0].tobytes() == found[1].tobytes()
