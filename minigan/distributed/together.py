"""A command that several processes run together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from minigan.distributed.launched import launched
from minigan.distributed.ranks import Ranks, ranks_of
from minigan.errors import ConfigError
from minigan.options.cli import WRONG_INPUT, Stopped


@contextmanager
def together(prog: str, name: str | None) -> Iterator[Ranks]:
    """The ranks that `--distributed NAME` asks for, while a command runs: rank 0 alone is heard, none is left behind.

    Raises ConfigError as `ranks_of`, and where a launcher has started several processes that ask for no others.
    """
    rank, size = launched()
    try:
        ranks = ranks_of(name)
        if name is None and size > 1:
            raise ConfigError(f"one of {size} processes that would all do the same: expected --distributed mpi")
    except ConfigError:
        if rank:
            raise Stopped(WRONG_INPUT) from None  # rank 0 says so
        raise
    with ranks.inside(prog):
        if ranks.rank == 0:
            yield ranks
            return
        with open(os.devnull, "w", encoding="utf-8") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
            yield ranks
