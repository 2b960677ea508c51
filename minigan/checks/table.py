"""The table of checks: gradients against finite differences, other numbers against known answers and a run of another
program; and which row of it catches a planted bug."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from minigan.backends import Ops
from minigan.checks import inference, known_answers
from minigan.checks.finite_differences import Result
from minigan.checks.gradients import Check, gradient_checks
from minigan.checks.labels import check_labels
from minigan.checks.planted_bugs import Bug, planted
from minigan.checks.reference_trajectory import check_game, games


def all_checks() -> dict[str, Check]:
    """Every check of the table by what its rows' names begin with, up to their colon."""
    trajectories = {name: partial(check_game, game=game) for name, game in games().items()}
    known = known_answers.CHECKS | {"Labels": check_labels}
    return known | gradient_checks() | inference.CHECKS | trajectories


def check_all(ops: Ops) -> Iterator[Result]:
    """Every row of the table."""
    for name, check in all_checks().items():
        yield from check(ops, name)


def caught_by(ops: Ops, bug: Bug) -> Result | None:
    """The row that is there to catch this bug, as it fails; None if it passes with the bug or fails without it.

    Other rows may fail as well: `table` shows them.
    """
    name = bug.row.split(":")[0]

    def row() -> Result:
        return next(row for row in all_checks()[name](ops, name) if row.name == bug.row)

    honest = row()
    with planted(bug):
        found = row()
    return found if honest.passed and not found.passed else None
