"""Does a rank that ends leave the others waiting, or lose a checkpoint?

    python tests/campaigns/ranks.py --times 20 --json out.json

Two ranks train, and one of them ends at a random moment, in each of the ways of `tests/distributed/ending.py`: before a
random sum over ranks; or it is killed from outside at a random time, while it starts too.  Within ten seconds all must
have ended, with one line of ours on standard error and an exit code other than 0 (0 where it was asked to stop).  Then
the newest checkpoint must load, and the run goes on until it is done, on as many ranks; it must end in the bytes of a
run that was never stopped.  Where one is killed the line may be missing, which is counted: MPICH's mpiexec kills the
others some milliseconds later.  Exit code 1 if anything hung or was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "distributed"), str(Path(__file__).parent)]

from ending import WAYS
from faults_kills import content
from launch import HERE, MPIEXEC, RUN, train

from minigan import GAN

SECONDS, ITERATIONS, LONGEST = 10, 60, 4.0
FROM_OUTSIDE = "killed from outside"


class Endings:
    """Runs that end in one way, again and again, until they are done.

    moments  how many endings          slowest  seconds from one to the end of all
    untold   how many without a line   wrong    what was lost, hung or said otherwise
    """

    def __init__(self, way: str, workplace: Path, rng: random.Random, expected: dict):
        self.way, self.workplace, self.rng, self.expected = way, workplace, rng, expected
        self.moments = self.untold = 0
        self.slowest, self.wrong = 0.0, []

    def until_done(self, rank: int) -> None:
        """One run."""
        folder = self.workplace / f"{self.way}-{self.moments}".replace(" ", "-")
        newest, going_on = 0, True
        while going_on:
            going_on = self._ended(rank, folder)
            saved = GAN.load(folder).iteration if any(folder.glob("checkpoints/iter*.safetensors")) else 0
            if saved < newest:
                self.wrong.append(f"{folder.name}: iteration {saved} after {newest}")
            newest = saved
        left = content(folder)
        if self.way == "stopped":  # where it was stopped it saved
            left = {name: left.get(name) for name in self.expected}
        differ = [name for name in left.keys() | self.expected.keys() if left.get(name) != self.expected.get(name)]
        if differ:
            self.wrong.append(f"{folder.name}: {', '.join(sorted(differ))} unlike the run never stopped")
        subprocess.run(["rm", "-rf", folder], check=True)

    def _ended(self, rank: int, folder: Path) -> bool:
        """Start the run, or let it go on; whether a rank of it has ended before it was done."""
        options = ["--out", str(folder), *(["--resume"] if (folder / "config.toml").exists() else RUN)]
        call, stamp = self.rng.randrange(1, ITERATIONS), self.workplace / "stamp"
        stamp.unlink(missing_ok=True)
        program = [str(HERE / "ending.py"), self.way, str(rank), str(call), str(stamp)]
        if self.way == FROM_OUTSIDE:
            program = ["-m", "minigan.train"]
        mark = f"MINIGAN_CAMPAIGN={self.rng.random()}"
        process = subprocess.Popen(
            [MPIEXEC, "-n", "2", sys.executable, *program, *options, "--distributed", "mpi"],
            env=os.environ | {"PYTHONPATH": str(ROOT)} | dict([mark.split("=")]),
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if self.way == FROM_OUTSIDE:
            time.sleep(LONGEST * self.rng.random())
            kill_a_rank(mark, rank, stamp)
        try:
            _, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            self.wrong.append(f"rank {rank}, call {call}: hung")
            return True
        if stamp.exists():
            self._look(f"rank {rank}, call {call}", process.returncode, err, time.time() - stamp.stat().st_mtime)
        elif process.returncode:
            self.wrong.append(f"exit code {process.returncode} of a run left alone: {err}")
        return stamp.exists()

    def _look(self, where: str, code: int, err: str, seconds: float) -> None:
        """Whether it ended as it should."""
        ours = [line for line in err.splitlines() if line.startswith(("minigan", "Traceback"))]
        self.moments, self.slowest = self.moments + 1, max(self.slowest, seconds)
        if seconds > SECONDS:
            self.wrong.append(f"{where}: all had ended after {seconds:.1f} s")
        if (code == 0) != (self.way == "stopped"):
            self.wrong.append(f"{where}: exit code {code}")
        if self.way.startswith("killed") and not ours:
            self.untold += 1
        elif len(ours) != (self.way != "stopped"):
            self.wrong.append(f"{where}: {len(ours)} lines: {ours}")


def kill_a_rank(mark: str, rank: int, stamp: Path) -> None:
    """Kill the process of that rank which has this mark in its environment, if it has got so far."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            environment = (process / "environ").read_bytes().split(b"\0")
            train = b"minigan.train" in (process / "cmdline").read_bytes().split(b"\0")
            if train and {mark.encode(), f"PMI_RANK={rank}".encode()} <= set(environment):
                os.kill(int(process.name), signal.SIGKILL)
                stamp.touch()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="moments of each way, at least")
    parser.add_argument("--ways", default=",".join([*WAYS, FROM_OUTSIDE]))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json")
    options = parser.parse_args()
    rng, result = random.Random(options.seed), {}
    with tempfile.TemporaryDirectory() as name:
        made = train(2, *RUN, "--out", Path(name) / "reference", "--distributed", "mpi")
        if made.code:
            raise SystemExit(made.err)
        expected = content(Path(name) / "reference")
        print("| a rank is, or meets | moments | hung, lost, said otherwise | without a line | slowest, s |")
        print("|---|---|---|---|---|")
        for way in options.ways.split(","):
            endings, rank = Endings(way, Path(name), rng, expected), 0
            while endings.moments < options.times:
                endings.until_done(rank)
                rank = 0 if way == "disk full" else 1 - rank
            wrong = len(endings.wrong)
            print(f"| {way} | {endings.moments} | {wrong} | {endings.untold} | {endings.slowest:.1f} |", flush=True)
            for line in endings.wrong:
                print(f"  {line}", flush=True)
            result[way] = {key: getattr(endings, key) for key in ("moments", "untold", "slowest", "wrong")}
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(any(found["wrong"] for found in result.values()))


if __name__ == "__main__":
    main()
