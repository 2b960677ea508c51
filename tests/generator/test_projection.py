"""Inference and projection: z for given images, by a network and by descent, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from each_backend import BACKENDS
from PIL import Image

from minigan import CheckpointError, ConfigError, Linear, ReLU, Sampler, Sequential, Sigmoid
from minigan.backends import get
from minigan.data import load
from minigan.game.priors import Prior
from minigan.generator.inference import Inference
from minigan.generator.projection import Descent, fit, nearest_draws
from minigan.layers.params import Params
from minigan.project import main as project


def small_sampler(backend: str = "numpy", seed: int = 0, dtype: type = np.float32) -> Sampler:
    """A generator 3-16-12 whose images lie in every corner of [0, 1]^12."""
    ops, random = get(backend, 1 if backend == "numba" else None), np.random.default_rng(seed)
    network = Sequential(Linear(3, 16), ReLU(), Linear(16, 12), Sigmoid())
    params = Params(ops, network.shapes(), dtype)
    for view in params._views.values():
        ops.copy(ops.asarray(random.standard_normal(view.shape), dtype), out=view)
    return Sampler(ops, network, params, Prior("uniform", 3), {})


@pytest.mark.parametrize("backend", BACKENDS)
def test_inference_learns_to_predict_z(backend):
    sampler = small_sampler(backend)
    network = Sequential(Linear(12, 64), ReLU(), Linear(64, 3))
    inference, errors = Inference(sampler, network, iterations=3000, lr=0.01), []
    inference.train(lambda done, error: errors.append(error))
    z = sampler.draw_z(200, seed=99)
    assert len(errors) == 3 and errors[-1] < 0.5
    assert np.mean((inference(sampler.forward(z)) - z) ** 2) < 0.5


@pytest.mark.parametrize("backend", BACKENDS)
def test_projection_finds_images_that_g_can_make(backend):
    sampler = small_sampler(backend)
    x = sampler.forward(sampler.draw_z(50, seed=5))
    z = Descent(sampler, x, np.zeros((50, 3))).run(400)
    error = np.sum((sampler.forward(z) - x) ** 2, axis=1)
    before = np.sum((sampler.forward(np.zeros((50, 3))) - x) ** 2, axis=1)
    assert np.median(error) < 0.01 * np.median(before) and (error <= before).mean() > 0.9


@pytest.mark.parametrize("backend", BACKENDS)
def test_descent_may_begin_at_the_nearest_of_draws(backend):
    sampler = small_sampler(backend)
    x, drawn = np.random.default_rng(3).random((20, 12)), sampler.draw_z(1000, seed=4)
    z = nearest_draws(sampler, x, seed=4)
    apart = np.linalg.norm(sampler.forward(drawn)[None] - x[:, None], axis=2)
    np.testing.assert_array_equal(z, drawn[apart.argmin(axis=1)])
    assert (nearest_draws(sampler, x, seed=5) != z).any()


def test_projection_of_a_row_does_not_depend_on_the_others():
    sampler = small_sampler(dtype=np.float64)
    x = np.random.default_rng(1).random((6, 12))
    together = Descent(sampler, x, np.zeros((6, 3))).run(20)
    alone = np.concatenate([Descent(sampler, row[None], np.zeros((1, 3))).run(20) for row in x])
    np.testing.assert_allclose(together, alone, rtol=1e-6, atol=1e-9)


def test_projection_stays_where_the_prior_is():
    sampler = small_sampler()
    z = Descent(sampler, np.random.default_rng(2).random((30, 12)), np.full((30, 3), 5.0)).run(30)
    assert np.abs(z).max() == np.float32(3**0.5)


def test_inference_is_kept_in_a_file_that_knows_its_generator(tmp_path):
    sampler, path = small_sampler(), tmp_path / "network.safetensors"
    inference = Inference(sampler, iterations=5)
    inference.train()
    inference.save(path)
    again = Inference.load(path, sampler)
    x = sampler.forward(sampler.draw_z(4))
    np.testing.assert_allclose(again(x), inference(x), atol=0.01)
    with pytest.raises(CheckpointError, match="another generator"):
        Inference.load(path, small_sampler(seed=1))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointError, match="damaged"):
        Inference.load(path, sampler)


def test_fit_compares_with_the_nearest_training_image(digits_run):
    sampler, data = Sampler.load(digits_run), load("digits")
    found = fit(sampler, data.scaled(data.train[:5], np.float32), sampler.draw_z(5), data)
    assert found.nearest == pytest.approx(0, abs=1e-6) and found.error > 1


# ---- The command ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network(digits_run, tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "network.safetensors"
    options = ["--iterations", "5", "--n", "3", "--steps", "0"]
    assert (
        project(
            [
                "--run",
                str(digits_run),
                "--images",
                "digits",
                "--network",
                str(path),
                *options,
                "--out",
                str(path.parent / "a.png"),
            ]
        )
        == 0
    )
    return path


def test_project_images_and_walks(digits_run, tmp_path, said):
    code, out, err = said(
        project, "--run", digits_run, "--images", "digits", "--n", "12", "--steps", "30", "--out", tmp_path / "x.png"
    )
    assert (code, err) == (0, "") and "12 images after 30 steps" in out and "the nearest training images by" in out
    assert Image.open(tmp_path / "x.png").size == (10 * 34 + 2, 7 * 34 + 2)


def test_project_by_a_network_that_is_trained_once(digits_run, network, tmp_path, said):
    before = network.read_bytes()
    command = ("--run", digits_run, "--images", "digits", "--n", "4", "--steps", "0", "--network", network)
    code, _, err = said(project, *command, "--out", tmp_path / "x.npz")
    assert code == 0 and "trained" not in err and network.read_bytes() == before
    sampler, made = Sampler.load(digits_run), np.load(tmp_path / "x.npz")
    np.testing.assert_allclose(made["z"], Inference.load(network, sampler)(made["x"]), rtol=1e-6)
    np.testing.assert_array_equal(made["made"], sampler.forward(made["z"]))


def test_project_one_picture(digits_run, tmp_path, said):
    Image.fromarray(np.full((8, 8), 90, np.uint8)).save(tmp_path / "grey.png")
    code, out, _ = said(
        project, "--run", digits_run, "--images", tmp_path / "grey.png", "--steps", "2", "--out", tmp_path / "x.npz"
    )
    assert code == 0 and "1 images" in out and np.load(tmp_path / "x.npz")["x"].shape == (1, 64)


def test_what_project_refuses(digits_run, network, tmp_path, said):
    Image.fromarray(np.zeros((9, 8), np.uint8)).save(tmp_path / "large.png")
    (tmp_path / "there.png").write_bytes(b"x")
    fine = {"--run": digits_run, "--images": "digits", "--out": tmp_path / "x.png", "--steps": "1"}
    for wrong, expected in (
        ({"--images": tmp_path / "large.png"}, "images of 9 x 8, expected images of 8 x 8"),
        ({"--images": tmp_path / "none.npy"}, "not found"),
        ({"--images": "ring"}, "expected examples"),
        ({"--out": tmp_path / "there.png"}, "exists already"),
        ({"--n": "0"}, "--n 0"),
        ({"--steps": "-1"}, "--steps -1"),
        ({"--network": tmp_path / "there.png"}, "no minigan checkpoint"),
    ):
        options = [str(part) for pair in (fine | wrong).items() for part in pair]
        code, _, err = said(project, *options)
        assert code == 2 and len(err.splitlines()) == 1 and expected in err, (wrong, err)
    code, _, err = said(project, "--pretrained", "mnist", "--images", network, "--out", tmp_path / "x.png")
    assert code == 2 and len(err.splitlines()) == 1


def test_project_and_inference_of_a_generator_that_is_told_labels():
    sampler = small_sampler()
    sampler.data = {"labels": {"classes": [0, 1], "counts": [1, 1], "sha256": ""}}
    x, z = np.zeros((1, 12)), np.zeros((1, 3))
    for make in (lambda: Inference(sampler), lambda: Descent(sampler, x, z), lambda: nearest_draws(sampler, x, 0)):
        with pytest.raises(ConfigError, match="is told labels"):
            make()
