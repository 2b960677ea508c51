"""Which rank a launcher says that this process is, before any MPI has begun."""

from __future__ import annotations

import os

VARIABLES = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),  # OpenMPI
    ("PMI_RANK", "PMI_SIZE"),  # MPICH, Intel MPI, Cray; Slurm with --mpi=pmi2
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),  # srun; a batch script itself has no step
)


def launched() -> tuple[int, int]:
    """(rank, size) as the environment has them; (0, 1) where nothing launched this process as one of several."""
    for rank, size in VARIABLES:
        if os.environ.get(rank, "").isdigit() and os.environ.get(size, "").isdigit():
            return int(os.environ[rank]), int(os.environ[size])
    return 0, 1
