"""A trained generator on its own: from a run, a checkpoint, or a file in half precision."""

import re
import shlex
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from minigan import GAN, CheckpointError, ConfigError, Linear, Mixture, Recipe, ReLU, Sequential, Sigmoid
from minigan.backends import NAMES
from minigan.export import LEFT_OUT, command_of, export, main
from minigan.files import checkpoint
from minigan.files.run_folder import RunFolder
from minigan.generator.sampler import Sampler, chosen, pretrained, runs
from minigan.options.config import Config
from minigan.train import main as train
from minigan.train import options

pytestmark = pytest.mark.rounding


def test_a_run_a_checkpoint_and_the_gan_draw_the_same(digits_run):
    expected = GAN.load(digits_run).sample(30, seed=5)
    for path in (digits_run, digits_run / "checkpoints" / "iteration-00000040.safetensors"):
        sampler = Sampler.load(path)
        np.testing.assert_array_equal(sampler.sample(30, seed=5), expected)
    np.testing.assert_allclose(Sampler.load(digits_run, "numba").sample(30, seed=5), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backend", NAMES)
@pytest.mark.parametrize("prior", ["uniform", "normal", "spherical"])
def test_more_samples_begin_with_the_fewer_to_the_last_bit(backend, prior):
    G = Sequential(Linear(100, 300), ReLU(), Linear(300, 40), Sigmoid())
    gan = GAN(G, Sequential(Linear(40, 1)), Recipe(prior=prior, batch_size=8, average=5), backend)
    gan.fit(np.random.default_rng(0).random((64, 40), np.float32), iterations=3)
    whole = gan.sample(2300, 3)
    for n in (1, 5, 99, 100, 101, 1000, 1001, 2000, 2299):
        assert gan.sample(n, 3).tobytes() == whole[:n].tobytes()
    assert gan.discriminate(whole[:5]).tobytes() == gan.discriminate(whole)[:5].tobytes()


@pytest.mark.parametrize("backend", NAMES)
def test_the_shipped_generators_samples_do_not_depend_on_their_number(backend):
    sampler = Sampler.load(pretrained("mnist"), backend)
    assert sampler.sample(5, seed=3).tobytes() == sampler.sample(1000, seed=3)[:5].tobytes()


def test_runs_of_rows_do_not_depend_on_their_number_and_are_short_where_few_are_wanted():
    for n in (1, 100, 101, 1000, 1001, 5000):
        bounds = [(run.start, run.stop) for run in runs(n)]
        assert bounds == [(run.start, run.stop) for run in runs(10_000)][: len(bounds)]
        assert bounds[0] == (0, 100) and bounds[-1][0] < n <= bounds[-1][1]
        assert all(stop == start for (_, stop), (start, _) in zip(bounds, bounds[1:]))
        assert max(stop - start for start, stop in bounds) <= 1000
    assert list(runs(0)) == []


WRONG_DRAWS = {"seed": [-1, 2**64, None, 1.5, "1", True, np.nan], "n_samples": [0, -3, 2**31, None, 2.0, "5", False]}


@pytest.mark.parametrize("name, value", [(name, value) for name, values in WRONG_DRAWS.items() for value in values])
def test_a_number_or_a_seed_that_is_none(digits_run, name, value):
    for draw in (Sampler.load(digits_run).sample, Sampler.load(digits_run).draw_z, Mixture.ring().sample):
        with pytest.raises(ConfigError, match=f"^{name} {re.escape(repr(value))}: expected a whole number, ") as error:
            draw(**{"n_samples": 2, "seed": 0, name: value})
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8, np.uint64])
def test_numbers_of_numpy_are_numbers_and_seeds(digits_run, kind):
    sampler = Sampler.load(digits_run)
    assert sampler.sample(kind(3), kind(7)).tobytes() == sampler.sample(3, 7).tobytes()


def test_an_exported_generator_is_the_run_rounded_to_half_precision(digits_run, tmp_path):
    out = tmp_path / "g.safetensors"
    export(digits_run, out)
    tensors, header = checkpoint.read(out)
    full, _ = checkpoint.read(digits_run / "checkpoints" / "iteration-00000040.safetensors")
    assert sorted(tensors) == sorted(n for n in full if n[:11] in ("generator.0", "generator.2"))
    for name, tensor in tensors.items():
        assert tensor.dtype == np.float16
        np.testing.assert_array_equal(tensor, full[name].astype(np.float16))
    assert header["made_by"]["seed"] == 0 and "--iterations 40" in header["made_by"]["command"]
    (session,) = header["made_by"]["sessions"]
    assert session["iteration"] == 0 and {"minigan", "python", "numpy"} <= session["versions"].keys()
    np.testing.assert_allclose(Sampler.load(out).sample(50), Sampler.load(digits_run).sample(50), atol=5e-3)
    assert Sampler.load(out).sample(1).dtype == np.float32


def altered(digits_run, tmp_path, **values):
    """A copy of the run whose newest checkpoint has other values first in some tensors of G."""
    shutil.copytree(digits_run, tmp_path / "run")
    path = tmp_path / "run" / "checkpoints" / "iteration-00000040.safetensors"
    tensors, header = checkpoint.read(path)
    tensors = {name: tensor.copy() for name, tensor in tensors.items()}
    for name, value in values.items():
        tensors[name.replace("_", ".")].flat[0] = value
    checkpoint.write(path, tensors, header)
    return tmp_path / "run", tensors


@pytest.mark.parametrize("value", [1e5, -65520.0, 3e38])
def test_a_tensor_beyond_half_precision_stays_as_it_is(digits_run, tmp_path, value):
    run, full = altered(digits_run, tmp_path, generator_2_b=value, generator_0_W=1e-9)
    export(run, tmp_path / "g.safetensors")
    tensors, _ = checkpoint.read(tmp_path / "g.safetensors")
    assert {name: tensor.dtype == np.float16 for name, tensor in tensors.items()} == {
        "generator.0.W": True, "generator.0.b": True, "generator.2.W": True, "generator.2.b": False
    }  # fmt: skip
    np.testing.assert_array_equal(tensors["generator.2.b"], full["generator.2.b"])
    assert tensors["generator.0.W"].flat[0] == 0
    np.testing.assert_allclose(
        Sampler.load(tmp_path / "g.safetensors").sample(50), Sampler.load(run).sample(50), atol=5e-3
    )


def test_the_largest_of_half_precision_is_halved(digits_run, tmp_path):
    run, _ = altered(digits_run, tmp_path, generator_2_b=65504.0)
    export(run, tmp_path / "g.safetensors")
    assert checkpoint.read(tmp_path / "g.safetensors")[0]["generator.2.b"].dtype == np.float16


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_not_exported(said, digits_run, tmp_path, value):
    run, _ = altered(digits_run, tmp_path, generator_2_b=value)
    code, _, error = said(main, "--run", run, "--out", tmp_path / "g.safetensors")
    assert code == 2 and "generator.2.b has NaN or infinity" in error and error.count("\n") == 1
    assert not (tmp_path / "g.safetensors").exists()


def test_one_checkpoint_of_a_run_can_be_exported(digits_run, tmp_path):
    path, out = digits_run / "checkpoints" / "iteration-00000020.safetensors", tmp_path / "g.safetensors"
    export(path, out)
    assert checkpoint.read(out)[1]["iteration"] == 20
    np.testing.assert_allclose(Sampler.load(out).sample(50), Sampler.load(path).sample(50), atol=5e-3)
    (tmp_path / "alone.safetensors").write_bytes(path.read_bytes())
    with pytest.raises(ConfigError, match="no run there .expected config.toml."):
        export(tmp_path / "alone.safetensors", tmp_path / "h.safetensors")


def test_the_command_of_a_run_gives_the_run_again():
    wanted = ["--preset", "digits", "--lr", ".2", "--k", "2", "--generator", "relu 24", "sigmoid", "--seed", "7"]
    config = options([*wanted, "--out", "somewhere", "--log-every", "7"])
    command = shlex.split(command_of(config))[3:]
    again = options(command)
    assert (again.lr, again.k, again.generator, again.seed) == (0.2, 2, ("relu 24", "sigmoid"), 7)
    assert "somewhere" not in command and "--log-every" not in command


def test_a_run_from_a_preset_of_ones_own_needs_it_no_more(tmp_path, monkeypatch, said):
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text('preset = "ring"\nlr = 0.002\nbatch_size = 64\n')
    assert said(train, "--preset", "mine.toml", "--iterations", "2", "--out", "run")[0] == 0
    Path("mine.toml").unlink()
    code, _, err = said(main, "--run", "run", "--out", "g.safetensors")
    assert code == 0, err
    command = shlex.split(checkpoint.read(Path("g.safetensors"))[1]["made_by"]["command"])[3:]
    again, config = options(command), RunFolder(Path("run")).saved_config()
    decides = {f.name for f in fields(Config)} - set(LEFT_OUT) | {"data"}
    assert {name: getattr(again, name) for name in decides} == {name: getattr(config, name) for name in decides}


def test_a_generator_alone_is_no_gan(digits_run, tmp_path):
    out = tmp_path / "g.safetensors"
    export(digits_run, out)
    with pytest.raises(CheckpointError, match="g.safetensors"):
        GAN.load(out)


def test_tensors_of_another_shape_are_refused(digits_run, tmp_path):
    path = digits_run / "checkpoints" / "iteration-00000040.safetensors"
    tensors, header = checkpoint.read(path)
    tensors["generator.0.W"] = tensors["generator.0.W"][:, 1:].copy()
    checkpoint.write(tmp_path / "x.safetensors", tensors, header)
    with pytest.raises(CheckpointError, match="generator.0.W"):
        Sampler.load(tmp_path / "x.safetensors")


def test_wrong_names_are_one_line(said, digits_run, tmp_path):
    with pytest.raises(ConfigError, match="^pretrained nobody"):
        pretrained("nobody")
    for run, name in ((None, None), ("a", "mnist")):
        with pytest.raises(ConfigError, match="one of the two"):
            chosen(run, name)
    code, _, error = said(main, "--run", tmp_path / "none", "--out", tmp_path / "g.safetensors")
    assert code == 2 and "none" in error and error.count("\n") == 1
    code, _, error = said(main, "--run", digits_run, "--out", tmp_path / "g.bin")
    assert code == 2 and "--out" in error and error.count("\n") == 1
