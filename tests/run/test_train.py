"""The command as its users call it: what a run leaves, how it goes on, and what it says to wrong input."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_run import SMALL

from minigan import GAN, CheckpointError, Linear, Recipe, Sequential, Sigmoid
from minigan.data import Dataset, Mixture
from minigan.errors import ConfigError, DivergedError, PassedOver
from minigan.metrics import parzen
from minigan.run.trainer import Trainer
from minigan.run.validation import Validation
from minigan.train import options


def train(*args: str) -> Trainer:
    trainer = Trainer(options([*SMALL, *args]))
    trainer.run()
    return trainer


def command(*args: str, cwd=None) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run([sys.executable, "-m", *args], capture_output=True, text=True, cwd=cwd, env=environment)


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def final(out: Path, iteration: int) -> bytes:
    return (out / "checkpoints" / f"iteration-{iteration:08d}.safetensors").read_bytes()


def test_a_run_leaves_config_metrics_pictures_and_checkpoints(tmp_path):
    out = tmp_path / "a"
    train("--out", str(out), "--iterations", "45")
    assert [line["iteration"] for line in lines(out)] == [10, 20, 30, 40, 45]
    assert lines(out)[-1].keys() == {
        "iteration",
        "epoch",
        "value",
        "d_loss",
        "g_loss",
        "d_real",
        "d_fake",
        "d_gradient",
        "g_gradient",
        "dead_units",
        "diversity",
        "lr",
        "momentum",
        "iterations_per_second",
        "time",
    }
    assert [p.name for p in sorted((out / "samples").iterdir())] == [f"iteration-{i:08d}.png" for i in (20, 40, 45)]
    assert len(list((out / "checkpoints").iterdir())) == 3
    assert 'data = "digits"' in (out / "config.toml").read_text()


@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path, updates):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train("--out", str(tmp_path / name), "--iterations", "25", "--seed", str(seed), "--updates", updates)
    a, b, c = (final(tmp_path / name, 25) for name in "abc")
    assert a == b
    assert a != c


WHEN = {"iterations_per_second": 0, "time": 0}
EXTRA = [
    [],
    ["--optimizer", "adam", "--lr", ".001"],
    ["--k", "3"],
    ["--max-column-norm", "1", "--average", "20"],
    ["--backend", "numba"],
]


@pytest.mark.parametrize("extra", EXTRA, ids=" ".join)
def test_a_run_stopped_and_resumed_ends_as_one_never_stopped(tmp_path, extra):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train("--out", str(whole), "--iterations", "60", *extra)
    train("--out", str(parts), "--iterations", "30", *extra)
    trainer = Trainer(options(["--out", str(parts), "--resume", "--iterations", "60"]))
    trainer.run()
    assert final(whole, 60) == final(parts, 60)
    for a, b in zip(lines(whole), lines(parts), strict=True):
        assert a | WHEN == b | WHEN


def test_epochs_are_a_total_too(tmp_path):
    out = tmp_path / "a"
    train("--out", str(out), "--iterations", "12")
    resumed = options(["--out", str(out), "--resume", "--epochs", "1"])
    assert resumed.iterations is None and resumed.epochs == 1
    trainer = Trainer(resumed)
    trainer.run()
    assert trainer.gan.iteration == trainer.gan.iterations_per_epoch == 30


def test_a_crash_between_checkpoint_and_metrics_leaves_no_double_line(tmp_path):
    out = tmp_path / "a"
    train("--out", str(out), "--iterations", "45")
    (out / "checkpoints" / "iteration-00000045.safetensors").unlink()
    with open(out / "metrics.jsonl", "a") as file:
        file.write('{"iteration": 50, "val')
    Trainer(options(["--out", str(out), "--resume", "--iterations", "60"])).run()
    assert [line["iteration"] for line in lines(out)] == [10, 20, 30, 40, 50, 60]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_cleanly(tmp_path, number):
    out = tmp_path / "a"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-m", "minigan.train", *SMALL, "--out", str(out), "--iterations", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    deadline = time.monotonic() + 60
    while not (out / "metrics.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "--resume" in stdout and "Traceback" not in stderr
    gan = GAN.load(out)
    assert f"stopped at iteration {gan.iteration} " in stdout


def test_python_users_fit_sample_save_and_load(tmp_path):
    from minigan import Dropout, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid

    X = np.random.default_rng(0).random((200, 6), dtype=np.float32)
    generator = Sequential(Linear(3, 16), ReLU(), Linear(16, 6), Sigmoid())
    discriminator = Sequential(Dropout(0.8), Maxout(6, 8, 3), Linear(8, 1))
    gan = GAN(generator, discriminator, Recipe(latent=3, batch_size=20)).fit(X, epochs=2)
    assert gan.iteration == 20
    x = gan.sample(7, seed=5)
    assert x.shape == (7, 6) and x.dtype == np.float32
    np.testing.assert_allclose(gan.sample(3, seed=5), x[:3], rtol=1e-6)
    assert gan.discriminate(x).shape == (7,)
    assert np.all((gan.discriminate(x) > 0) & (gan.discriminate(x) < 1))
    gan.save(tmp_path / "gan.safetensors")
    loaded = GAN.load(tmp_path / "gan.safetensors")
    np.testing.assert_array_equal(loaded.sample(7, seed=5), x)
    assert repr(loaded.generator.layers[1]) == "ReLU()"


def test_a_damaged_newest_checkpoint_is_passed_over_and_none_is_an_error(tmp_path):
    out = tmp_path / "a"
    train("--out", str(out), "--iterations", "40")
    newest = out / "checkpoints" / "iteration-00000040.safetensors"
    newest.write_bytes(newest.read_bytes()[:-5])
    with pytest.warns(PassedOver, match="00040.safetensors: damaged: .*; iteration-00000020.safetensors is taken"):
        assert GAN.load(out).iteration == 20
    result = command("minigan.sample", "--run", str(out), "--n", "4", "--out", str(tmp_path / "x.npy"))
    assert result.returncode == 0
    [line] = result.stderr.splitlines()
    assert line.startswith(f"minigan.sample: {newest}: damaged") and line.endswith(
        "00020.safetensors is taken in its place"
    )
    with pytest.raises(CheckpointError):
        GAN.load(tmp_path)


def test_presets_print_as_toml_that_is_read_back(tmp_path):
    shipped = sorted(path.stem for path in (Path(__file__).parents[2] / "minigan" / "presets").glob("*.toml"))
    assert {"digits", "mnist", "cifar10", "cifar10-quarter", "ring"} < set(shipped)
    for name in shipped:
        printed = command("minigan.train", "--preset", name, "--print-config")
        assert printed.returncode == 0
        (tmp_path / f"{name}.toml").write_text(printed.stdout)
        again = options(["--preset", str(tmp_path / f"{name}.toml")])
        assert replace(again, preset=name) == options(["--preset", name])


WRONG = {
    "no such preset": (["--preset", "nothing"], "--preset nothing"),
    "no such flag": (["--learning-rate", "1"], "--learning-rate"),
    "a word for a number": (["--lr", "fast"], "--lr"),
    "k = 0": (["--k", "0"], "--k 0"),
    "negative lr": (["--lr", "-.1"], "--lr -0.1"),
    "nan lr": (["--lr", "nan"], "--lr nan"),
    "keep = 0": (["--discriminator", "linear keep=0"], "keep=0"),
    "keep > 1": (["--discriminator", "linear keep=1.5"], "keep"),
    "unknown layer": (["--generator", "tanh 3"], "tanh 3"),
    "no such choice": (["--updates", "never"], "--updates"),
    "no such data": (["--data", "no/such/file.npy"], "no/such/file.npy"),
    "no such backend": (["--backend", "abacus"], "--backend"),
    "resume without a run": (["--resume", "--out", "no/such/run"], "no/such/run"),
    "resume without out": (["--resume"], "--resume"),
    "a batch larger than the data": (["--batch-size", "100000"], "100000"),
    "validation without examples": (["--validate-every", "5"], "--validate-every"),
    "validation that never comes": (
        ["--preset", "ring", "--iterations", "20", "--validate-every", "21"],
        "21: expected at",
    ),
    "keep none": (["--keep-last", "0"], "--keep-last 0"),
    "zero iterations": (["--iterations", "0"], "--iterations 0"),
    "missing value": (["--preset"], "--preset"),
    "no data at all": (["--data", ""], "--data"),
    "a file in the folder's way": (["--out", "/dev/null/a"], "--out /dev/null/a"),
    "a discriminator without a logit": (["--discriminator", "relu 5", "sigmoid"], "the discriminator ends in Sigmoid"),
    "a GPU's number on a CPU": (["--device", "1", "--backend", "numba"], "--device 1"),
    "more iterations than are counted": (["--epochs", "999999999999"], "--epochs 999999999999"),
    "too large a k": (["--k", "65536"], "--k 65536: expected 1 to 65535"),
    "a preset's file that is not there": (["--preset", "mine.toml"], "--preset mine.toml: no such file"),
}


@pytest.mark.parametrize("args, named", WRONG.values(), ids=WRONG.keys())
def test_wrong_input_ends_in_one_line_and_exit_code_2(tmp_path, args, named):
    result = command("minigan.train", *args, cwd=tmp_path)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1 and named in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_networks_that_no_memory_holds_say_what_to_lower(tmp_path, backend):
    result = command("minigan.train", "--latent", "100000000000", "--backend", backend, cwd=tmp_path)
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1
    assert "Unable to allocate 93.1 TiB" in result.stderr and "smaller --batch-size, --latent" in result.stderr


def test_a_run_that_diverges_says_so_and_keeps_no_such_checkpoint(tmp_path):
    out = tmp_path / "a"
    args = ["--out", str(out), "--iterations", "30", "--checkpoint-every", "10", "--lr", "1e30"]
    result = command("minigan.train", *SMALL[:-2], *args)
    assert result.returncode == 1
    assert "not finite" in result.stderr and "Traceback" not in result.stderr and "Warning" not in result.stderr
    assert (
        "iteration 10: not finite; the run is repeated from iteration 0 to find out where it began\n" in result.stderr
    )
    assert not list(out.rglob("*.safetensors"))


def test_divergence_is_traced_to_its_iteration_and_layer_and_the_last_finite_checkpoint_stays(tmp_path, monkeypatch):
    out = tmp_path / "a"
    trainer = Trainer(options([*SMALL, "--out", str(out), "--iterations", "60"]))
    step = GAN.step

    def spoilt(gan, source):
        step(gan, source)
        if gan.iteration == 33:
            gan.game.discriminator.optimiser.state["velocity"]["3.W"][0] = np.inf

    monkeypatch.setattr(GAN, "step", spoilt)
    with pytest.raises(
        DivergedError, match=r"^iteration 40: .* since iteration 33, first in discriminator.velocity.3.W \(Linear\)"
    ):
        trainer.run()
    assert GAN.load(out).iteration == 20
    assert [line["iteration"] for line in lines(out)] == [10, 20, 30]


def test_the_newest_checkpoints_and_the_best_are_kept(tmp_path):
    out = tmp_path / "a"
    mixture = ["--preset", "ring", "--discriminator", "relu 24", "linear", "--generator", "relu 24", "linear"]
    args = ["--checkpoint-every", "10", "--keep-last", "2", "--validate-every", "15", "--log-every", "10"]
    Trainer(options([*mixture, *args, "--out", str(out), "--iterations", "45"])).run()
    assert sorted(p.name for p in (out / "checkpoints").iterdir()) == [
        "best.safetensors",
        "iteration-00000040.safetensors",
        "iteration-00000045.safetensors",
    ]
    found = {line["iteration"]: line["validation"] for line in lines(out) if "validation" in line}
    assert list(found) == [15, 30, 45] and [line["iteration"] for line in lines(out)] == [10, 15, 20, 30, 40, 45]
    best = GAN.load(out / "checkpoints" / "best.safetensors")
    assert found[best.iteration] == max(found.values())
    assert Validation(Mixture.ring(), "")(best.sampler()) == found[best.iteration]


def test_checkpoints_that_a_killed_run_had_no_time_to_remove_go_when_it_goes_on(tmp_path):
    run = [*SMALL[:-2], "--out", str(tmp_path), "--checkpoint-every", "10"]
    Trainer(options([*run, "--iterations", "40"])).run()
    Trainer(options([*run, "--iterations", "40", "--keep-last", "3", "--resume"])).run()
    assert numbers(tmp_path) == [20, 30, 40]


@pytest.mark.filterwarnings("ignore::minigan.errors.PassedOver")
def test_a_damaged_checkpoint_is_not_one_of_those_kept(tmp_path):
    run = [*SMALL[:-2], "--out", str(tmp_path), "--checkpoint-every", "10", "--keep-last", "1"]
    Trainer(options([*run, "--iterations", "20"])).run()
    (tmp_path / "checkpoints" / "iteration-00000099.safetensors").write_bytes(b"damaged")
    Trainer(options([*run, "--iterations", "30", "--resume"])).run()
    assert numbers(tmp_path) == [30, 99] and GAN.load(tmp_path).iteration == 30


def test_a_run_that_may_not_go_on_loses_no_checkpoint(tmp_path):
    run = [*SMALL[:-2], "--out", str(tmp_path), "--checkpoint-every", "10"]
    Trainer(options([*run, "--iterations", "30"])).run()
    with pytest.raises(ConfigError, match="30 iterations are done"):
        Trainer(options([*run, "--iterations", "20", "--keep-last", "1", "--resume"]))
    assert numbers(tmp_path) == [10, 20, 30]


def numbers(folder):
    """The iterations of a run's numbered checkpoints."""
    return sorted(int(p.stem.split("-")[1]) for p in (folder / "checkpoints").glob("iteration-*.safetensors"))


def test_the_best_so_far_is_remembered_when_a_run_goes_on(tmp_path, monkeypatch):
    values = iter([0.1, 0.7, 0.4, 0.6])
    monkeypatch.setattr(Validation, "__call__", lambda self, sampler: next(values))
    ring = ["--preset", "ring", "--validate-every", "5", "--out", str(tmp_path / "a")]
    for args in (["--iterations", "10"], ["--iterations", "20", "--resume"]):
        Trainer(options([*ring, *args])).run()
    assert GAN.load(tmp_path / "a" / "checkpoints" / "best.safetensors").iteration == 10


def test_the_validation_measure_is_the_parzen_estimate_of_validation_images(tmp_path):
    x = np.random.default_rng(0).random((1200, 3))
    gan = GAN(Sequential(Linear(2, 3), Sigmoid()), Sequential(Linear(3, 1)), Recipe(latent=2, batch_size=10)).fit(
        x[:99]
    )
    found = Validation(Dataset("a", x[:99], validation=x[99:]), "")(gan.sampler())
    curve = parzen.log_likelihood(gan.ops, x[99:1099], gan.sample(10_000), parzen.SIGMAS).mean(axis=1)
    assert found == curve.max()


def test_a_run_killed_before_its_first_checkpoint_begins_anew(tmp_path):
    whole, out = tmp_path / "whole", tmp_path / "a"
    train("--out", str(whole), "--iterations", "20")
    train("--out", str(out), "--iterations", "20")
    (out / "checkpoints" / "iteration-00000020.safetensors").unlink()
    (out / "checkpoints" / ".iteration-00000020.safetensors.77.part").write_bytes(b"half")
    Trainer(options(["--out", str(out), "--resume"])).run()
    assert final(out, 20) == final(whole, 20)
    assert [line["iteration"] for line in lines(out)] == [10, 20]
    assert [p.name for p in (out / "checkpoints").iterdir()] == ["iteration-00000020.safetensors"]


def test_a_checkpoint_that_is_passed_over_is_named(tmp_path):
    out = tmp_path / "a"
    train("--out", str(out), "--iterations", "45")
    newest = out / "checkpoints" / "iteration-00000045.safetensors"
    whole = newest.read_bytes()
    newest.write_bytes(whole[:-5])
    result = command("minigan.train", "--out", str(out), "--resume", "--iterations", "45")
    assert result.returncode == 0 and f"{newest}: damaged" in result.stderr
    assert newest.read_bytes() == whole


def test_a_run_is_not_overwritten(tmp_path):
    out = tmp_path / "a"
    train("--out", str(out), "--iterations", "20")
    before = final(out, 20)
    result = command("minigan.train", "--out", str(out))
    assert result.returncode == 2 and "--resume" in result.stderr and str(out) in result.stderr
    assert final(out, 20) == before


def test_a_resumed_run_keeps_what_decides_its_numbers(tmp_path):
    out = tmp_path / "a"
    train("--out", str(out), "--iterations", "20")
    result = command("minigan.train", "--out", str(out), "--resume", "--lr", ".3")
    assert result.returncode == 2 and "--lr 0.3" in result.stderr
    result = command("minigan.train", "--out", str(out), "--resume", "--data", "ring", "--generator", "linear")
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1


def test_sample_writes_npy_npz_and_png(tmp_path):
    out = tmp_path / "a"
    train("--out", str(out), "--iterations", "20")
    for name in ("x.npy", "x.npz", "x.png", "lines.png"):
        how = ["--n", "20", "--seed", "3", *(["--interpolate"] if name == "lines.png" else [])]
        result = command("minigan.sample", "--run", str(out), "--out", str(tmp_path / name), *how)
        assert result.returncode == 0, result.stderr
    x = np.load(tmp_path / "x.npy")
    assert x.shape == (20, 64) and x.dtype == np.float32 and 0 <= x.min() and x.max() <= 1
    np.testing.assert_array_equal(np.load(tmp_path / "x.npz")["x"], x)
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"
    again = command("minigan.sample", "--run", str(out), "--out", str(tmp_path / "x.npy"))
    assert again.returncode == 2 and "nothing is overwritten" in again.stderr
