"""A checkpoint says by which numerics it was made, and going on across another one says that bits part."""

import warnings

import numpy as np
import pytest

from minigan import GAN, Linear, Maxout, Recipe, Sequential, Sigmoid
from minigan.backends.numba.numba_ops import NumbaOps
from minigan.errors import OtherNumerics
from minigan.files import checkpoint


@pytest.fixture(params=["numpy", "numba"])
def saved(request, tmp_path):
    """A checkpoint by each backend, and the backend's name."""
    G, D = Sequential(Linear(3, 4), Sigmoid()), Sequential(Maxout(4, 5, 2), Linear(5, 1))
    gan = GAN(G, D, Recipe(latent=3, batch_size=4), request.param, 1)
    gan.fit(np.arange(64, dtype=np.uint8).reshape(16, 4), iterations=2).save(tmp_path / "x.safetensors")
    return tmp_path / "x.safetensors", request.param


def test_what_is_read_by_the_kernels_that_made_it_goes_on_silently(saved):
    path, backend = saved
    assert checkpoint.read(path)[1].get("numerics", 1) == (NumbaOps.numerics if backend == "numba" else 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GAN.load(path, backend, 1)
        GAN.load(path, "numpy")


def test_what_kernels_made_that_rounded_otherwise_says_so(saved):
    path, backend = saved
    tensors, header = checkpoint.read(path)
    checkpoint.write(path, tensors, dict(header) | {"numerics": 7})
    with pytest.warns(OtherNumerics, match=f"x.safetensors: {backend} rounds otherwise now .*then 7.*last bits"):
        again = GAN.load(path, backend, 1)
    assert again.iteration == 2 and np.isfinite(again.sample(3)).all()
