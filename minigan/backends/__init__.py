"""Where arrays live and what computes on them: `get("numpy")`.  A backend is imported when it is asked for."""

from __future__ import annotations

from minigan.backends.ops import Ops

NAMES = ("numpy",)


def get(name: str) -> Ops:
    """The backend of this name.  Raises ValueError for a name that is not one of `NAMES`."""
    if name == "numpy":
        from minigan.backends.numpy_ops import NumpyOps

        return NumpyOps()
    raise ValueError(f"backend {name!r}: expected one of {', '.join(NAMES)}")
