"""`minigan.compare` names what was planted, each time: in options, seed, data, phases, kernels, and in one weight."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_run import SMALL

from minigan import compare
from minigan.backends import why_no_gpu
from minigan.backends.numba.numba_ops import NumbaOps
from minigan.files import checkpoint
from minigan.run.trainer import Trainer
from minigan.train import options

ITERATIONS = "60"


def train(out: Path, *args: str) -> Path:
    """The folder of a short run."""
    defaults = ["--backend", "numpy"] * ("--backend" not in args) + ["--iterations", ITERATIONS] * (
        "--iterations" not in args
    )
    Trainer(options([*SMALL, *defaults, *args, "--out", str(out)])).run()
    return out


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Path:
    """The run to which others are held."""
    return train(tmp_path_factory.mktemp("compared") / "one")


@pytest.fixture
def verdict(said):
    """The verdict on two runs, and all that was said before it."""

    def of(one: Path, other: Path) -> tuple[str, str]:
        code, out, error = said(compare.main, one, other)
        assert code == 0, error
        before, _, last = out.rpartition("\nverdict     ")
        return last.strip(), before

    return of


def file_of(folder: Path, iteration: int) -> Path:
    return folder / "checkpoints" / f"iteration-{iteration:08d}.safetensors"


def copied(run: Path, out: Path) -> Path:
    shutil.copytree(run, out)
    return out


def change(path: Path, name: str, entry: tuple[int, ...], by) -> tuple[str, str]:
    """Change one entry of a checkpoint and save it anew, with a checksum that is right; its value before and after."""
    tensors, header = checkpoint.read(path)
    before = tensors[name][entry]
    tensors[name][entry] = by(before)
    checkpoint.write(path, tensors, {key: value for key, value in header.items() if key not in ("format", "digest")})
    return str(before), str(tensors[name][entry])


def bit(number: int):
    """Flips one bit of a float32."""
    return lambda value: (np.float32(value).view(np.uint32) ^ np.uint32(1 << number)).view(np.float32)


def test_equal_runs_are_equal(run, tmp_path, verdict):
    said, before = verdict(run, train(tmp_path / "other"))
    assert said.startswith("equal: the same numbers in 3 common checkpoints up to iteration 60")
    assert "equal at 20, 40, 60" in before and "metrics     equal" in before and "decides" not in before


@pytest.mark.parametrize(
    "planted, named, where",
    [
        (
            ["--lr", ".05"],
            "an option differs: lr 0.1 and 0.05",
            "in iteration 1, at discriminator.velocity.3.b[0], by ",
        ),
        (["--lr-g", ".05"], "an option differs: lr_g None and 0.05", "in iteration 1, at generator.velocity.2."),
        (["--lr-decay", "1.01"], "an option differs: lr_decay 1.0003 and 1.01", "in iteration 2, at discriminator."),
        (["--momentum", ".6"], "an option differs: momentum 0.5 and 0.6", "in iteration 2, at discriminator.velocity."),
        (["--k", "2"], "an option differs: k 1 and 2", "in iteration 1, at discriminator's layer 0 (Dropout) on G(z)["),
        (["--updates", "simultaneous"], "updates alternating and simultaneous", "at derivative of the discriminator's"),
        (["--batch-size", "40"], "an option differs: batch_size 50 and 40", "in iteration 1, at x, of shape (50, 64)"),
        (["--prior", "normal"], "an option differs: prior uniform and normal", "in iteration 1, at z["),
        (["--optimizer", "sgd"], "an option differs: optimizer momentum and sgd", "in iteration 1, at "),
        (
            ["--precision", "float64"],
            "an option differs: precision float32 and float64",
            "as they begin, at generator.",
        ),
        (["--seed", "1"], "seed differs: 0 and 1", "as they begin, at generator.0.W["),
        (["--seed", "1", "--lr", ".05"], "seed differs: 0 and 1; an option differs: lr 0.1 and 0.05", "as they begin"),
        (
            ["--lr", ".05", "--latent", "8", "--average", "5"],
            "options differ: lr 0.1 and 0.05, average None and 5",
            "in iteration 1, at ",
        ),
        (["--generator", "relu 24", "sigmoid"], "an option differs: generator", "as they begin, at generator.2.b["),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_an_option_or_the_seed_is_named(run, tmp_path, verdict, planted, named, where):
    said, before = verdict(run, train(tmp_path / "other", *planted))
    assert named in said and where in said, said
    assert "decides" in before


def test_other_data_are_named(tmp_path, verdict):
    images = np.random.default_rng(0).random((300, 64)).astype(np.float32)
    np.save(tmp_path / "one.npy", images)
    images[7, 3] = 0.5
    np.save(tmp_path / "other.npy", images)
    runs = [train(tmp_path / name, "--data", str(tmp_path / f"{name}.npy")) for name in ("one", "other")]
    said, _ = verdict(*runs)
    assert said.startswith("data differ: ") and "they part as they begin, at generator.2.b[3]" in said


def test_labels_are_named(tmp_path, verdict):
    images, y = np.random.default_rng(0).random((300, 64)).astype(np.float32), np.arange(300) % 3
    np.savez(tmp_path / "one.npz", train=images, y=y)
    y[[7, 8]] = y[[8, 7]]
    np.savez(tmp_path / "other.npz", train=images, y=y)
    told = ["--condition", "labels", "--iterations", "20"]
    runs = [train(tmp_path / name, *told, "--data", str(tmp_path / f"{name}.npz")) for name in ("one", "other")]
    said, _ = verdict(*runs)
    assert said.startswith("labels differ: ") and ", at y[" in said and "they part in iteration " in said


def test_a_phase_is_named(run, tmp_path, verdict):
    other = train(tmp_path / "other", "--iterations", "20")
    Trainer(options(["--out", str(other), "--resume", "--iterations", ITERATIONS, "--lr", ".05"])).run()
    said, before = verdict(run, other)
    assert said.startswith("an option differs: lr 0.1 and 0.05: they part in iteration 21, at discriminator.velocity.3")
    assert "phases none and 20: lr 0.1 to 0.05" in before and "equal at 20;" in before


def test_a_backend_that_rounds_otherwise_is_rounding(run, tmp_path, verdict):
    said, _ = verdict(run, train(tmp_path / "other", "--backend", "numba", "--threads", "1"))
    assert said.startswith("rounding: numpy, ") and " against numba, 1 thread" in said
    assert "they part in iteration 1, at " in said


def test_an_option_is_told_apart_from_rounding_beside_it(run, tmp_path, verdict):
    other = train(tmp_path / "other", "--backend", "numba", "--threads", "1", "--lr", ".05")
    said, before = verdict(run, other)
    assert said.startswith(
        "an option differs: lr 0.1 and 0.05: they part in iteration 1, at discriminator.velocity.3.b"
    )
    assert "so that rounding plays no part" in before


def test_an_option_that_decides_nothing_is_no_cause(run, tmp_path, verdict):
    """beta1 is Adam's; so what parts them is the backend."""
    said, _ = verdict(run, train(tmp_path / "a", "--beta1", ".8"))
    assert said.startswith("equal: ") and "an option differs: beta1 0.9 and 0.8" in said
    said, _ = verdict(run, train(tmp_path / "b", "--beta1", ".8", "--backend", "numba", "--threads", "1"))
    assert said.startswith("rounding: ")


@pytest.fixture
def other_kernels(monkeypatch):
    """Kernels of another version while a run is made: its sigmoid rounds otherwise, and says so unless asked not to."""

    def make(out: Path, numerics: int, times: float) -> Path:
        with monkeypatch.context() as patched:
            sigmoid = NumbaOps.sigmoid

            def planted(ops, *arguments, **named):
                made = sigmoid(ops, *arguments, **named)
                made *= made.dtype.type(times)
                return made

            patched.setattr(NumbaOps, "sigmoid", planted)
            patched.setattr(NumbaOps, "numerics", numerics)
            return train(out, "--backend", "numba", "--threads", "1")

    return make


def test_another_version_of_kernels_is_named(tmp_path, verdict, other_kernels):
    now = train(tmp_path / "now", "--backend", "numba", "--threads", "1")
    then = other_kernels(tmp_path / "then", 1, 1 - 2**-22)
    said, _ = verdict(then, now)
    assert said.startswith(f"the version of kernels differs: numerics 1 and {NumbaOps.numerics}: they part between ")
    assert f"{then} comes out otherwise than it was" in said and "iterations 0 and 20, there at " in said


def test_kernels_that_changed_without_saying_so_are_found_out(tmp_path, verdict, other_kernels):
    now = train(tmp_path / "now", "--backend", "numba", "--threads", "1")
    said, _ = verdict(now, other_kernels(tmp_path / "other", NumbaOps.numerics, 1.001))
    assert (
        said.startswith("unknown: their records are the same") and f"{tmp_path / 'other'} comes out otherwise" in said
    )


@pytest.mark.parametrize("iteration", [20, 40, 60])
@pytest.mark.parametrize("number", [0, 12, 30])
def test_one_flipped_weight_is_named(run, tmp_path, verdict, iteration, number):
    other = copied(run, tmp_path / "other")
    values = change(file_of(other, iteration), "generator.2.W", (3, 5), bit(number))
    for pair, order in (((run, other), values), ((other, run), values[::-1])):
        said, _ = verdict(*pair)
        assert said == (
            f"one weight differs: generator.2.W[3, 5] ({' and '.join(order)}) at checkpoint {iteration}; played again, "
            f"{other} comes to another checkpoint than it has"
        )


def test_a_run_that_went_on_from_a_changed_checkpoint(run, tmp_path, verdict):
    other = train(tmp_path / "other", "--iterations", "40")
    change(file_of(other, 40), "discriminator.velocity.1.W", (0, 2), lambda value: value + 1)
    Trainer(options(["--out", str(other), "--resume", "--iterations", ITERATIONS])).run()
    said, _ = verdict(run, other)
    assert said.startswith("one number differs: discriminator.velocity.1.W[0, 2] (") and "at checkpoint 40;" in said


def test_a_weight_is_found_in_a_checkpoint_that_only_one_run_has(run, tmp_path, verdict):
    other = train(tmp_path / "other", "--checkpoint-every", "15", "--iterations", "50")
    change(file_of(other, 45), "generator.0.b", (1,), lambda value: value + 1)
    said, _ = verdict(run, other)
    assert said.startswith("one weight differs: generator.0.b[1] (") and "at checkpoint 45;" in said


def test_runs_without_a_common_checkpoint_are_played_from_the_beginning(run, tmp_path, verdict):
    other = train(tmp_path / "other", "--checkpoint-every", "25", "--iterations", "50")
    said, _ = verdict(run, other)
    assert said == f"equal: the same numbers in all iterations, and played again up to 50; {other} ends there"
    other = train(tmp_path / "lr", "--checkpoint-every", "25", "--iterations", "50", "--lr", ".05")
    said, _ = verdict(run, other)
    assert said.startswith("an option differs: lr 0.1 and 0.05: they part in iteration 1, ")


def test_data_that_are_gone_leave_the_records_to_judge_by(tmp_path, verdict):
    data = tmp_path / "x.npy"
    np.save(data, np.random.default_rng(0).random((300, 64)).astype(np.float32))
    runs = [train(tmp_path / lr, "--data", str(data), "--lr", lr) for lr in (".1", ".05")]
    data.unlink()
    said, before = verdict(*runs)
    assert said.startswith("an option differs: lr 0.1 and 0.05: they part between iterations 0 and 20, there at ")
    assert f"not possible here: --data {data}: not found" in before and "metrics     differ from iteration 10" in before


def test_a_run_of_a_gpu_that_is_not_here_goes_by_its_records(run, tmp_path, verdict):
    other = copied(run, tmp_path / "other")
    for iteration in (20, 40, 60):
        tensors, header = checkpoint.read(file_of(other, iteration))
        rounded = {name: tensor * np.float32(1 + 2**-22) for name, tensor in tensors.items()}
        kept = {key: value for key, value in header.items() if key not in ("format", "digest")}
        checkpoint.write(file_of(other, iteration), rounded, kept | {"backend": "cupy", "threads": 1})
    if why_no_gpu() is None:
        pytest.skip("a GPU is here")
    said, before = verdict(run, other)
    assert said.startswith("what computes differs: backend numpy and cupy") and "between iterations 0 and 20" in said
    assert "not possible here: --backend cupy: " in before


def test_a_damaged_checkpoint_is_passed_over(run, tmp_path, said):
    other = copied(run, tmp_path / "other")
    path = file_of(other, 40)
    damaged = bytearray(path.read_bytes())
    damaged[-9] ^= 1
    path.write_bytes(damaged)
    code, out, error = said(compare.main, run, other)
    assert code == 0 and f"{path}: damaged" in error and "verdict     equal: the same numbers in 2 common" in out


def test_nothing_is_written(run, tmp_path, verdict):
    other = train(tmp_path / "other", "--lr", ".05")
    files = {path: path.read_bytes() for folder in (run, other) for path in folder.rglob("*") if path.is_file()}
    verdict(run, other)
    after = {path: path.read_bytes() for folder in (run, other) for path in folder.rglob("*") if path.is_file()}
    assert files == after


def test_what_cannot_be_compared_is_one_line(run, tmp_path, said, capsys):
    def refused(*folders) -> str:
        code, out, error = said(compare.main, *folders)
        assert code == 2 and out == "" and error.count("\n") == 1, error
        return error

    other = train(tmp_path / "other", "--generator", "relu 20", "sigmoid", "--iterations", "5")
    capsys.readouterr()
    assert "no run there (expected config.toml)" in refused(run, tmp_path)
    assert "no run there" in refused(file_of(run, 20), run)
    begun = tmp_path / "begun"
    begun.mkdir()
    shutil.copy(run / "config.toml", begun)
    assert f"{begun / 'checkpoints'}: no checkpoint" in refused(run, begun)
    networks = "generators of 8x24, 24x64 and 8x20, 20x64"
    assert f"{run} and {other}: two runs of different networks ({networks})" in refused(run, other)
    assert "'': expected the folders of two runs" in refused("", run)
    assert "Expected 2 values" in refused(run)
    text = (begun / "config.toml").read_text()
    (begun / "config.toml").write_text(text.replace("lr = 0.1", 'lr = "much"'))
    assert f"{begun / 'config.toml'}: lr" in refused(begun, run)
    assert json.loads((run / "record.jsonl").read_text().splitlines()[0])["iteration"] == 0
