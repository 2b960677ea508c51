"""What a sweep comes to: each measure's mean and standard error over seeds, and the runs that failed, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from minigan.sweeping.ends import CRASHED, DIVERGED, DONE, end_of, lines_of, measures, symptoms_at_end
from minigan.sweeping.jobs import Job

COLUMNS = {
    "modes": ("modes", ".1f"),
    "high_quality": ("high quality", ".1%"),
    "validation": ("validation", ".3f"),
    "value": ("V", ".3f"),
    "d_loss": ("d_loss", ".3f"),
    "g_loss": ("g_loss", ".3f"),
    "d_real": ("D(x)", ".3f"),
    "d_fake": ("D(G(z))", ".3f"),
    "diversity": ("diversity", ".2f"),
}
"""{measure: (its name in the table, how its numbers are written)}"""


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean of n values and its standard error  std / sqrt(n),  std with n - 1; 0 for one value."""
    n = len(values)
    return float(np.mean(values)), float(np.std(values, ddof=1) / sqrt(n)) if n > 1 else 0.0


def numbers(jobs: Sequence[Job], crashed: Mapping[Job, str]) -> dict[str, Any]:
    """{"settings": {name: row}, "runs": [...]} as JSON has it.

    A row: "runs" asked for, "n" of them that came to their last iteration, {measure: {"mean", "standard_error", "n"}}
    over those (the error of one run is None), and {failure: its seeds}.
    """
    runs = [run_of(job, crashed) for job in jobs]
    names = dict.fromkeys(job.setting for job in jobs)
    return {"settings": {name: row([r for r in runs if r["setting"] == name]) for name in names}, "runs": runs}


def run_of(job: Job, crashed: Mapping[Job, str]) -> dict[str, Any]:
    """One run: its setting and seed, how it ended, its failures and its measures."""
    end = CRASHED if job in crashed else end_of(job)
    found = {"setting": job.setting, "seed": job.config.seed, "folder": str(job.folder.path), "end": end}
    if end == CRASHED:
        return found | {"why": crashed[job], "failures": [CRASHED], "measures": {}}
    if end != DONE:
        return found | {"failures": [DIVERGED] if end == DIVERGED else [], "measures": {}}
    return found | {"failures": symptoms_at_end(lines_of(job.folder)), "measures": measures(job)}


def row(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One setting over its seeds."""
    found: dict[str, Any] = {"runs": len(runs), "n": sum(run["end"] == DONE for run in runs), "measures": {}}
    for name in COLUMNS:
        values = [run["measures"][name] for run in runs if name in run["measures"]]
        if values:
            mean, error = mean_and_error(values)
            of = {"mean": mean, "standard_error": error if len(values) > 1 else None, "n": len(values)}
            found["measures"][name] = of
    kinds = dict.fromkeys(kind for run in runs for kind in run["failures"])
    found["failures"] = {kind: [run["seed"] for run in runs if kind in run["failures"]] for kind in kinds}
    return found


def markdown(found: dict[str, Any], alone: str) -> str:
    """The table to read: a row for each setting, of which a single one without a name is called `alone`."""
    rows = found["settings"]
    shown = [name for name in COLUMNS if any(name in row["measures"] for row in rows.values())]
    lines = [["setting", "n", *(COLUMNS[name][0] for name in shown), "failures"]]
    for name, row in rows.items():
        cells = [written(row["measures"].get(measure), COLUMNS[measure][1]) for measure in shown]
        lines.append([name or alone, str(row["n"]), *cells, named(row["failures"], row["runs"])])
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def written(of: dict[str, Any] | None, form: str) -> str:
    """ "7.9 ± 0.1"; no error beside a single run, nothing where there is no run."""
    if of is None:
        return ""
    error = of["standard_error"]
    return f"{of['mean']:{form}}" if error is None else f"{of['mean']:{form}} ± {error:{form}}"


def named(failures: dict[str, list[int]], runs: int) -> str:
    """ "2 of 10: diverged (seed 3), collapsed (seed 7)" """
    failed = {seed for seeds in failures.values() for seed in seeds}
    if not failed:
        return f"0 of {runs}"
    kinds = (f"{kind} (seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))})" for kind, seeds in failures.items())
    return f"{len(failed)} of {runs}: {', '.join(kinds)}"
