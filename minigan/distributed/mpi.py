"""Ranks through mpi4py: each is a process that mpiexec or srun has started."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import numpy as np

from minigan.backends import Array, Ops
from minigan.distributed.endings import Watch
from minigan.distributed.launched import launched
from minigan.distributed.ranks import Ranks, T
from minigan.errors import ConfigError, one_line
from minigan.options.cli import Stopped

HERE = 'expected pip install "minigan[mpi]" beside a cluster\'s MPI, "minigan[mpi-local]" on a machine without one'


class MPIRanks(Ranks):
    """The processes of a communicator.

    ordered  sums are those of the ranks' numbers from 0 on; otherwise in MPI's order, which is as fast as it can
    """

    def __init__(self, comm: Any, ordered: bool = False):
        self.comm, self.ordered = comm, ordered
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self.machine = comm.Split_type(mpi().COMM_TYPE_SHARED)
        if self.size > 1:
            self.threads = threads_of(self.machine)

    def mean(self, ops: Ops, vector: Array) -> None:
        if self.size > 1:
            ops.on_host(vector, self._mean_in_order if self.ordered else self._mean)

    def _mean(self, vector: np.ndarray) -> None:
        self.comm.Allreduce(mpi().IN_PLACE, vector)
        vector *= vector.dtype.type(1 / self.size)

    def _mean_in_order(self, vector: np.ndarray) -> None:
        """Each rank adds up one part of the vector, in the order of ranks, and all get all parts: by as many bytes."""
        parts = np.array_split(vector, self.size)
        counts, mine = [len(part) for part in parts], parts[self.rank]
        theirs = np.empty((self.size, len(mine)), vector.dtype)
        self.comm.Alltoallv([vector, counts], [theirs, [len(mine)] * self.size])
        np.copyto(mine, theirs[0])
        for part in theirs[1:]:
            mine += part
        mine *= vector.dtype.type(1 / self.size)
        self.comm.Allgatherv(mpi().IN_PLACE, [vector, counts])

    def joined(self, rows: np.ndarray) -> np.ndarray:
        whole = np.empty((self.size * len(rows), *rows.shape[1:]), rows.dtype)
        self.comm.Allgather(np.ascontiguousarray(rows), whole)
        return whole

    def any(self, true: bool) -> bool:
        flag = np.array(true, np.int32)
        self.comm.Allreduce(mpi().IN_PLACE, flag, mpi().MAX)
        return bool(flag)

    def first(self, make: Callable[[], T]) -> T | None:
        made, error = None, None
        if self.rank == 0:
            try:
                made = make()
            except BaseException as raised:
                error = raised
        failed = self.comm.bcast(error is not None)
        if error is not None:
            raise error
        if failed:
            raise Stopped(0)  # rank 0 says why
        return made

    def agreed(self, thing: T) -> T:
        return self.comm.bcast(thing)

    def each(self, thing: T) -> list[T]:
        return self.comm.allgather(thing)

    def spread(self, ops: Ops, vector: Array) -> None:
        ops.on_host(vector, self.comm.Bcast)

    def in_turn(self, make: Callable[[], T]) -> T:
        if self.machine.Get_rank():
            self.machine.Barrier()
            return make()
        try:
            return make()
        finally:
            self.machine.Barrier()

    @contextmanager
    def inside(self, prog: str = "minigan") -> Iterator[None]:
        with watch().inside(prog) if self.size > 1 else nullcontext():
            yield


@cache
def mpi() -> Any:
    """mpi4py's module.  Raises ConfigError where it or an MPI is missing."""
    try:
        from mpi4py import MPI
    except ImportError:
        raise ConfigError(f"--distributed mpi: no mpi4py here, {HERE}") from None
    except RuntimeError as error:
        raise ConfigError(f"--distributed mpi: mpi4py finds no MPI ({one_line(error)}), {HERE}") from None
    return MPI


@cache
def world(ordered: bool) -> MPIRanks:
    """The ranks of MPI_COMM_WORLD, whose ends are watched from here on.

    Raises ConfigError where a launcher has started more processes than MPI knows of: it is another MPI's.
    """
    MPI, (rank, started) = mpi(), launched()
    if MPI.COMM_WORLD.Get_size() == 1 < started:
        library = MPI.Get_library_version().split("\n")[0].split(",")[0]
        raise ConfigError(
            f"--distributed mpi: started as rank {rank} of {started}, but mpi4py's MPI ({library}) knows of no other: "
            "expected the mpiexec of that MPI, or an mpi4py built for this one"
        )
    ranks = MPIRanks(MPI.COMM_WORLD.Dup(), ordered)
    if ranks.size > 1:
        watch()
    return ranks


@cache
def watch() -> Watch:
    """Of the ends of the ranks of MPI_COMM_WORLD."""
    return Watch(mpi().COMM_WORLD.Dup())


def threads_of(machine: Any) -> int:
    """A rank's share of the cores that it may use, where others on its machine may use them too."""
    if not hasattr(os, "sched_getaffinity"):
        return max(1, (os.cpu_count() or 1) // machine.Get_size())
    mine = os.sched_getaffinity(0)
    return max(1, len(mine) // sum(bool(mine & theirs) for theirs in machine.allgather(mine)))
