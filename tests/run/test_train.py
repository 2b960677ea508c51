"""The command as its users call it: what a run leaves, how it goes on, and what it says to wrong input."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from runs import command, final, lines, train
from small_run import SMALL

from minigan import GAN
from minigan.game.losses import LOSSES
from minigan.run.trainer import Trainer
from minigan.train import main, options


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


@pytest.mark.parametrize("loss", LOSSES)
def test_a_run_says_v_where_its_loss_has_one(loss, tmp_path, said):
    code, _, told = said(main, *SMALL, "--out", tmp_path / "a", "--iterations", 45, "--loss", loss)
    logit = LOSSES[loss].logit
    assert code == 0 and [line["value"] is not None for line in lines(tmp_path / "a")] == [logit] * 5
    assert "D(x) " in told and ("V -" in told) == logit
    assert GAN.load(tmp_path / "a").recipe.loss == loss


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
    result = command("minigan.train", "--out", str(out), "--resume", "--seed", "3")
    assert result.returncode == 2 and "--seed 3" in result.stderr
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
