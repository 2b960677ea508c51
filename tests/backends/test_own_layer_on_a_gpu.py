"""The page about a layer of one's own, where it speaks of cupy: its kernels, and the words of what is refused."""

import sys

import cuda_on_cpu
import numpy as np
import pytest
from gpu_stand_in import stand_in
from opaque import OpaqueOps
from snippets import ROOT, printed, snippets

from minigan import GAN, ConfigError, Linear, Recipe, ReLU, Sequential, Sigmoid, check_layer
from minigan.backends.cuda import source
from minigan.backends.numpy_ops import NumpyOps

PAGE = ROOT / "docs" / "own-layer.md"
X = np.random.default_rng(0).random((40, 5))


def code(language: str, part: str) -> str:
    """The block of the page with this part."""
    (found,) = (text for kind, text, _ in snippets(PAGE) if kind == language and part in text)
    return found


@pytest.fixture
def swish(tmp_path, monkeypatch):
    """The page's second class, which calls kernels on cupy, made of the first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names: dict = {}
    for part in ("# swish.py", "import check_layer", "class Swish(swish.Swish)"):
        printed("python", code("python", part), names)
    yield names["Swish"]
    sys.modules.pop("swish")


@pytest.fixture
def with_kernels(monkeypatch):
    """The .cu files with the page's kernels at the end of activations.cu."""
    own = (ROOT / "minigan/backends/cuda/activations.cu").read_text()
    both = source.source().replace(own, own + "\n" + code("cuda", "swish_forward"))
    monkeypatch.setattr(source, "source", lambda: both)


@pytest.mark.skipif(cuda_on_cpu.COMPILER is None, reason=cuda_on_cpu.NO_COMPILER)
def test_with_its_kernels_it_passes_the_check_and_learns_as_on_numpy(swish, with_kernels, monkeypatch):
    ops, samples = stand_in(), []
    rows = check_layer(swish, ops)
    assert all(row.passed for row in rows) and len(rows) == len(check_layer(swish))
    for what_computes in (ops, NumpyOps()):
        monkeypatch.setattr("minigan.backends.get", lambda *_, made=what_computes: made)
        G = Sequential(Linear(3, 6), swish(), Linear(6, 5), Sigmoid())
        D = Sequential(Linear(5, 6), swish(), Linear(6, 1))
        gan = GAN(G, D, Recipe(latent=3, batch_size=10, precision="float64"))
        samples.append(gan.fit(X, iterations=20).sample(7))
    np.testing.assert_allclose(samples[0], samples[1], rtol=1e-9)


@pytest.mark.skipif(cuda_on_cpu.COMPILER is None, reason=cuda_on_cpu.NO_COMPILER)
def test_without_its_kernels_it_is_refused_in_the_pages_words(swish):
    with pytest.raises(ConfigError) as refused:
        check_layer(swish, stand_in())
    assert f"`{refused.value}`" in PAGE.read_text()


def test_an_array_of_its_own_is_refused_in_the_pages_words(monkeypatch):
    """The stand-in's arrays are NumPy's, which are not refused; opaque ones are, as CuPy's."""
    made = {"forward": lambda self, ops, p, x, tape: ops.zeros(x.shape, x.dtype)}
    monkeypatch.setattr(OpaqueOps, "name", "cupy")
    with pytest.raises(ConfigError) as refused:
        check_layer(type("Swish", (ReLU,), made), OpaqueOps())
    assert f"`{str(refused.value).replace('Opaque', 'ndarray')}`" in PAGE.read_text()
