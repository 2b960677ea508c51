"""`python -m minigan.compare RUN RUN`: where two runs part, by how much, and whether it is rounding or a cause."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from minigan.errors import ConfigError
from minigan.options import cli
from minigan.options.console import tell

PROG = "minigan.compare"


@dataclass(frozen=True)
class Options:
    """Hold two runs beside each other: what their records say, the first iteration and tensor in which they differ, by
    how much, and whether that is rounding or a cause.  Checkpoints are compared, and both runs played again from the
    last one that is equal; nothing is written."""

    runs: cli.Positional[tuple[str, str]]
    """the folders of both"""

    def check(self) -> None:
        """Raise ConfigError for a name that cannot be a folder."""
        if "" in self.runs:
            raise ConfigError("'': expected the folders of two runs")


@cli.command(PROG)
def main(args: list[str]) -> None:
    options = cli.parse(Options, args, PROG)
    options.check()
    from minigan.comparing.comparison import compare
    from minigan.comparing.told import lines

    one, other = map(Path, options.runs)
    found = compare(one, other, tell)
    print("\n".join(lines(found)))


if __name__ == "__main__":
    sys.exit(main())
