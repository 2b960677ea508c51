"""A run's checkpoints: which are kept, which is the best, and which is taken where the newest is damaged."""

import numpy as np
import pytest
from runs import command, lines, train
from small_run import SMALL

from minigan import GAN, CheckpointError, Linear, Recipe, Sequential, Sigmoid
from minigan.data import Dataset, Mixture
from minigan.errors import ConfigError, DivergedError, PassedOver
from minigan.loop.validation import Measure
from minigan.metrics import parzen
from minigan.run.trainer import Trainer
from minigan.train import options


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
    assert line.startswith(f"minigan.sample: {newest}: damaged") and line.endswith("00020.safetensors is taken instead")
    with pytest.raises(CheckpointError):
        GAN.load(tmp_path)


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
    assert Measure(Mixture.ring())(best.sampler()) == found[best.iteration]


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
    monkeypatch.setattr(Measure, "__call__", lambda self, sampler: next(values))
    ring = ["--preset", "ring", "--validate-every", "5", "--out", str(tmp_path / "a")]
    for args in (["--iterations", "10"], ["--iterations", "20", "--resume"]):
        Trainer(options([*ring, *args])).run()
    assert GAN.load(tmp_path / "a" / "checkpoints" / "best.safetensors").iteration == 10


def test_the_validation_measure_is_the_parzen_estimate_of_validation_images(tmp_path):
    x = np.random.default_rng(0).random((1200, 3))
    gan = GAN(Sequential(Linear(2, 3), Sigmoid()), Sequential(Linear(3, 1)), Recipe(latent=2, batch_size=10)).fit(
        x[:99]
    )
    found = Measure(Dataset("a", x[:99], validation=x[99:]))(gan.sampler())
    curve = parzen.log_likelihood(gan.ops, x[99:1099], gan.sample(10_000), parzen.SIGMAS).mean(axis=1)
    assert found == curve.max()


def test_a_checkpoint_that_is_passed_over_is_named(tmp_path):
    out = tmp_path / "a"
    train("--out", str(out), "--iterations", "45")
    newest = out / "checkpoints" / "iteration-00000045.safetensors"
    whole = newest.read_bytes()
    newest.write_bytes(whole[:-5])
    result = command("minigan.train", "--out", str(out), "--resume", "--iterations", "45")
    assert result.returncode == 0 and f"{newest}: damaged" in result.stderr
    assert newest.read_bytes() == whole
