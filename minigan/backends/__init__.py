"""Where arrays live and what computes on them: `get("numpy")`.  A backend is imported when it is asked for."""

from __future__ import annotations

from minigan.backends.ops import Ops
from minigan.errors import ConfigError

NAMES = ("numpy", "numba")


def get(name: str, threads: int | None = None) -> Ops:
    """The backend of this name on so many CPU threads (None: as many as it finds good).

    Raises ConfigError for a name that is not one of `NAMES`, or for threads that it cannot have.
    """
    if threads is not None and threads < 1:
        raise ConfigError(f"--threads {threads}: expected at least 1")
    match name:
        case "numpy":
            from minigan.backends.numpy_ops import NumpyOps

            return NumpyOps(threads)
        case "numba":
            from minigan.backends.numba_ops import NumbaOps

            return NumbaOps(threads)
    raise ConfigError(f"--backend {name}: expected one of {', '.join(NAMES)}")
