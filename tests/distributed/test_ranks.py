"""Several ranks train what one trains, write as one does, and are refused in one line."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from games import GAMES, played, weights
from launch import HERE, RUN, mpiexec, needs_mpi, train

from minigan import GAN
from minigan.train import main

pytestmark = needs_mpi

# As between backends (tests/backends/test_parity_of_games.py).
SLACK = {"float64": 1e-12, "float32": 2e-5}
ITERATIONS = 25


@pytest.fixture(scope="module")
def alone():
    """What one process trains: {game: (weights, the history's diversity)}."""
    gans = {"/".join(map(str, game)): played(game, iterations=ITERATIONS) for game in GAMES}
    return {name: (weights(gan), gan.history_["diversity"][-1]) for name, gan in gans.items()}


@pytest.mark.parametrize("ranks, order, step", [(2, "mpi", 1), (4, "mpi-ordered", 5)])
def test_ranks_train_what_one_process_trains(alone, tmp_path, ranks, order, step):
    made = mpiexec(ranks, HERE / "games.py", tmp_path / "out.npz", ITERATIONS, order, step)
    assert made.code == 0, made.err
    found = np.load(tmp_path / "out.npz")
    assert found["size"] == ranks
    for name, (expected, diversity) in list(alone.items())[::step]:
        slack = SLACK[name.rpartition("/")[2]]
        assert np.abs(found[name] - expected).max() <= slack * np.abs(expected).max(), name
        assert found[f"history/{name}"] == pytest.approx(diversity, rel=max(slack, 1e-6)), name


def lines(folder: Path) -> list[dict]:
    """Of metrics.jsonl, without times."""
    read = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [line | {"iterations_per_second": 0, "time": 0} for line in read]


def test_a_run_goes_on_with_more_ranks_and_with_fewer(tmp_path):
    """Two ranks, then one process, then two again: measures and weights are those of one process, up to rounding."""
    several, one = tmp_path / "several", tmp_path / "one"
    options = [*RUN, "--precision", "float64"]
    last = ["--resume", "--iterations", 60, "--k", 2]
    stages = [(2, [*options, "--out", several, "--iterations", 20, "--distributed", "mpi"])]
    stages += [(1, ["--out", several, "--resume", "--iterations", 40])]
    stages += [(2, ["--out", several, *last, "--distributed", "mpi"])]
    stages += [(1, [*options, "--out", one, "--iterations", 40]), (1, ["--out", one, *last])]
    for ranks, stage in stages:
        if ranks == 1:
            assert main(list(map(str, stage))) == 0
            continue
        made = train(ranks, *stage)
        assert made.code == 0 and made.out.count("checkpoint ") == 1, made.err
    assert [line["iteration"] for line in lines(several)] == list(range(5, 61, 5))
    for found, expected in zip(lines(several), lines(one)):
        assert found == pytest.approx(expected, rel=1e-9)
    names = [sorted(p.name for p in (folder / "checkpoints").iterdir()) for folder in (several, one)]
    assert set(names[0]) >= set(names[1]) - {"iteration-00000040.safetensors"}
    a, b = (weights(GAN.load(folder)) for folder in (several, one))
    assert np.abs(a - b).max() < 1e-12 * np.abs(b).max()
    assert "distributed" not in (several / "config.toml").read_text()


@pytest.mark.parametrize(
    "ranks, options, said",
    [
        (2, [], "one of 2 processes that would all do the same: expected --distributed mpi"),
        (3, ["--distributed", "mpi", "--batch-size", "50"], "--batch-size 50: expected a multiple of 3, the ranks"),
        (2, ["--distributed", "mpx"], "--distributed mpx: expected one of mpi, mpi-ordered; did you mean mpi?"),
        (2, ["--distributed", "mpi", "--lr", "fast"], "--lr fast: expected a number"),
        (2, ["--distributed", "mpi", "--data", "nowhere"], "--data nowhere: not found"),
    ],
)
def test_what_is_wrong_is_said_once_and_leaves_nothing(tmp_path, ranks, options, said):
    made = train(ranks, *RUN, "--out", tmp_path / "run", *options)
    (line,) = made.err.splitlines()
    assert made.code == 2 and line.startswith(f"minigan.train: {said}")
    assert not list(tmp_path.iterdir())


def test_a_folder_in_use_is_refused_on_all_ranks(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    made = train(2, *RUN, "--out", tmp_path / "run", "--distributed", "mpi")
    (line,) = made.err.splitlines()
    assert made.code == 2 and "the folder is not empty" in line
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["notes.txt"]


def test_a_launcher_of_another_mpi_is_refused(tmp_path):
    """One that says that there are two processes, where MPI knows of one."""
    made = train(1, *RUN, "--out", tmp_path / "run", "--distributed", "mpi", environment=OTHER)
    (line,) = made.err.splitlines()
    assert made.code == 2 and "started as rank 0 of 2, but mpi4py's MPI" in line and not list(tmp_path.iterdir())


OTHER = {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}


def test_one_rank_is_one_process(tmp_path):
    made = train(1, *RUN, "--out", tmp_path / "mpi", "--iterations", "10", "--distributed", "mpi")
    assert main([*RUN, "--out", str(tmp_path / "plain"), "--iterations", "10"]) == made.code == 0
    files = [next((tmp_path / name / "checkpoints").iterdir()).read_bytes() for name in ("mpi", "plain")]
    assert files[0] == files[1]


def test_a_dry_run_says_how_many_ranks(tmp_path):
    made = train(2, *RUN, "--dry-run", "--distributed", "mpi", cwd=tmp_path)
    assert made.code == 0 and "60 iterations of 48 on 2 ranks of numpy" in made.out and not list(tmp_path.iterdir())


def test_callbacks_and_partial_fit_are_those_of_rank_0(tmp_path):
    made = mpiexec(2, HERE / "program.py", tmp_path / "run")
    assert made.code == 0, made.err
    assert sorted(re.findall(r"rank . called . times", made.out)) == ["rank 0 called 7 times", "rank 1 called 0 times"]
    assert GAN.load(tmp_path / "run").iteration == 60
