"""How a run ended, and what it measures at its end, read from its folder alone.

The rule, which docs/cluster.md states:  a run *diverged* if its numbers left the finite ones; it *crashed* if its
process ended otherwise before its last iteration; *D has won* or G has *collapsed* if that symptom, as a run names it
(`minigan.loop.symptoms`), still stands at its last line.
"""

from __future__ import annotations

import json
from typing import Any

from minigan import data as datasets
from minigan.errors import CheckpointError
from minigan.files import checkpoint
from minigan.files.run_folder import RunFolder
from minigan.generator.sampler import Sampler
from minigan.loop.symptoms import Reading, d_has_won, g_has_collapsed
from minigan.metrics.modes import SAMPLES, coverage
from minigan.sweeping.jobs import Job

DONE, DIVERGED, CRASHED, UNFINISHED = "done", "diverged", "crashed", "unfinished"
FAILURES = {d_has_won: "D has won", g_has_collapsed: "collapsed"}
OF_A_LINE = ("validation", "value", "d_loss", "g_loss", "d_real", "d_fake", "diversity")
TAIL = 1 << 14
"""Bytes that hold the last line of metrics.jsonl."""


def end_of(job: Job) -> str:
    """DONE where the last iteration's checkpoint verifies, DIVERGED where its record ends so, else UNFINISHED."""
    last = (job.folder.remembered() or [{}])[-1]
    if "diverged" in last:
        return DIVERGED
    try:
        checkpoint.read(job.folder.checkpoint(job.total))
    except CheckpointError:
        return UNFINISHED
    return DONE


def lines_of(folder: RunFolder) -> list[dict[str, Any]]:
    """The lines of a run's metrics.jsonl; of a run under way perhaps not the last one."""
    return [line for text in _text(folder).splitlines() if (line := _read(text))]


def iteration_of(folder: RunFolder) -> int:
    """The iteration of the last line that a run has logged; 0 before the first."""
    for text in reversed(_text(folder, TAIL).splitlines()):
        if line := _read(text):
            return int(line["iteration"])
    return 0


def _text(folder: RunFolder, tail: int | None = None) -> str:
    try:
        with open(folder.metrics, "rb") as file:
            if tail is not None:
                file.seek(max(0, folder.metrics.stat().st_size - tail))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _read(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and "iteration" in line else None


def symptoms_at_end(lines: list[dict[str, Any]]) -> list[str]:
    """Which of FAILURES stand at the last line of a run."""
    reading = Reading()
    for line in lines:
        reading.of(line)
    return [name for symptom, name in FAILURES.items() if reading.stands(symptom)]


def measures(job: Job) -> dict[str, float]:
    """Of a run that is done, by name.

    modes, high_quality  of a mixture with several: captured modes, and the share of samples of high quality, by the
                         protocol and with the samples of `minigan.evaluate --run`
    validation           the last one, of a run that has them (`minigan.loop.validation.Measure`)
    value, d_loss, ...   as the last line of metrics.jsonl has them; those that are None are left out
    """
    lines, found = lines_of(job.folder), dict[str, float]()
    mixture = datasets.MIXTURES[job.config.data]() if job.config.data in datasets.MIXTURES else None
    if mixture is not None and len(mixture.centres) > 1:
        samples = Sampler.load(job.folder.checkpoint(job.total)).sample(SAMPLES)
        near = coverage(samples, mixture.centres, mixture.deviation)
        found |= {"modes": float(near.captured), "high_quality": near.high_quality}
    last = lines[-1] | {"validation": next((n["validation"] for n in reversed(lines) if "validation" in n), None)}
    return found | {name: float(last[name]) for name in OF_A_LINE if last.get(name) is not None}
