"""Is anything ever lost?      python tests/campaigns/faults.py --kills 1000 --flips 100000 --json out.json

- Runs are killed (SIGKILL) at random moments, and just before each of their file operations, and go on with --resume,
  until they are done.  After each kill the newest checkpoint must load and be no older than the one before; the
  finished run must equal one that was never stopped: checkpoints and pictures byte for byte, metrics line for line.
  So do runs of three phases, each of which goes on with other options.
- A small checkpoint is read with each bit of its header flipped, with random bits of its data flipped, and cut at every
  length.  Each must end in CheckpointError.
- Runs of the preset `digits` get SIGTERM at random moments: the seconds until they have saved and are gone.
- Runs that may not write (a file-size limit, a folder of another user) must end in exit code 1 and change nothing.

Exit code 1 if anything was lost or let through.
"""

from __future__ import annotations

import argparse
import encodings.utf_8_sig  # noqa: F401  of presets; another user may not read Python's own files
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from faults_kills import PHASES, RUN, Kills, content, ended, forked

from minigan import GAN
from minigan.errors import CheckpointError
from minigan.files import checkpoint

NOBODY = 65534


def damaged_checkpoints(path: Path, scratch: Path, flips: int, rng: random.Random) -> dict[str, dict]:
    """Each kind of damage to the checkpoint at `path`: {"tried", "let_through"}."""
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")

    def flipped(bit: int) -> bytes:
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        return bytes(data)

    def refused(data: bytes) -> bool:
        scratch.write_bytes(data)
        try:
            checkpoint.read(scratch)
        except CheckpointError:
            return True
        return False

    kinds = {
        "bits of the header": (flipped(bit) for bit in range(8 * header)),
        "bits of the data": (flipped(rng.randrange(8 * header, 8 * len(whole))) for _ in range(flips)),
        "truncations": (whole[:length] for length in range(len(whole))),
    }
    found = {}
    for kind, files in kinds.items():
        verdicts = [refused(data) for data in files]
        found[kind] = {"tried": len(verdicts), "let_through": verdicts.count(False)}
    return found


def stopped(folder: Path, rng: random.Random) -> float:
    """Seconds from SIGTERM to the end of a long run of the preset `digits`, within three of its first line."""
    command = [sys.executable, "-m", "minigan.train", "--preset", "digits", "--epochs", "10000", "--sample-every", "50"]
    command += ["--out", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    while not (folder / "metrics.jsonl").exists():
        time.sleep(0.01)
    time.sleep(3 * rng.random())
    start = time.perf_counter()
    process.terminate()
    code = process.wait()
    seconds = time.perf_counter() - start
    if code != 0:
        raise SystemExit(f"faults: exit code {code} after SIGTERM")
    GAN.load(folder)
    return seconds


def may_not_write(folder: Path) -> dict[str, bool]:
    """Whether a run that cannot save ends in exit code 1 and leaves checkpoints and pictures as they were."""

    def kept(folder: Path) -> dict[str, object]:
        return {name: digest for name, digest in content(folder).items() if name.startswith(("checkpoints", "samples"))}

    first = [*RUN, "--out", str(folder)]
    assert ended(forked([*first, "--iterations", "20"])) == 0
    folder.parent.chmod(0o755)
    before = kept(folder)
    largest = max(p.stat().st_size for p in folder.glob("checkpoints/*"))
    refusals = {
        "a file-size limit": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 2,) * 2),
        "a folder of another user": lambda: os.setuid(NOBODY),
    }
    if os.getuid() != 0:
        del refusals["a folder of another user"]
    found = {}
    for name, refuse in refusals.items():
        code = ended(forked(["--out", str(folder), "--resume", "--iterations", "60"], refuse))
        found[name] = code == 1 and kept(folder) == before
    return found


def killed(workplace: Path, rng: random.Random, stages: tuple[tuple[str, ...], ...], n: int) -> dict:
    """Runs of these stages that are killed, at least n times in all, and what was lost."""
    workplace.mkdir()
    kills, operation = Kills(workplace, rng, stages), 1
    while kills.kills < n // 2 and kills.at_operation(operation):
        operation += 1
    while kills.kills < n:
        kills.at_random()
    return {"kills": kills.kills, "runs": kills.runs, "operations": operation - 1, "lost": kills.lost}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="at least so many, of runs of one phase and of three")
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--stops", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        workplace = Path(name)
        one = killed(workplace / "one", rng, ((),), options.kills)
        three = killed(workplace / "three", rng, PHASES, options.kills)
        reference = sorted((workplace / "one" / "reference" / "checkpoints").glob("iter*"))[-1]
        result = {
            "kills": one,
            "kills of three phases": three,
            "checkpoints": damaged_checkpoints(reference, workplace / "damaged", options.flips, rng),
            "may not write": may_not_write(workplace / "refused"),
            "seconds from SIGTERM to the end": sorted(stopped(workplace / f"s{i}", rng) for i in range(options.stops)),
        }
    report(result)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    through = any(kind["let_through"] for kind in result["checkpoints"].values())
    lost = one["lost"] + three["lost"]
    sys.exit(bool(lost or through or not all(result["may not write"].values())))


def report(result: dict) -> None:
    """The result as a Markdown table."""
    seconds = result["seconds from SIGTERM to the end"]
    print("| what | tried | lost or let through |\n|---|---|---|")
    for name, of in (("kills", ""), ("kills of three phases", " of three phases")):
        kills = result[name]
        print(f"| SIGKILLs over {kills['runs']} runs{of} | {kills['kills']} | {len(kills['lost'])} |")
    for kind, counts in result["checkpoints"].items():
        print(f"| checkpoints: {kind} | {counts['tried']} | {counts['let_through']} |")
    for kind, held in result["may not write"].items():
        print(f"| {kind}: exit code 1, nothing changed | 1 | {int(not held)} |")
    if seconds:
        late = seconds[min(len(seconds) - 1, int(0.99 * len(seconds)))]
        middle = seconds[len(seconds) // 2]
        print(f"\nSIGTERM to saved and gone, {len(seconds)} runs: median {middle:.2f} s, p99 {late:.2f} s")
    for line in result["kills"]["lost"] + result["kills of three phases"]["lost"]:
        print(line)


if __name__ == "__main__":
    main()
