"""Algorithm 1 on the GPU backend and on NumPy, one seed: equal draws, parameters equal up to rounding; and recorded
iterations equal to those launched kernel by kernel, to the last bit."""

import json
from dataclasses import replace

import numpy as np
import pytest
from gpu_machines import MACHINES, gpu_ops
from test_parity_of_games import PIXELS, SEED, SLACK, UPDATES, M, distance, new_game

from minigan import GAN, Dataset, Dropout, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid
from minigan.backends.numpy_ops import NumpyOps
from minigan.checks.table import check_all
from minigan.comparing.apart import apart
from minigan.data import Mixture, describe, minibatches
from minigan.data.batches import ExampleBatches
from minigan.data.labels import Labels
from minigan.explaining.step import Step
from minigan.game.algorithm1 import Algorithm1
from minigan.game.losses import LOSSES
from minigan.game.state import tensors
from minigan.options.config import Config
from minigan.run.trainer import Trainer

ITERATIONS = {"stand-in": 30, "gpu": 100}


class Seen(Algorithm1):
    """Writes down every z and x that is drawn."""

    def draw_z(self, substep):
        super().draw_z(substep)
        self.drawn.append(self.ops.to_host(self.z).tobytes())

    def draw_x(self, data, substep):
        super().draw_x(data, substep)
        self.drawn.append(self.ops.to_host(self.x).tobytes())


def play(ops, updates, dtype, iterations, kind=Algorithm1):
    """Both players' parameters before and after, and what was drawn where `kind` is Seen: z, x and masks."""
    game = new_game(ops, updates, dtype, kind)
    images = np.random.default_rng(3).integers(0, 256, (4 * M + 7, PIXELS)) * (np.arange(PIXELS) % 3 > 0)
    data = ExampleBatches(ops, Dataset("noise", images.astype(np.uint8)), M, SEED, dtype)
    game.drawn = []
    players = game.generator, game.discriminator
    before = [ops.to_host(player.params.flat) for player in players]
    iterate = (lambda: game.iterate(data)) if kind is Seen else ops.recorded(lambda: game.iterate(data))
    with ops.session():
        for t in range(iterations):
            data.prepare(t, 1)
            iterate()
            if kind is Seen:
                memories = game.tape_d.layers
                game.drawn += [ops.to_host(m.kept).tobytes() for m in memories if hasattr(m, "kept")]
                game.drawn += [(ops.to_host(m.winner) < 0).tobytes() for m in memories if hasattr(m, "winner")]
    return before, [ops.to_host(player.params.flat) for player in players], game.drawn


@pytest.fixture(params=UPDATES)
def updates(request):
    return request.param


@pytest.fixture(params=SLACK)
def dtype(request):
    return request.param


@pytest.mark.parametrize("machine", MACHINES)
def test_parity_of_what_a_game_on_the_gpu_draws(machine, updates, dtype):
    iterations = ITERATIONS[machine] // 5
    _, _, drawn = play(gpu_ops(machine), updates, dtype, iterations, Seen)
    _, _, expected = play(NumpyOps(), updates, dtype, iterations, Seen)
    assert drawn == expected and len(set(drawn)) == len(drawn) > 4 * iterations


@pytest.mark.parametrize("machine", MACHINES)
def test_parity_of_parameters_after_a_game_on_the_gpu(machine, updates, dtype):
    iterations = ITERATIONS[machine]
    before, after, _ = play(gpu_ops(machine), updates, dtype, iterations)
    _, expected, _ = play(NumpyOps(), updates, dtype, iterations)
    assert all(a.dtype == dtype and np.abs(a - b).max() > 100 * SLACK[dtype] for a, b in zip(after, before))
    assert distance(after, expected) < SLACK[dtype]


@pytest.mark.parametrize("machine", MACHINES)
def test_recorded_iterations_are_those_launched_one_by_one_to_the_last_bit(machine, updates, dtype):
    iterations = ITERATIONS[machine] + 3
    results = [play(gpu_ops(machine, recording=r), updates, dtype, iterations)[1] for r in (True, False)]
    assert [a.tobytes() for a in results[0]] == [a.tobytes() for a in results[1]]


@pytest.mark.parametrize("machine", MACHINES)
def test_what_runs_side_by_side_is_what_runs_one_after_the_other_to_the_last_bit(machine, updates, dtype):
    iterations = ITERATIONS[machine] + 3
    results = [play(gpu_ops(machine, side_by_side=s), updates, dtype, iterations)[1] for s in (True, False)]
    assert [a.tobytes() for a in results[0]] == [a.tobytes() for a in results[1]]


@pytest.mark.parametrize("machine", [pytest.param("gpu", marks=pytest.mark.gpu)])
def test_tf32_is_tf32_and_float32_is_not(machine):
    """Products of numbers in [1, 2): tf32 keeps 10 bits of each, so it must be off by more than float32 ever is."""
    a, b = (np.random.default_rng(seed).uniform(1, 2, (256, 256)).astype(np.float32) for seed in (1, 2))
    exact, errors = a.astype(np.float64) @ b, {}
    for tf32 in (False, True):
        ops = gpu_ops(machine, tf32=tf32)
        got = ops.to_host(ops.gemm(ops.asarray(a), ops.asarray(b), ops.empty((256, 256), np.float32)))
        errors[tf32] = np.abs(got / exact - 1).max()
    assert errors[False] < 5e-6 and 1e-5 < errors[True] < 1e-3


# ---- The whole GAN ---------------------------------------------------------------------------------------------


def networks(n, classes=0):
    """Small ones, with every layer."""
    g = Sequential(Linear(7 + classes, 20), ReLU(), Linear(20, n), Sigmoid())
    return g, Sequential(Dropout(0.8), Maxout(n + classes, 12, 3), Dropout(0.5), Linear(12, 1))


def fitted(ops, recipe, data, iterations, monkeypatch):
    """A GAN on `ops` after so many iterations; `source` is where its minibatches come from."""
    monkeypatch.setattr("minigan.backends.get", lambda *arguments: ops)
    if recipe.condition:
        data = replace(data, labels=Labels.of("y", np.arange(len(data.train)) % CLASSES))
    gan = GAN(*networks(data.n_features, CLASSES if recipe.condition else 0), recipe)
    gan.source = minibatches(ops, data, recipe.batch_size, recipe.seed, recipe.dtype)
    gan.begin(gan.source.batches_per_epoch, describe(data))
    with ops.session():
        for _ in range(iterations):
            gan.step(gan.source)
    return gan


CLASSES = 3
RECIPES = {
    **{f"the loss {name}": {"loss": name} for name in LOSSES},
    "momentum that ramps": {"momentum": 0.3, "momentum_final": 0.8, "momentum_epochs": 4, "lr_decay": 1.01},
    "sgd": {"optimizer": "sgd"},
    "adam": {"optimizer": "adam", "lr": 0.002},
    "k of 3, norms": {"k": 3, "average": 4, "average_eta": 0.5, "max_column_norm": 0.4, "prior": "normal"},
    "labels": {"condition": "labels", "k": 2},
    "labels, joint": {"condition": "labels", "updates": "simultaneous"},
    "k of 2, joint": {"k": 2, "updates": "simultaneous", "prior": "spherical", "loss": "saturating"},
}


@pytest.mark.parametrize("machine", MACHINES)
def test_the_plain_gradients_on_the_gpu_leave_its_recorded_game_alone(machine, updates, monkeypatch):
    x, recipe = np.random.default_rng(1).random((40, 16)), Recipe(latent=7, batch_size=10, precision="float64")
    recipe = replace(recipe, updates=updates)
    gan, other, cpu = (
        fitted(ops, recipe, Dataset("noise", x), 9, monkeypatch)
        for ops in (gpu_ops(machine), gpu_ops(machine), NumpyOps())
    )
    found, expected = gan.gradients(x[:6]), cpu.gradients(x[:6])
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], atol=SLACK[np.float64])
    for each in (gan, other):
        with each.ops.session():
            each.step(each.source)
    assert gan.sample(5).tobytes() == other.sample(5).tobytes()


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["labels, joint", "k of 3, norms"])
def test_an_iteration_opened_on_the_gpu_is_the_iteration(machine, name, monkeypatch):
    recipe = Recipe(seed=5, latent=7, batch_size=10, precision="float64", **RECIPES[name])
    data = Dataset("digits", np.random.default_rng(2).integers(0, 256, (65, 16)).astype(np.uint8))
    gan = fitted(gpu_ops(machine), recipe, data, 5, monkeypatch)
    step = Step(gan, gan.source)
    with gan.ops.session():
        gan.step(gan.source)
    left = {name: array for move in step.moves for name, array in move.after.items()}
    assert not apart(gan.ops.snapshot(tensors(gan.game))(), left)
    for gradient in step.gradients:
        assert all(entry["agrees"] or entry["crossed"] for entry in step.chosen(gradient))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", RECIPES)
def test_a_gan_on_the_gpu_is_that_on_numpy(machine, name, monkeypatch):
    recipe = Recipe(seed=5, latent=7, batch_size=10, precision="float64", **RECIPES[name])
    data = Dataset("digits", np.random.default_rng(2).integers(0, 256, (65, 16)).astype(np.uint8))
    here, there = (fitted(o, recipe, data, 25, monkeypatch) for o in (NumpyOps(), gpu_ops(machine)))
    seen, expected = there.game.measure(), here.game.measure()
    assert seen.pop("value") == (expected["value"] and pytest.approx(expected["value"], rel=1e-9))
    assert seen == pytest.approx({name: expected[name] for name in seen}, rel=1e-9)
    np.testing.assert_allclose(there.sample(9), here.sample(9), rtol=1e-9)
    beliefs = [gan.discriminate(here.sample(9), np.arange(9) % CLASSES) for gan in (there, here)]
    np.testing.assert_allclose(*beliefs, rtol=1e-9)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_gan_on_the_gpu_resumes_to_the_last_bit(machine, monkeypatch, tmp_path):
    recipe = Recipe(seed=5, latent=7, batch_size=10, **RECIPES["momentum that ramps"])
    data = Dataset("digits", np.random.default_rng(2).integers(0, 256, (65, 16)).astype(np.uint8))
    whole = fitted(gpu_ops(machine), recipe, data, 40, monkeypatch)
    half = fitted(gpu_ops(machine), recipe, data, 17, monkeypatch)
    half.save(tmp_path / "half.safetensors")
    resumed = GAN.load(tmp_path / "half.safetensors")
    source = ExampleBatches(resumed.ops, data, 10, 5, np.float32)
    for _ in range(23):
        resumed.step(source)
    assert resumed.sample(5).tobytes() == whole.sample(5).tobytes()


@pytest.mark.parametrize("machine", MACHINES)
def test_mixtures_on_the_gpu(machine, monkeypatch):
    recipe = Recipe(seed=1, latent=7, batch_size=20, precision="float64")
    here, there = (fitted(o, recipe, Mixture.ring(), 25, monkeypatch) for o in (NumpyOps(), gpu_ops(machine)))
    np.testing.assert_allclose(there.sample(9), here.sample(9), rtol=1e-9)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_watched_iteration_tells_the_vital_signs_that_numpy_tells(machine, monkeypatch):
    recipe = Recipe(seed=5, latent=7, batch_size=10, precision="float64", **RECIPES["momentum that ramps"])
    data = Dataset("digits", np.random.default_rng(2).integers(0, 256, (65, 16)).astype(np.uint8))
    signs = []
    for ops in (NumpyOps(), gpu_ops(machine)):
        gan, seen = fitted(ops, recipe, data, 1, monkeypatch), []
        for t in range(1, 12):
            gan.game.watch(t % 3 == 0)
            gan.step(gan.source)
            if t % 3 == 0:
                seen.append(list(gan.game.vital_signs().values()))
        signs.append(seen)
    np.testing.assert_allclose(signs[1], signs[0], rtol=1e-9)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_gradient_on_the_gpu(machine):
    assert [row.name for row in check_all(gpu_ops(machine)) if not row.passed] == []


@pytest.mark.parametrize("machine", MACHINES)
def test_a_run_on_the_gpu_leaves_what_one_on_numpy_leaves(machine, monkeypatch, tmp_path):
    ops, lines = {"numpy": NumpyOps(), "cupy": gpu_ops(machine)}, {}
    monkeypatch.setattr("minigan.backends.get", lambda name, *arguments: ops[name])
    small = {"generator": ("relu 24", "sigmoid"), "discriminator": ("maxout 12x3 keep=.8", "linear keep=.5")}
    often = {"log_every": 10, "sample_every": 20, "checkpoint_every": 20}
    for name in ops:
        whose = {"backend": name, "precision": "float64", "out": str(tmp_path / name)}
        begun = Config(latent=8, batch_size=50, iterations=25, **small, **often, **whose)
        Trainer(begun).run()
        Trainer(replace(begun, iterations=45, resume=True)).run()
        lines[name] = [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in lines["cupy"]] == [10, 20, 25, 30, 40, 45]
    for there, here in zip(lines["cupy"], lines["numpy"]):
        when = {"iterations_per_second": 0, "time": 0}
        assert there | when == pytest.approx(here | when, rel=1e-9)
