"""`python -m minigan.gradcheck`: every hand-written gradient against finite differences.

All other numbers are held to known answers and to a run of another program (`minigan.checks.table`).

`--layer module:Name` checks a layer of your own, and what the game asks of it (`minigan.checks.own_layer`).

`--plant NAME` puts a bug into the library first (`minigan.checks.planted_bugs`), and the table shows where it is found:
a check that cannot fail proves nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from minigan import backends
from minigan.backends import Ops
from minigan.checks.finite_differences import AGREEMENT, TOLERANCE, H, Result
from minigan.checks.own_layer import check_layer, find_layer
from minigan.checks.planted_bugs import BUGS, find, planted
from minigan.checks.table import caught_by, check_all
from minigan.errors import ConfigError
from minigan.options import cli

PROG = "minigan.gradcheck"


@dataclass(frozen=True)
class Options:
    """Check every hand-written gradient against finite differences, and all other numbers against known answers and a
    reference trajectory."""

    backend: Literal["numpy", "numba", "cupy"] = "numpy"
    """what computes"""
    plant: str | None = None
    """plant a bug first, by its name, and see what fails; "all" plants each in turn; "list" says what there is"""
    layer: str | None = None
    """check a layer of your own, module:Name, instead of minigan's"""
    device: int = 0
    """which GPU, where cupy computes"""


@cli.command(PROG)
def main(args: list[str]) -> int:
    """Print the table; exit code 0 if every row passes, else 1.  With `--plant all`, 0 if every bug is caught."""
    options = cli.parse(Options, args, PROG)
    if options.plant is not None and options.backend != "numpy":
        raise ConfigError(f"--backend {options.backend}: the bugs of --plant are planted in numpy's kernels")
    ops = backends.get(options.backend, device=options.device)
    match options.plant:
        case None:
            return table(check_all(ops) if options.layer is None else check_layer(find_layer(options.layer), ops))
        case "list":
            return list_bugs()
        case "all":
            return plant_all(ops)
        case name:
            bug = find(name)
            print(f"planted {bug.name}, in {bug.where}: {bug.what}")
            with planted(bug):
                return table(check_all(ops))


def table(rows: Iterable[Result]) -> int:
    """Print every row; 1 if any fails, else 0."""
    print(f"{'what':46} {'against':12} {'number':>6} {'largest':>9} {'worst error':>12}")
    failed = 0
    for row in rows:
        failed += not row.passed
        verdict = "" if row.passed else "  FAILED"
        print(f"{row.name:46} {row.method:12} {row.checks:6} {row.largest:9.1e} {row.worst:12.1e}{verdict}")
    print(
        f"{failed or 'none'} failed; float64; tolerance {TOLERANCE:g} of the largest entry for finite differences "
        f"(h = {H:g}), {AGREEMENT:g} for known numbers"
    )
    return 1 if failed else 0


def list_bugs() -> int:
    """Print every bug's name, and what it does."""
    for bug in BUGS.values():
        print(f"{bug.name:32} {bug.where}: {bug.what}")
    return 0


def plant_all(ops: Ops) -> int:
    """Plant each bug in turn and print which row catches it; 1 unless each is caught."""
    missed = 0
    print(f"{'bug':32} {'caught by':46} {'worst error':>12}")
    for bug in BUGS.values():
        row = caught_by(ops, bug)
        missed += row is None
        print(f"{bug.name:32} " + ("MISSED" if row is None else f"{row.name:46} {row.worst:12.1e}"))
    print(f"{len(BUGS)} bugs planted, {missed or 'none'} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
