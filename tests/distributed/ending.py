"""A run of `minigan.train` of which one rank ends:  mpiexec -n P python ending.py WAY RANK CALL STAMP OPTIONS...

Rank RANK ends before its CALL-th sum over ranks, and leaves a file STAMP at that moment.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

from minigan import train
from minigan.distributed.mpi import MPIRanks


def out_of_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 26, resource.RLIM_INFINITY))
    bytearray(1 << 28)


def fail() -> None:
    raise RuntimeError("no such luck")


WAYS = {
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exception": fail,
    "sys.exit": lambda: sys.exit(0),
    "out of memory": out_of_memory,
    "disk full": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    "stopped": lambda: os.kill(os.getpid(), signal.SIGTERM),
}
"""What rank RANK does; a full disk it meets when it writes the next time."""


def main(way: str, rank: str, call: str, stamp: str, *options: str) -> int:
    mean, calls = MPIRanks.mean, 0

    def ending(self, ops, vector) -> None:
        nonlocal calls
        calls += 1
        if (self.rank, calls) == (int(rank), int(call)):
            Path(stamp).touch()
            WAYS[way]()
        mean(self, ops, vector)

    MPIRanks.mean = ending
    return train.main(list(options))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
