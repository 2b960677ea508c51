"""Does a rank that ends leave the others waiting, or lose a checkpoint?

    python tests/campaigns/ranks.py --times 20 --json out.json

Two ranks train, and one of them ends at a random moment, in each of the ways of `tests/distributed/ending.py`: before a
random sum over ranks; or it is killed from outside at a random time, while it starts too.  Within ten seconds all must
have ended, with one line of ours on standard error and an exit code other than 0 (0 where it was asked to stop).  Then
the newest checkpoint must load, and the run goes on until it is done, on as many ranks; it must end in the bytes of a
run that was never stopped.  Exit code 1 if anything hung or was lost.
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

SECONDS, ITERATIONS = 10, 60
FROM_OUTSIDE = "killed from outside"


def ended(way: str, rank: int, rng: random.Random, folder: Path, stamp: Path) -> tuple[list[str], float]:
    """A run of which one rank ends so, new or going on: what is wrong, and the seconds until all had ended."""
    options = ["--out", str(folder), *(["--resume"] if (folder / "config.toml").exists() else RUN)]
    options += ["--distributed", "mpi"]
    call = rng.randrange(1, 2 * ITERATIONS)
    command = [MPIEXEC, "-n", "2", sys.executable, str(HERE / "ending.py"), way, str(rank), str(call), str(stamp)]
    if way == FROM_OUTSIDE:
        command[4:] = ["-m", "minigan.train"]
    stamp.unlink(missing_ok=True)
    mark = f"MINIGAN_CAMPAIGN={rng.random()}"
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | dict([mark.split("=")])
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*command, *options], env=environment, start_new_session=True, **pipes)
    if way == FROM_OUTSIDE:
        time.sleep(4 * rng.random())
        kill_a_rank(mark, rank, stamp)
    try:
        _, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return [f"{way}, rank {rank}, call {call}: hung"], 60.0
    if not stamp.exists():
        return ([] if process.returncode == 0 else [f"{way}: exit code {process.returncode} of a run left alone"]), 0.0
    wrong, seconds = [], time.time() - stamp.stat().st_mtime
    ours = [line for line in err.splitlines() if line.startswith(("minigan", "Traceback"))]
    if seconds > SECONDS:
        wrong.append(f"all had ended after {seconds:.1f} s")
    if (process.returncode == 0) != (way == "stopped"):
        wrong.append(f"exit code {process.returncode}")
    if len(ours) != (way != "stopped"):
        wrong.append(f"{len(ours)} lines: {ours}")
    return [f"{way}, rank {rank}, call {call}: {what}" for what in wrong], seconds


def kill_a_rank(mark: str, rank: int, stamp: Path) -> None:
    """Kill the process of that rank which has this mark in its environment, if it has got so far."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            environment = (process / "environ").read_bytes().split(b"\0")
            train = b"minigan.train" in (process / "cmdline").read_bytes().split(b"\0")
            if train and {mark.encode(), f"PMI_RANK={rank}".encode()} <= set(environment):
                os.kill(int(process.name), signal.SIGKILL)
                stamp.touch()


def until_done(way: str, rank: int, rng: random.Random, workplace: Path, expected: dict) -> dict:
    """A run that is ended so again and again until it is done."""
    folder, found = workplace / f"{way}-{rank}".replace(" ", "-"), {"moments": 0, "wrong": [], "slowest": 0.0}
    newest = 0
    while True:
        wrong, seconds = ended(way, rank, rng, folder, workplace / "stamp")
        found["wrong"] += wrong
        found["slowest"] = max(found["slowest"], seconds)
        saved = GAN.load(folder).iteration if any(folder.glob("checkpoints/iter*.safetensors")) else 0
        if saved < newest:
            found["wrong"].append(f"{folder.name}: iteration {saved} after {newest}")
        newest = saved
        if seconds == 0 and saved == ITERATIONS:
            break
        found["moments"] += seconds > 0
    left = content(folder)
    if way == "stopped":  # where it was stopped it saved
        left = {name: left.get(name) for name in expected}
    differ = [name for name in left.keys() | expected.keys() if left.get(name) != expected.get(name)]
    found["wrong"] += [f"{folder.name}: {', '.join(sorted(differ))} unlike the run never stopped"] * bool(differ)
    subprocess.run(["rm", "-rf", folder], check=True)
    return found


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
        for way in options.ways.split(","):
            found = {"moments": 0, "runs": 0, "slowest": 0.0, "wrong": []}
            while found["moments"] < options.times:
                rank = 0 if way == "disk full" else found["runs"] % 2
                one = until_done(way, rank, rng, Path(name), expected)
                found["moments"] += one["moments"]
                found["slowest"] = max(found["slowest"], one["slowest"])
                found["wrong"] += one["wrong"]
                found["runs"] += 1
            result[way] = found
            print(f"| {way} | {found['moments']} | {len(found['wrong'])} | {found['slowest']:.1f} |", flush=True)
            for line in found["wrong"]:
                print(f"  {line}", flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(any(found["wrong"] for found in result.values()))


if __name__ == "__main__":
    main()
