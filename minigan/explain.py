"""`python -m minigan.explain --run DIR --iteration N --out step.html`: one iteration of a run, opened."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from minigan.errors import ConfigError
from minigan.options import cli
from minigan.options.console import say, tell

PROG = "minigan.explain"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Open one iteration of a run: play it again from the nearest checkpoint and write one HTML page with every array
    of it, its formula, its code, its picture, and entries of each gradient beside their finite differences.  Nothing in
    the run is changed.  The page needs no network and no other file."""

    run: str
    """the run's folder"""
    iteration: int
    """which one, the first being 1"""
    out: str
    """FILE.html"""

    def check(self) -> None:
        """Raise ConfigError for the first option that cannot be used."""
        if self.run == "":
            raise ConfigError("--run '': expected a run's folder")
        cli.new_file("--out", self.out, (".html",))


@cli.command(PROG)
def main(args: list[str]) -> None:
    options = cli.parse(Options, args, PROG)
    options.check()
    from minigan.explaining.page import write
    from minigan.explaining.step import Step

    start, out = time.perf_counter(), Path(options.out)
    step = Step.of_run(Path(options.run), options.iteration, tell)
    write(step, out)
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB, in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
