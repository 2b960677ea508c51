"""`python -m minigan.report --run DIR`: one page of a run, made of what lies in its folder."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from minigan.errors import ConfigError
from minigan.options import cli
from minigan.options.console import say

PROG = "minigan.report"
PAGE = "report.html"


@dataclass(frozen=True)
class Options:
    """Make one HTML page of a run: its curves, its samples as training went on, its measures, its record.  Nothing is
    trained; the run may be going on, or have been killed.  The page needs no network and no other file."""

    run: str
    """the run's folder"""
    out: str | None = None
    """FILE.html; without it RUN/report.html, which is made anew each time"""

    def check(self) -> None:
        """Raise ConfigError for the first option that cannot be used."""
        if self.run == "":
            raise ConfigError("--run '': expected a run's folder")
        if self.out is not None:
            cli.new_file("--out", self.out, (".html",))


@cli.command(PROG)
def main(args: list[str]) -> None:
    options = cli.parse(Options, args, PROG)
    options.check()
    from minigan.reporting.run_page import write

    run = Path(options.run)
    out = run / PAGE if options.out is None else Path(options.out)
    write(run, out)
    say(str(out))


if __name__ == "__main__":
    sys.exit(main())
