"""Where arrays live and what computes on them: `get("numpy")`.  A backend is imported when it is asked for."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from numbers import Integral

from minigan.backends.array import Array as Array
from minigan.backends.ops import Ops as Ops
from minigan.errors import ConfigError, DeviceError, did_you_mean, one_line, shortened, spelled

NAMES = ("numpy", "numba")
"""the backends that every machine has"""
GPU = "cupy"


def get(name: str, threads: int | None = None, device: int = 0, precision: str = "float32") -> Ops:
    """The backend of this name: on so many CPU threads (None: as many as it finds good), or on GPU number `device`.

    precision  "tf32" asks a GPU for float32 products on its tensor cores; it makes no other difference

    Raises ConfigError for a name that is not one of these, and for threads or a precision that it cannot have;
    DeviceError where there is no GPU to use.
    """
    if threads is not None and not (isinstance(threads, Integral) and not isinstance(threads, bool) and threads >= 1):
        raise ConfigError(f"--threads {shortened(repr(threads))}: expected at least 1, a whole number")
    if device != 0 and name != GPU:
        raise ConfigError(f"--device {device}: expected --backend cupy, since {name} computes on the CPU")
    if precision == "tf32" and name != GPU:
        raise ConfigError(f"--precision tf32: expected --backend cupy; {name} computes in float32 or float64")
    match name:
        case "numpy":
            from minigan.backends.numpy_ops import NumpyOps

            return NumpyOps(threads)
        case "numba":
            if reason := why_no_numba():
                raise ConfigError(f"--backend numba: {reason}; expected --backend numpy, or that undone")
            from minigan.backends.numba.numba_ops import NumbaOps

            return NumbaOps(threads)
        case "cupy":
            if threads is not None:
                raise ConfigError(f"--threads {threads}: expected none with --backend cupy, which computes on a GPU")
            from minigan.backends.cuda import devices

            gpu = devices.select(device)
            from minigan.backends.cuda.cupy_ops import CupyOps

            mode = gpu_mode()
            return CupyOps(gpu, precision == "tf32", recording=mode != "eager", side_by_side=mode != "serial")
    names = (*NAMES, GPU)
    raise ConfigError(f"--backend {name}: expected one of {', '.join(names)}{did_you_mean(name, names)}")


def gpu_mode() -> str:
    """How a GPU is given its work, MINIGAN_GPU: recorded, unless something is to be debugged or measured.

    recorded  iterations as graphs, in which what does not need each other runs side by side
    serial    as graphs, one task after the other
    eager     one kernel at a time
    """
    mode = os.environ.get("MINIGAN_GPU", "recorded")
    if mode not in ("recorded", "serial", "eager"):
        raise ConfigError(f"MINIGAN_GPU={mode}: expected recorded, serial (nothing side by side) or eager (to debug)")
    return mode


def why_no_numba() -> str | None:
    """Why nothing can be compiled here, in a few words; None where it can."""
    if sys.platform == "win32":
        return "its threads call POSIX functions, which Windows does not have"
    disabled = os.environ.get("NUMBA_DISABLE_JIT", "0")
    if disabled not in ("", "0"):
        return f"NUMBA_DISABLE_JIT={disabled} turns its compiler off"
    try:
        import numba  # noqa: F401
    except ImportError as error:
        return f"Numba cannot be loaded ({one_line(error)})"
    return None


def why_no_gpu(device: int = 0) -> str | None:
    """Why `get("cupy")` would not find this GPU, in a few words; None where it would.

    CuPy is loaded only where it is installed.
    """
    if find_spec("cupy") is None:
        return "CuPy is not installed"
    from minigan.backends.cuda import devices

    try:
        devices.select(device)
    except (ConfigError, DeviceError) as error:
        return str(error).removeprefix(spelled(f"--backend {GPU}: ")).split(";")[0]
    return None
