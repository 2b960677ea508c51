"""A rank that ends ends all, within ten seconds and with one line; nothing that was saved is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from launch import HERE, MPIEXEC, RUN, mpiexec, needs_mpi

from minigan import GAN

pytestmark = needs_mpi

SECONDS = 10
SAID = {
    "killed": "rank {rank} has ended without a word (killed, or its machine lost), and so all end",
    "exception": "RuntimeError: no such luck",
    "sys.exit": "ended by sys.exit(0)",
    "out of memory": "out of memory",
    "disk full": "metrics.jsonl: File too large",
}
CASES = [("killed", 0), ("killed", 1), ("exception", 1), ("sys.exit", 1), ("out of memory", 1), ("disk full", 0)]


@pytest.mark.parametrize("way, rank", CASES)
def test_a_rank_that_ends_ends_all_with_one_line(tmp_path, way, rank):
    run, stamp = tmp_path / "run", tmp_path / "ended"
    options = [*RUN, "--out", run, "--distributed", "mpi"]
    made = mpiexec(2, HERE / "ending.py", way, rank, 60, stamp, *options)
    assert made.code != 0 and made.ended - stamp.stat().st_mtime < SECONDS
    for line in made.ours():
        assert line.startswith("minigan.train: ") and SAID[way].format(rank=rank) in line
        assert way == "killed" or (f"rank {rank}: " in line) == (rank > 0)
    # MPICH's mpiexec kills the others some milliseconds after one was killed: on a busy machine before they can say so.
    assert len(made.ours()) == 1 or way == "killed" and not made.ours()
    assert GAN.load(run).iteration >= 21  # two sums an iteration, a checkpoint each seventh, one perhaps on its way


def test_a_rank_that_is_asked_to_stop_stops_all_once(tmp_path):
    run, rank = tmp_path / "run", 1
    made = mpiexec(
        2, HERE / "ending.py", "stopped", rank, 60, tmp_path / "s", *RUN, "--out", run, "--distributed", "mpi"
    )
    assert made.code == 0 and not made.ours() and made.out.startswith("stopped at iteration 30 of 60")
    assert GAN.load(run).iteration == 30


def test_sigterm_to_all_saves_once(tmp_path):
    """mpiexec hands it to every rank."""
    run = tmp_path / "run"
    command = [MPIEXEC, "-n", "2", sys.executable, "-m", "minigan.train", *RUN, "--iterations", "100000"]
    command += ["--out", str(run), "--distributed", "mpi"]
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = subprocess.Popen(command, env=environment, **pipes)
    while not (run / "metrics.jsonl").exists():
        assert started.poll() is None
        time.sleep(0.05)
    started.send_signal(signal.SIGTERM)
    out, err = started.communicate(timeout=30)
    assert started.returncode == 0 and out.count("stopped at iteration") == 1, err
    assert f"stopped at iteration {GAN.load(run).iteration} of 100000" in out


def test_a_program_that_ends_early_does_not_leave_the_others_waiting(tmp_path):
    made = mpiexec(2, "-c", EARLY)
    assert made.code != 0 and "minigan: rank 1 has ended before the others, and so all end" in made.err


EARLY = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from games import examples, networks
from minigan import GAN, Recipe
gan = GAN(*networks(), Recipe(latent=6, batch_size=12), distributed="mpi")
if gan.ranks.rank == 1:
    sys.exit(0)
gan.fit(examples(), iterations=1000, verbose=False)
"""


def test_an_error_that_all_ranks_meet_can_be_caught():
    made = mpiexec(2, "-c", CAUGHT)
    assert (made.code, made.out.count("fitted")) == (0, 2), made.err  # counted: mpiexec may put two ranks on a line


CAUGHT = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from games import examples, networks
from minigan import GAN, Recipe
gan = GAN(*networks(), Recipe(latent=6, batch_size=12, lr=1e30), distributed="mpi")
try:
    gan.fit(examples(), iterations=1000, verbose=False)
except RuntimeError:
    gan.set_params(lr=.1).fit(examples(), iterations=10, verbose=False)
    print("fitted", flush=True)
"""
