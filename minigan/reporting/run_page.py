"""The page of a run: how it fares, its curves, its samples as training went on, its measures, its record."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from minigan.errors import CheckpointError, ConfigError, PassedOver
from minigan.files import checkpoint, page
from minigan.files.checkpoint import Header
from minigan.files.run_folder import RunFolder
from minigan.loop.symptoms import ITERATIONS, Reading
from minigan.options.config import Config
from minigan.reporting import curves, measures, record, samples

NEEDED = ("value", "d_real", "d_fake", "g_gradient", "diversity", "dead_units")


class Run:
    """All that the page is made of.

    lines   of metrics.jsonl that are whole
    header  of the newest checkpoint that can be trusted, None where there is none

    Raises ConfigError where there is no run.
    """

    def __init__(self, path: Path):
        self.folder = RunFolder(path)
        self.config: Config = self.folder.saved_config()
        self.lines: list[dict[str, Any]] = self.folder.logged()
        self.header: Header | None = None
        self.damaged: list[str] = []
        try:
            with warnings.catch_warnings(record=True) as passed_over:
                warnings.simplefilter("always", PassedOver)
                self.header = checkpoint.newest(self.folder.checkpoints)[2]
            self.damaged = [str(warning.message) for warning in passed_over]
        except CheckpointError as error:
            if self.folder.begun:
                self.damaged = [str(error)]

    @property
    def name(self) -> str:
        return self.folder.path.resolve().name

    @property
    def iteration(self) -> int:
        """How far it is known to have come."""
        logged = self.lines[-1]["iteration"] if self.lines else 0
        return max(logged, self.header["iteration"] if self.header else 0)

    @property
    def total(self) -> int | None:
        """Iterations in all; None where no checkpoint says yet how many an epoch has."""
        if self.config.iterations is not None or self.header is None:
            return self.config.iterations
        return int(self.config.epochs * self.header["iterations_per_epoch"])

    @property
    def state(self) -> str:
        """How far it is, in words."""
        of = f"iteration {self.iteration}{f' of {self.total}' if self.total else ''}"
        try:
            self.folder.claimed().release()
        except ConfigError:
            return f"going on, at {of} or further"
        if self.iteration == self.total:
            return f"finished, {of}"
        return f"stopped at {of}; python -m minigan.train --out {self.folder.path} --resume goes on"


def write(path: Path, out: Path) -> None:
    """The page of the run in the folder `path`.  Raises ConfigError where there is no run, OSError."""
    run = Run(path)
    config = run.config
    heading = f"Preset {config.preset}, data {config.data}, seed {config.seed}: {run.state}."
    body = (
        page.section("state", "How it fares", measures.table(run.lines), symptoms(run.lines))
        + page.section("curves", "Curves", curves.drawn(run.lines))
        + page.section("samples", "Samples as training went on", samples.shown(run.folder, run.header))
        + page.section("measures", "Measures", measures.of_the_generator(path, run.header, run.lines))
        + page.section("record", "Record", *record.tables(run.folder, config, run.header, run.damaged))
    )
    page.write(out, f"minigan: {run.name}", heading, body)


def symptoms(lines: list[dict[str, Any]]) -> str:
    """What the run said of itself as it went on."""
    reading = Reading()
    told = [
        f"Iteration {line['iteration']}: {text}"
        for line in lines
        if line.keys() >= set(NEEDED)
        for text in reading.of(line)
    ]
    if not told and lines:
        lasted = "that D has won, that G has collapsed or that its units are dead"
        return page.paragraph(f"No line says for {ITERATIONS} iterations {lasted}.")
    return "".join(page.paragraph(text, "fails") for text in told)
