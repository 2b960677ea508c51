"""A trained generator on its own: from a run, a checkpoint, or a file in half precision."""

import numpy as np
import pytest

from minigan import GAN, CheckpointError, ConfigError
from minigan.export import command_of, export, main
from minigan.files import checkpoint
from minigan.generator.sampler import Sampler, chosen, pretrained
from minigan.train import options

pytestmark = pytest.mark.rounding


def test_a_run_a_checkpoint_and_the_gan_draw_the_same(digits_run):
    expected = GAN.load(digits_run).sample(30, seed=5)
    for path in (digits_run, digits_run / "checkpoints" / "iteration-00000040.safetensors"):
        sampler = Sampler.load(path)
        np.testing.assert_array_equal(sampler.sample(30, seed=5), expected)
    np.testing.assert_allclose(Sampler.load(digits_run, "numba").sample(30, seed=5), expected, rtol=1e-5, atol=1e-6)


def test_more_samples_begin_with_the_fewer(digits_run):
    sampler = Sampler.load(digits_run)
    np.testing.assert_allclose(sampler.sample(2100, 3)[:7], sampler.sample(7, 3), rtol=1e-6)


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
    np.testing.assert_allclose(Sampler.load(out).sample(50), Sampler.load(digits_run).sample(50), atol=5e-3)
    assert Sampler.load(out).sample(1).dtype == np.float32


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
    import shlex

    words = shlex.split(command_of(config))[3:]
    again = options(words)
    assert (again.lr, again.k, again.generator, again.seed) == (0.2, 2, ("relu 24", "sigmoid"), 7)
    assert "somewhere" not in words and "--log-every" not in words


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
    with pytest.raises(ConfigError, match="--pretrained nobody"):
        pretrained("nobody")
    for run, name in ((None, None), ("a", "mnist")):
        with pytest.raises(ConfigError, match="one of the two"):
            chosen(run, name)
    code, _, error = said(main, "--run", tmp_path / "none", "--out", tmp_path / "g.safetensors")
    assert code == 2 and "none" in error and error.count("\n") == 1
    code, _, error = said(main, "--run", digits_run, "--out", tmp_path / "g.bin")
    assert code == 2 and "--out" in error and error.count("\n") == 1
