"""Where arrays live and what computes on them: `get("numpy")`.  A backend is imported when it is asked for."""

from __future__ import annotations

from minigan.backends.ops import Ops
from minigan.errors import ConfigError

NAMES = ("auto", "numpy", "numba")


def get(name: str) -> Ops:
    """The backend of this name; "auto" chooses.  Raises ConfigError for a name that is not one of `NAMES`."""
    if name not in NAMES:
        raise ConfigError(f"--backend {name}: expected one of {', '.join(NAMES)}")
    if name == "numba":
        from minigan.backends.numba_ops import NumbaOps

        return NumbaOps()
    from minigan.backends.numpy_ops import NumpyOps

    return NumpyOps()
