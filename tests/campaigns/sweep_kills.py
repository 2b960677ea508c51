"""Is a run of a sweep ever lost, or made twice?      python tests/campaigns/sweep_kills.py --kills 50 --json out.json

A sweep of toy runs is killed (SIGKILL) at random moments, either alone, so that its runs save and end by themselves, or
together with its runs; and started again, until it has ended.  After each kill the newest checkpoint of every run must
verify and be no older than the one before.  At its end table, picture, metrics and last checkpoints must be those of a
sweep that was never stopped.  Exit code 1 if anything was lost or doubled.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "sweeping")]

from sweeps import begun, content, last_of, logged

from minigan.errors import CheckpointError
from minigan.files import checkpoint

RUNS = 2, 3
"""Settings and seeds of the campaign's sweep."""


def arguments(settings: int, seeds: int) -> list[str]:
    values = ",".join(str(k + 1) for k in range(settings))
    return ["--iterations", "400", "--seeds", f"0-{seeds - 1}", "--grid", f"k={values}", "--jobs", "2"]


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def newest(out: Path) -> dict[str, int]:
    """{run: the iteration of its newest checkpoint}; all of them must verify."""
    found = {}
    for folder in out.glob("*/seed-*/checkpoints"):
        for path in checkpoint.numbered(folder):
            checkpoint.read(path)
            found[str(folder.parent.relative_to(out))] = checkpoint.number(path)
    return found


def killed(workplace: Path, kills: int, runs: tuple[int, int], rng: random.Random) -> dict:
    """Sweeps that are killed so often in all: {"kills", "sweeps", "lost": what went wrong}."""
    reference = workplace / "reference"
    start = time.monotonic()
    process = begun(*arguments(*runs), out=reference)
    told = process.communicate()[1]
    if process.returncode:
        raise SystemExit(f"sweep_kills: the sweep that is not stopped has failed: {told}")
    seconds = time.monotonic() - start
    expected, lost, done, sweeps = last_of(content(reference)), list[str](), 0, 0
    while done < kills:
        sweeps += 1
        out, before = workplace / f"sweep-{sweeps}", dict[str, int]()
        while True:
            process = begun(*arguments(*runs), out=out)
            if done < kills:
                moment = time.monotonic() + rng.random() * seconds
                while process.poll() is None and time.monotonic() < moment:
                    time.sleep(0.01)
            if done == kills or process.poll() is not None:
                told = process.communicate()[1]
                if process.returncode:
                    lost.append(f"{out}: exit code {process.returncode} after {done} kills: {told}")
                break
            done += 1
            victims = [process.pid, *(children(process.pid) if rng.random() < 0.5 else [])]
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
            process.communicate()
            try:
                now = newest(out)
            except CheckpointError as error:
                lost.append(str(error))
                now = {}
            lost += [f"{out}: {run} at {now.get(run)} after {at}" for run, at in before.items() if now.get(run, 0) < at]
            before = now
            for run in out.glob("*/seed-*/"):
                logged(run)
        if (found := last_of(content(out))) != expected:
            differ = [n for n in found.keys() | expected.keys() if found.get(n) != expected.get(n)]
            lost.append(f"{out}: {', '.join(sorted(differ))} unlike the sweep never stopped")
    return {"kills": done, "sweeps": sweeps, "lost": lost}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        result = killed(Path(name), options.kills, RUNS, random.Random(options.seed))
    print("| what | tried | lost or doubled |\n|---|---|---|")
    over = f"{result['sweeps']} sweeps of {RUNS[0] * RUNS[1]} runs"
    print(f"| SIGKILLs over {over} | {result['kills']} | {len(result['lost'])} |")
    print("\n".join(result["lost"]))
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(bool(result["lost"]))


if __name__ == "__main__":
    main()
