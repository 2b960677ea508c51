"""How far all runs are, in one place: bars on a terminal, else a plain line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from tqdm import tqdm

from minigan.options.console import is_terminal, tell
from minigan.sweeping.ends import UNFINISHED, iteration_of
from minigan.sweeping.folder import name_of
from minigan.sweeping.jobs import Job

SECONDS_BETWEEN_LINES, SECONDS_BETWEEN_MOVES = 30.0, 0.5


class Progress:
    """Told of the runs of the sweep in `out`: one bar for all of them, counted in iterations, and one for each under
    way; what has ended is said on a line of its own."""

    def __init__(self, out: Path, jobs: Sequence[Job]):
        self.out, self.jobs = out, jobs
        self.at = {job: iteration_of(job.folder) for job in jobs}
        self.seen = is_terminal(sys.stderr)
        self.all, self.bars = tqdm(disable=True), dict[Job, tqdm]()
        self.through, self._moved, self._said = 0, 0.0, time.monotonic()
        self._waits = set[Job]()

    def begin(self, through: int, at_once: int) -> None:
        """The sweep is under way, and so many of its runs have ended before."""
        n, self.through = len(self.jobs), through
        tell(f"{n} run{'s' * (n != 1)}, {through} of them ended; {at_once} at once, in {self.out}")
        tqdm.monitor_interval = 0  # no thread besides: processes are forked from this one
        self.all = self._bar(sum(job.total for job in self.jobs), sum(self.at.values()), 0, "all")

    def _bar(self, total: int, initial: int, position: int, name: str) -> tqdm:
        place = {"position": position, "leave": position == 0, "file": sys.stderr, "disable": not self.seen}
        return tqdm(total=total, initial=initial, unit="it", desc=name, **place)

    def began(self, job: Job) -> None:
        """A run is under way."""
        taken = {-bar.pos for bar in self.bars.values()} if self.seen else set()
        place = next(n for n in range(1, len(taken) + 2) if n not in taken)
        self.bars[job] = self._bar(job.total, self.at[job], place, name_of(self.out, job))

    def look(self, running: Collection[Job]) -> None:
        """Move the bars, or say how far all is, where that is due."""
        now = time.monotonic()
        if self.seen and now - self._moved >= SECONDS_BETWEEN_MOVES:
            self._moved = now
            for job in running:
                self._move(job)
            self.all.refresh()
        elif not self.seen and now - self._said >= SECONDS_BETWEEN_LINES and running:
            self._said = now
            way = (f"{name_of(self.out, job)} {iteration_of(job.folder) / job.total:.0%}" for job in running)
            tell(f"{self.through} of {len(self.jobs)} runs ended; under way: {', '.join(way)}")

    def _move(self, job: Job) -> None:
        at = iteration_of(job.folder)
        self.bars[job].update(at - self.at[job])
        self.all.update(at - self.at[job])
        self.at[job] = at

    def ended(self, job: Job, how: str) -> None:
        """A run's process has ended."""
        if job in self.bars:
            self._move(job)
            self.bars.pop(job).close()
        self.through += how != UNFINISHED
        self._tell(job, how)

    def waits(self, job: Job) -> None:
        """Another process is writing to this run, which is said once."""
        if job not in self._waits:
            self._waits.add(job)
            self._tell(job, "another process is writing there, and is waited for")

    def _tell(self, job: Job, what: str) -> None:
        with tqdm.external_write_mode(sys.stderr, nolock=not self.seen):
            tell(f"{name_of(self.out, job)}: {what}")

    def close(self) -> None:
        for bar in (*self.bars.values(), self.all):
            bar.close()
