"""Checkpoints that are signed rightly and lie: every one is refused, in one line, before memory is taken."""

from __future__ import annotations

import json
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest

from minigan import GAN, CheckpointError, ConfigError, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid
from minigan.files import checkpoint
from minigan.generator.sampler import Sampler

MIB = 1 << 20


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The tensors and the header of a small GAN's checkpoint."""
    G = Sequential(Linear(3, 8), ReLU(), Linear(8, 4), Sigmoid())
    D = Sequential(Maxout(4, 5, 2), Linear(5, 1))
    gan = GAN(G, D, Recipe(latent=3, batch_size=4)).fit(np.arange(64, dtype=np.uint8).reshape(16, 4), iterations=2)
    path = tmp_path_factory.mktemp("saved") / "x.safetensors"
    gan.save(path)
    return checkpoint.read(path)


def layers(*widths) -> str:
    return json.dumps([["Linear", {"n_in": i, "n_out": o}] for i, o in zip(widths, widths[1:])])


LIES = {
    "a network of 2^40 weights": {"generator": layers(3, 2**20, 2**20, 4)},
    "a network wider than any": {"generator": layers(3, 2**60, 4)},
    "other widths": {"generator": layers(3, 9, 4)},
    "widths that do not meet": {
        "generator": '[["Linear", {"n_in": 3, "n_out": 8}], ["Linear", {"n_in": 9, "n_out": 4}]]'
    },
    "a width of text": {"generator": layers("3", 8)},
    "a width of -1": {"generator": layers(3, -1)},
    "a width of 1.5": {"generator": layers(3, 1.5)},
    "a width of true": {"generator": layers(3, True)},
    "an unknown layer": {"generator": '[["Convolution", {}]]'},
    "no layer": {"generator": "[]"},
    "numerics of text": {"numerics": "2"},
    "an initialiser of text": {"generator": '[["Linear", {"n_in": 3, "n_out": 4, "weights": "uniform"}]]'},
    "an initialiser of a number": {"generator": '[["Linear", {"n_in": 3, "n_out": 4, "weights": 5}]]'},
    "a slope of text": {"generator": layers(3, 4)[:-1] + ', ["LeakyReLU", {"slope": "0.1"}]]'},
    "a slope of 2": {"generator": layers(3, 4)[:-1] + ', ["LeakyReLU", {"slope": 2}]]'},
    "a slope of a sigmoid": {"generator": layers(3, 4)[:-1] + ', ["Sigmoid", {"slope": 0.1}]]'},
    "nested too deep": {"generator": "[" * 100_000},
    "no JSON": {"generator": "Linear(3, 4)"},
    "a generator that is a number": {"generator": 7},
    "no recipe": {"recipe": None},
    "a recipe that is a list": {"recipe": [1]},
    "an unknown option": {"recipe": {"latent": 3, "colour": "red"}},
    "a latent of text": {"recipe": {"latent": "3"}},
    "another latent": {"recipe": {"latent": 4}},
    "a latent of 2^40": {"recipe": {"latent": 2**40}},
    "a negative seed": {"recipe": {"latent": 3, "seed": -1}},
    "an unknown precision": {"recipe": {"latent": 3, "precision": "float8"}},
    "another precision": {"recipe": {"latent": 3, "precision": "float64"}},
    "data that are a text": {"data": "mnist"},
    "data without a name": {"data": {"image_shape": [2, 2]}},
    "images of another size": {"data": {"name": "x", "image_shape": [28, 28]}},
    "images of text": {"data": {"name": "x", "image_shape": ["2", "2"]}},
    "images of a negative size": {"data": {"name": "x", "image_shape": [-2, -2]}},
    "a contrast of nothing": {"data": {"name": "x", "image_shape": None, "contrast": 0}},
}
LIES_OF_A_GAN = {
    "no discriminator": {"discriminator": None},
    "a discriminator of 2^40 weights": {"discriminator": layers(4, 2**20, 2**20, 1)},
    "a discriminator without a logit": {"discriminator": layers(4, 1)[:-1] + ', ["Sigmoid", {}]]'},
    "an iteration of text": {"iteration": "7"},
    "a negative iteration": {"iteration": -1},
    "epochs of nothing": {"iterations_per_epoch": 0},
    "epochs without end": {"iterations_per_epoch": 2**70},
    "a batch size of 2^40": {"recipe": {"latent": 3, "batch_size": 2**40}},
    "another optimiser": {"recipe": {"latent": 3, "optimizer": "adam"}},
}


def refused(load, path) -> None:
    tracemalloc.start()
    with pytest.raises(CheckpointError) as caught:
        load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(path) in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 1000
    assert peak < 4 * MIB


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_generator_that_lies(saved, tmp_path, lie):
    tensors, header = saved
    path = tmp_path / "x.safetensors"
    checkpoint.write(path, tensors, header | lie)
    refused(Sampler.load, path)
    refused(GAN.load, path)


@pytest.mark.parametrize("lie", LIES_OF_A_GAN.values(), ids=LIES_OF_A_GAN.keys())
def test_a_gan_that_lies(saved, tmp_path, lie):
    tensors, header = saved
    path = tmp_path / "x.safetensors"
    checkpoint.write(path, tensors, header | lie)
    refused(GAN.load, path)


@pytest.mark.parametrize("key", ["recipe", "generator", "data"])
def test_a_key_that_is_missing_is_named(saved, tmp_path, key):
    tensors, header = saved
    path = tmp_path / "x.safetensors"
    checkpoint.write(path, tensors, {name: value for name, value in header.items() if name != key})
    for load in (Sampler.load, GAN.load):
        with pytest.raises(CheckpointError, match=f"x.safetensors: its header has no '{key}'"):
            load(path)


def test_a_backend_that_cannot_be_had_is_not_the_files_fault(saved, tmp_path):
    tensors, header = saved
    path = tmp_path / "x.safetensors"
    checkpoint.write(path, tensors, header)
    for load in (Sampler.load, GAN.load):
        with pytest.raises(ConfigError, match="^backend abacus: expected one of"):
            load(path, "abacus")
        with pytest.raises(ConfigError, match="^threads 0: expected at least 1"):
            load(path, threads=0)
    path = tmp_path / "tf32.safetensors"
    checkpoint.write(path, tensors, header | {"recipe": header["recipe"] | {"precision": "tf32"}})
    with pytest.raises(ConfigError, match="^precision tf32: expected backend cupy"):
        GAN.load(path)


def test_another_networks_file(saved, tmp_path):
    tensors, header = saved
    for changed in (
        {name: tensor for name, tensor in tensors.items() if name != "generator.2.b"},
        tensors | {"generator.4.W": np.ones((4, 4), np.float32)},
        tensors | {"generator.0.W": np.ones((3, 9), np.float32)},
        tensors | {"generator.0.W": np.ones((3, 8), np.float64)},
    ):
        path = tmp_path / "x.safetensors"
        checkpoint.write(path, changed, header)
        refused(Sampler.load, path)
        refused(GAN.load, path)


class Trap:
    """Unpickling it ends the program."""

    def __reduce__(self):
        return exit, ("a pickle was executed",)


def test_other_files(tmp_path):
    path = tmp_path / "x.safetensors"
    for content in (
        b"",
        pickle.dumps({"generator": Trap()}),
        b"<!DOCTYPE html><html>404</html>",
        (2**40).to_bytes(8, "little") + b'{"__metadata__": {}}',
        b"\xff" * 100,
    ):
        path.write_bytes(content)
        refused(Sampler.load, path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Trap()))
        archive.writestr("archive/data/0", bytes(64 * MIB))
    refused(Sampler.load, path)


def test_a_web_page_is_named_as_such(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"<!DOCTYPE html><html>404</html>")
    with pytest.raises(CheckpointError, match="x.safetensors: a web page"):
        Sampler.load(path)


def test_a_header_that_is_no_object(tmp_path, saved, monkeypatch):
    tensors, header = saved
    path = tmp_path / "x.safetensors"
    dumps = json.dumps
    monkeypatch.setattr(checkpoint.json, "dumps", lambda value, **options: f"[{dumps(value, **options)}]")
    checkpoint.write(path, tensors, header)
    monkeypatch.undo()
    refused(Sampler.load, path)
