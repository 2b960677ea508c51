"""Every hand-written gradient against finite differences: what all the rest stands on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from minigan import backends
from minigan.checks.finite_differences import TOLERANCE, H
from minigan.checks.gradients import check_gradients
from minigan.experiments.finding import Finding

TITLE = "Every gradient by hand"
SECONDS = (5, 5)


def run(out: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Finding:
    """`minigan.gradcheck` on the backend to read; the same quick or in full, with any seed."""
    rows = list(check_gradients(backends.get("numpy")))
    worst = max(row.worst for row in rows)
    failed = sum(not row.passed for row in rows)
    say(f"{len(rows)} gradients, {failed} failed")
    head = ("gradient", "along", "checks", "largest", "worst error")
    table = tuple((r.name, r.method, str(r.checks), f"{r.largest:.1e}", f"{r.worst:.1e}") for r in rows)
    return Finding(
        TITLE,
        "The training criterion is differentiated through both networks by backpropagation alone (section 3).",
        f"{len(rows)} gradients of layers, losses and whole networks inside Algorithm 1 in float64, h = {H:g}: "
        f"{failed} fail, and the worst differs by {worst:.1e} of its largest entry (tolerance {TOLERANCE:g}).",
        failed == 0,
        {"gradients": len(rows), "failed": failed, "worst": worst},
        table=(head, *table),
    )
