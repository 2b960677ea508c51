"""A command that several processes run together."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from minigan.distributed.endings import SECONDS_OF_GRACE
from minigan.distributed.launched import launched
from minigan.distributed.ranks import Ranks, ranks_of
from minigan.errors import ConfigError
from minigan.options.cli import Stopped


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
    except ConfigError as error:
        if rank:
            raise Stopped(0) from None  # rank 0 says so
        if size > 1:
            time.sleep(SECONDS_OF_GRACE)  # a launcher kills what is still there once one has ended with code 2
        raise ConfigError(str(error)) from None
    try:
        with ranks.inside(prog):
            if ranks.rank == 0:
                yield ranks
                return
            with open(os.devnull, "w", encoding="utf-8") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
                yield ranks
    except BaseException:
        if ranks.rank:
            raise Stopped(0) from None
        raise
