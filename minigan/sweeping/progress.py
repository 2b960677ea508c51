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
        tqdm.monitor_interval = 0  # no thread besides: processes are forked from this one
        self.all = self._bar(sum(job.total for job in jobs), sum(self.at.values()), 0, "all")
        self.bars: dict[Job, tqdm] = {}
        self.through, self._moved, self._said = 0, 0.0, time.monotonic()

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
        with tqdm.external_write_mode(sys.stderr, nolock=not self.seen):
            tell(f"{name_of(self.out, job)}: {how}")

    def close(self) -> None:
        for bar in (*self.bars.values(), self.all):
            bar.close()
