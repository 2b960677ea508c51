"""Runs side by side, so many at once, each in a process of its own.

A run's folder is locked by the process that writes it, so a sweep never starts a second writer: one that is still at
work, of a sweep that was killed or of the user's own, is waited for.  Signals are passed on, and each run saves.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import minigan
from minigan.errors import shortened
from minigan.loop.watching import stop_signals
from minigan.options.config import Config
from minigan.sweeping.ends import CRASHED, UNFINISHED, end_of
from minigan.sweeping.folder import SweepFolder, is_taken
from minigan.sweeping.jobs import Job
from minigan.sweeping.progress import Progress

SECONDS_BETWEEN_LOOKS = 0.1
PR_SET_PDEATHSIG = 1


class Scheduler:
    """Makes the runs that have not ended yet, in their order.

    at_once  so many at a time
    crashed  {job: why} of those whose process failed; the next sweep in the same folder tries them again
    """

    def __init__(self, jobs: Sequence[Job], at_once: int, progress: Progress):
        self.waiting = [job for job in jobs if end_of(job) == UNFINISHED]
        self.ended, self.at_once, self.progress = len(jobs) - len(self.waiting), at_once, progress
        self.running: dict[Job, subprocess.Popen[bytes]] = {}
        self.crashed: dict[Job, str] = {}

    def run(self) -> int | None:
        """Until all have ended, or a signal has come and all have saved: that signal's number."""
        self.progress.begin(self.ended, self.at_once)
        try:
            with stop_signals(lambda: None) as received:
                passed_on = 0
                while self.running or self.waiting and not received:
                    if len(received) > passed_on:
                        passed_on = len(received)
                        self._stop()
                    self._collect(bool(received))
                    if not received:
                        self._start()
                    self.progress.look(self.running)
                    time.sleep(SECONDS_BETWEEN_LOOKS)
            return received[0] if received else None
        finally:
            self._stop()
            for process in self.running.values():
                process.wait()
            self.progress.close()

    def _stop(self) -> None:
        """Tell every run to save and end."""
        for process in self.running.values():
            process.terminate()

    def _collect(self, stopping: bool) -> None:
        """Take note of the runs whose process has ended."""
        for job, process in list(self.running.items()):
            if (code := process.poll()) is None:
                continue
            del self.running[job]
            end = end_of(job)
            if end == UNFINISHED and code and not (stopping and code == -signal.SIGTERM):
                self.crashed[job] = reason(job, code)
                end = f"{CRASHED}: {self.crashed[job]}"
            self.progress.ended(job, end)

    def _start(self) -> None:
        """Start runs in the places that are free."""
        for job in list(self.waiting):
            if len(self.running) >= self.at_once:
                return
            if is_taken(job.folder):
                self.progress.waits(job)
                continue
            self.waiting.remove(job)
            if (end := end_of(job)) != UNFINISHED:  # the process that was waited for has ended it
                self.progress.ended(job, end)
                continue
            self.running[job] = launched(job)
            self.progress.began(job)


def cores_for(jobs: Sequence[Job]) -> int:
    """How many of these runs the free cores have room for at once."""
    from minigan.backends.numba.pool import cores

    return max(1, cores() // max(job.config.threads or 1 for job in jobs))


def make(out: Path, base: Config, jobs: Sequence[Job]) -> None:
    """All runs of a sweep, as `SweepFolder.claim` takes them, on the cores that are free to use.

    Raises KeyboardInterrupt where a signal came, and all have saved; RuntimeError, naming it, where a run crashed.
    """
    folder = SweepFolder(out)
    folder.claim(base, jobs)
    try:
        scheduler = Scheduler(jobs, cores_for(jobs), Progress(out, jobs))
        if scheduler.run() is not None:
            raise KeyboardInterrupt
    finally:
        folder.release()
    for job, why in scheduler.crashed.items():
        raise RuntimeError(f"{job.folder.path}: {why}; its log is {job.log}")


def launched(job: Job) -> subprocess.Popen[bytes]:
    """The process of a run, out of reach of the terminal's Ctrl-C; what it says is added to its log."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    path = [str(Path(minigan.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    with open(job.log, "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "minigan.train", *job.arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
            process_group=0,
            preexec_fn=SAVE_IF_ORPHANED,
        )


def save_if_orphaned() -> Callable[[], None] | None:
    """What a process calls first to get SIGTERM when the one that started it is killed; None where there is no such."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


SAVE_IF_ORPHANED = save_if_orphaned()


def reason(job: Job, code: int) -> str:
    """Why a process failed: the signal that killed it, or the last line of its log."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    said = job.log.read_text(encoding="utf-8", errors="replace").split("\n")
    return shortened(next((line for line in reversed(said) if line.strip()), f"exit code {code}"))
