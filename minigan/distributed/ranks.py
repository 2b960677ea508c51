"""The processes that play one game: the shares of rows, and what each asks of the others.

A minibatch of m rows is cut into P runs of m / P.  A loss is a mean over rows, so its gradient is the mean of
the ranks' gradients of their shares.  Random numbers are counted by global row, so P ranks draw what one draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np

from minigan.backends import Array, Ops
from minigan.errors import ConfigError, did_you_mean

T = TypeVar("T")


class Ranks:
    """One process, which asks itself.  `minigan.distributed.mpi.MPIRanks` are several.

    rank, size  this one's number from 0, and P
    threads     the CPU threads that are this rank's by default; None: as many as a backend finds good

    All ranks call the same of these methods in the same order.
    """

    rank, size = 0, 1
    threads: int | None = None

    def share(self, m: int) -> int:
        """m / P, the rows of one rank.  Raises ConfigError where that is no whole number."""
        if m % self.size:
            raise ConfigError(f"--batch-size {m}: expected a multiple of {self.size}, the ranks that share it")
        return m // self.size

    def rows(self, m: int) -> list[int]:
        """The global numbers of this rank's rows of [x; G(z)], 2m rows: r m/P .. of the real ones, m + r m/P .. of the
        fake ones.
        """
        first, n = self.rank * self.share(m), self.share(m)
        return [*range(first, first + n), *range(m + first, m + first + n)]

    def mean(self, ops: Ops, vector: Array) -> None:
        """vector (n,) <- its mean over all ranks, to the same bits on each."""

    def joined(self, rows: np.ndarray) -> np.ndarray:
        """(m / P, ...) of each rank to (m, ...) on all of them, in the order of ranks."""
        return rows

    def any(self, true: bool) -> bool:
        """Whether it is true on any rank."""
        return true

    def first(self, make: Callable[[], T]) -> T | None:
        """What `make` makes, on rank 0 alone; where it raises, no rank goes on."""
        return make()

    def agreed(self, thing: T) -> T:
        """Rank 0's, on all of them."""
        return thing

    def each(self, thing: T) -> list[T]:
        """Every rank's, in their order."""
        return [thing]

    def spread(self, ops: Ops, vector: Array) -> None:
        """vector (n,) <- rank 0's."""

    def in_turn(self, make: Callable[[], T]) -> T:
        """What `make` makes on each rank, on one of each machine first: what that one downloads, the others find."""
        return make()

    @contextmanager
    def inside(self, prog: str = "minigan") -> Iterator[None]:
        """A stretch that all ranks go through: one that ends in it, by an error or without a word, ends all.

        prog  which program that is, in the line that says so
        """
        yield


ALONE = Ranks()
NAMES = ("mpi", "mpi-ordered")


def ranks_of(name: str | None) -> Ranks:
    """The ranks that are meant by `--distributed`; None: this process alone.

    mpi          those of MPI_COMM_WORLD
    mpi-ordered  the same, which add in the order of ranks: as many ranks then make the same bits with every MPI

    Raises ConfigError for another name, and where mpi4py or its MPI is missing or is not that of the mpiexec.
    """
    if name is None:
        return ALONE
    if name not in NAMES:
        raise ConfigError(f"--distributed {name}: expected one of {', '.join(NAMES)}{did_you_mean(name, NAMES)}")
    from minigan.distributed.mpi import world

    return world(name == "mpi-ordered")


def check_alike(ranks: Ranks, facts: Callable[[], dict[str, object]]) -> None:
    """Raise ConfigError, the same on all ranks, for the first fact that is another one on some rank than on rank 0."""
    if ranks.size == 1:
        return
    first, *others = ranks.each(facts())
    for rank, theirs in enumerate(others, 1):
        for name, value in first.items():
            if theirs[name] != value:
                raise ConfigError(f"rank {rank}: {name} {theirs[name]}, where rank 0 has {value}: expected the same")
