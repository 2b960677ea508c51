"""How many threads, and how they wait.

Kernels run on Numba's threads: GNU OpenMP's where the system has it (a region begins in 2 microseconds), else Numba's own
queue (30 microseconds).  The number is that of the cores this process may use, whatever OMP_NUM_THREADS or
NUMBA_NUM_THREADS say, and waiting threads spin for a moment and then sleep, so that they never keep a busy core.
"""

from __future__ import annotations

import os

import numba

SPINS = "20000"
LAYERS = ["omp", "workqueue", "tbb"]


def cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare() -> None:
    """Settings that are read once, when the first parallel kernel starts; later calls change nothing."""
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    numba.config.THREADING_LAYER_PRIORITY = LAYERS
    if not numba.np.ufunc.parallel._is_initialized:
        numba.config.NUMBA_NUM_THREADS = cores()
