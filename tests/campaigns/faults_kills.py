"""Runs that `faults.py` kills, at random moments and before each file operation, and that go on until they are done."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from minigan import GAN
from minigan.errors import CheckpointError
from minigan.train import main as train

RUN = [
    *("--generator", "relu 24", "sigmoid bias=marginals", "--discriminator", "maxout 12x3 keep=.8", "linear keep=.5"),
    *("--latent", "8", "--batch-size", "50", "--backend", "numpy", "--threads", "1", "--iterations", "60"),
    *("--checkpoint-every", "7", "--log-every", "5", "--sample-every", "20", "--keep-last", "3"),
]
PHASES = (
    ("--iterations", "25"),
    ("--iterations", "45", "--k", "3"),
    ("--iterations", "60", "--lr", ".05", "--lr-d", ".02", "--optimizer", "adam"),
)
"""What a run of three phases is begun with and goes on with, once it has come so far."""
CHANGES = ("open", "os.rename", "os.remove", "os.mkdir")
"""Audit events of file operations that may change something."""
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
        code = train(args)
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
    """Runs that are killed and go on, in `workplace`; `lost` says what went wrong.

    stages  the options of a run, one stage after the other
    """

    def __init__(self, workplace: Path, rng: random.Random, stages: tuple[tuple[str, ...], ...] = ((),)):
        self.workplace, self.rng, self.stages = workplace, rng, stages
        self.kills, self.runs, self.lost = 0, 0, []
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            train([*RUN, "--out", str(workplace / "imports")])  # here, so that every fork has all that it will import
        start = time.perf_counter()
        reference = workplace / "reference"
        for stage in stages:
            if ended(forked(self._arguments(reference, stage))) != 0:
                raise SystemExit("faults: the run that is not stopped has failed")
        self.seconds = (time.perf_counter() - start) / len(stages)
        self.expected = content(reference)

    def at_random(self) -> None:
        """One run, killed again and again at moments spread over a whole run's time, less each time it goes on."""

        def attempt(folder: Path, stage: tuple[str, ...], number: int) -> int:
            child = forked(self._arguments(folder, stage))
            time.sleep(self.rng.random() * self.seconds)
            os.kill(child, signal.SIGKILL)
            return ended(child)

        self._until_done(attempt)

    def at_operation(self, number: int) -> bool:
        """One run, killed before that file operation each time it is started; whether a stage had so many at first."""
        before = self.kills

        def attempt(folder: Path, stage: tuple[str, ...], start: int) -> int:
            return ended(forked(self._arguments(folder, stage), kill_before_operation(number + start, folder)))

        self._until_done(attempt)
        return self.kills > before

    @staticmethod
    def _arguments(folder: Path, stage: tuple[str, ...]) -> list[str]:
        """A new run, or the old one going on where it has written that there is one."""
        return ["--out", str(folder), *(["--resume"] if (folder / "config.toml").exists() else RUN), *stage]

    def _until_done(self, attempt: Callable[[Path, tuple[str, ...], int], int]) -> None:
        self.runs += 1
        folder = self.workplace / f"run-{self.runs}"
        newest = 0
        for stage in self.stages:
            newest = self._stage_until_done(folder, stage, attempt, newest)
            if newest < 0:
                return
        if (found := content(folder)) != self.expected:
            differ = [n for n in found.keys() | self.expected.keys() if found.get(n) != self.expected.get(n)]
            self.lost.append(f"{folder}: {', '.join(sorted(differ))} unlike the run never stopped")
            return
        subprocess.run(["rm", "-rf", folder], check=True)

    def _stage_until_done(self, folder: Path, stage: tuple[str, ...], attempt: Callable, newest: int) -> int:
        """The iteration of the newest checkpoint, which was `newest` before; -1 where something was lost."""
        starts = 0
        while (code := attempt(folder, stage, starts)) != 0:
            starts += 1
            if code != -signal.SIGKILL:
                self.lost.append(f"{folder}: exit code {code} after {starts} kills")
                return -1
            self.kills += 1
            try:
                iteration = GAN.load(folder).iteration if any(folder.glob("checkpoints/iter*.safetensors")) else 0
            except CheckpointError as error:
                self.lost.append(str(error))
                return -1
            if iteration < newest:
                self.lost.append(f"{folder}: iteration {iteration} after {newest}")
            newest = iteration
        return newest
