"""benchmarks/gpu/side_by_side.py on a CPU: its runs are those of minigan.train, and it says how each ended."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigan import train
from minigan.files.run_folder import RunFolder
from minigan.sweeping.ends import lines_of

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu" / "side_by_side.py"
ON_A_CPU = {"preset": "digits", "backend": "numba", "threads": 1, "iterations": 60, "log_every": 20}
SETTINGS = {
    "as it is": ON_A_CPU | {"seeds": [0, 3], "average": 1000, "average_eta": 2.0},
    "too fast": ON_A_CPU | {"seeds": [0], "lr": 1e6},
}
OPTIONS = "--backend numba --threads 1 --iterations 60 --log-every 20 --seed 3 --average 1000 --average-eta 2"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The rows, and the folder of data and runs."""
    folder, random = tmp_path_factory.mktemp("side-by-side"), np.random.default_rng(0)
    (folder / "settings.json").write_text(json.dumps(SETTINGS))
    parts = {name: random.integers(0, 256, (n, 20), np.uint8) for name, n in (("train", 500), ("validation", 30))}
    np.savez(folder / "data.npz", **parts)
    command = [sys.executable, SCRIPT, "runs", "runs", "data.npz", "300", "settings.json"]
    environment = os.environ | {"MINIGAN_REHEARSAL": "1"}
    said = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=400)
    assert said.returncode == 0, said.stderr[-2000:]
    return [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")], folder


def test_each_run_has_its_row(made):
    rows = {(row["setting"], row["seed"]): row for row in made[0]}
    assert set(rows) == {("as it is", 0), ("as it is", 3), ("too fast", 0)}
    assert rows["too fast", 0]["failed"] == ["diverged"]
    for seed in (0, 3):
        row = rows["as it is", seed]
        assert row["iterations"] == row["of"] == 60 and row["failed"] == []
        assert [point["iteration"] for point in row["curve"]] == [20, 40, 60]
        assert {"last", "mean, eta 0", "mean, eta 0.5", "mean, eta 2"} < set(row["curve"][0])


def test_a_run_beside_others_is_the_one_that_minigan_train_makes(made, tmp_path):
    train.main([*OPTIONS.split(), "--data", str(made[1] / "data.npz"), "--out", str(tmp_path / "alone")])
    beside = lines_of(RunFolder(made[1] / "runs" / "as-it-is" / "seed-3"))
    alone = lines_of(RunFolder(tmp_path / "alone"))
    for line in (*alone, *beside):
        del line["time"], line["iterations_per_second"]
    assert len(alone) == 3 and alone == beside
