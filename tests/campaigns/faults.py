"""Is anything ever lost?      python tests/campaigns/faults.py --kills 1000 --flips 100000 --json out.json

- Runs are killed (SIGKILL) at random moments, and just before each of their file operations, and go on with --resume,
  until they are done.  After each kill the newest checkpoint must load and be no older than the one before; the
  finished run must equal one that was never stopped: checkpoints and pictures byte for byte, metrics line for line.
- A small checkpoint is read with each bit of its header flipped, with random bits of its data flipped, and cut at every
  length.  Each must end in CheckpointError.
- Runs of the preset `digits` get SIGTERM at random moments: the seconds until they have saved and are gone.
- Runs that may not write (a file-size limit, a folder of somebody else's) must end in exit code 1 and change nothing.

Exit code 1 if anything was lost or let through.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from minigan import GAN
from minigan.errors import CheckpointError
from minigan.files import checkpoint
from minigan.train import main as train

RUN = [
    *("--generator", "relu 24", "sigmoid bias=marginals", "--discriminator", "maxout 12x3 keep=.8", "linear keep=.5"),
    *("--latent", "8", "--batch-size", "50", "--backend", "numpy", "--threads", "1", "--iterations", "60"),
    *("--checkpoint-every", "7", "--log-every", "5", "--sample-every", "20", "--keep-last", "3"),
]
CHANGES = ("open", "os.rename", "os.remove", "os.mkdir")
"""Audit events of file operations that may change something."""
NOBODY = 65534
LONGEST = 60
"""Seconds after which a run, which takes less than one, is taken to hang."""


def forked(args: list[str], before: Callable[[], None] = lambda: None) -> int:
    """`minigan.train` with these arguments in a fork of this process, silent; its process id."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        signal.alarm(LONGEST)
        # tqdm's own lock is shared with the forks before this one, of which one may have been killed while it had it.
        tqdm.set_lock(threading.RLock())
        before()
        train(args)
    except SystemExit as end:
        code = end.code or 0
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """Its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_before_operation(number: int, folder: Path) -> Callable[[], None]:
    """What a child does first to be killed just before its number-th file operation in the folder."""

    def watch() -> None:
        seen = 0

        def hook(event: str, arguments: tuple) -> None:
            nonlocal seen
            if event in CHANGES and str(folder) in str(arguments[0]):
                seen += 1
                if seen == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)

    return watch


def content(folder: Path) -> dict[str, object]:
    """All that a run leaves, but for times, speeds and record.jsonl; hidden files have their names in it."""
    found: dict[str, object] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    metrics = (folder / "metrics.jsonl").read_text().splitlines()
    found["metrics.jsonl"] = [json.loads(line) | {"iterations_per_second": 0, "time": 0} for line in metrics]
    del found["record.jsonl"]
    return found


class Kills:
    """Runs that are killed and go on, in `workplace`; `lost` says what went wrong."""

    def __init__(self, workplace: Path, rng: random.Random):
        self.workplace, self.rng = workplace, rng
        self.kills, self.runs, self.lost = 0, 0, []
        with (
            contextlib.suppress(SystemExit),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            train([*RUN, "--out", str(workplace / "imports")])  # here, so that every fork has all that it will import
        start = time.perf_counter()
        reference = workplace / "reference"
        if ended(forked([*RUN, "--out", str(reference)])) != 0:
            raise SystemExit("faults: the run that nobody stops has failed")
        self.seconds = time.perf_counter() - start
        self.expected = content(reference)

    def at_random(self) -> None:
        """One run, killed again and again at moments spread over a whole run's time, less each time it goes on."""

        def attempt(folder: Path, number: int) -> int:
            child = forked(self._arguments(folder))
            time.sleep(self.rng.random() * self.seconds)
            os.kill(child, signal.SIGKILL)
            return ended(child)

        self._until_done(attempt)

    def at_operation(self, number: int) -> bool:
        """One run, killed before that file operation each time it is started; whether it had so many at first."""
        before = self.kills

        def attempt(folder: Path, start: int) -> int:
            return ended(forked(self._arguments(folder), kill_before_operation(number + start, folder)))

        self._until_done(attempt)
        return self.kills > before

    @staticmethod
    def _arguments(folder: Path) -> list[str]:
        """A new run, or the old one going on where it has written that there is one."""
        return ["--out", str(folder), *(["--resume"] if (folder / "config.toml").exists() else RUN)]

    def _until_done(self, attempt: Callable[[Path, int], int]) -> None:
        self.runs += 1
        folder, newest, starts = self.workplace / f"run-{self.runs}", 0, 0
        while (code := attempt(folder, starts)) != 0:
            starts += 1
            if code != -signal.SIGKILL:
                self.lost.append(f"{folder}: exit code {code} after {starts} kills")
                return
            self.kills += 1
            try:
                iteration = GAN.load(folder).iteration if any(folder.glob("checkpoints/iter*.safetensors")) else 0
            except CheckpointError as error:
                self.lost.append(str(error))
                return
            if iteration < newest:
                self.lost.append(f"{folder}: iteration {iteration} after {newest}")
            newest = iteration
        if (found := content(folder)) != self.expected:
            differ = [n for n in found.keys() | self.expected.keys() if found.get(n) != self.expected.get(n)]
            self.lost.append(f"{folder}: {', '.join(sorted(differ))} unlike the run never stopped")
            return
        subprocess.run(["rm", "-rf", folder], check=True)


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
        "a folder of somebody else's": lambda: os.setuid(NOBODY),
    }
    if os.getuid() != 0:
        del refusals["a folder of somebody else's"]
    found = {}
    for name, refuse in refusals.items():
        code = ended(forked(["--out", str(folder), "--resume", "--iterations", "60"], refuse))
        found[name] = code == 1 and kept(folder) == before
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="at least so many in all")
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--stops", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        workplace = Path(name)
        kills = Kills(workplace, rng)
        operation = 1
        while kills.kills < options.kills // 2 and kills.at_operation(operation):
            operation += 1
        while kills.kills < options.kills:
            kills.at_random()
        reference = sorted((workplace / "reference" / "checkpoints").glob("iter*"))[-1]
        result = {
            "kills": {"kills": kills.kills, "runs": kills.runs, "operations": operation - 1, "lost": kills.lost},
            "checkpoints": damaged_checkpoints(reference, workplace / "damaged", options.flips, rng),
            "may not write": may_not_write(workplace / "refused"),
            "seconds from SIGTERM to the end": sorted(stopped(workplace / f"s{i}", rng) for i in range(options.stops)),
        }
    report(result)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    through = any(kind["let_through"] for kind in result["checkpoints"].values())
    sys.exit(bool(kills.lost or through or not all(result["may not write"].values())))


def report(result: dict) -> None:
    """The result as a Markdown table."""
    kills, seconds = result["kills"], result["seconds from SIGTERM to the end"]
    print("| what | tried | lost or let through |\n|---|---|---|")
    print(f"| SIGKILLs over {kills['runs']} runs | {kills['kills']} | {len(kills['lost'])} |")
    for kind, counts in result["checkpoints"].items():
        print(f"| checkpoints: {kind} | {counts['tried']} | {counts['let_through']} |")
    for kind, held in result["may not write"].items():
        print(f"| {kind}: exit code 1, nothing changed | 1 | {int(not held)} |")
    if seconds:
        late = seconds[min(len(seconds) - 1, int(0.99 * len(seconds)))]
        middle = seconds[len(seconds) // 2]
        print(f"\nSIGTERM to saved and gone, {len(seconds)} runs: median {middle:.2f} s, p99 {late:.2f} s")
    for line in kills["lost"]:
        print(line)


if __name__ == "__main__":
    main()
