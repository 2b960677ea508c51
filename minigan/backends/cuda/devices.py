"""The GPU: which one, and in one line why there is none."""

from __future__ import annotations

import os

from minigan.errors import ConfigError, DeviceError

INSUFFICIENT_DRIVER = 35
"""cudaErrorInsufficientDriver"""


def select(number: int) -> str:
    """Make GPU `number` the one that this process computes on, and return its name.

    Raises DeviceError where CuPy, a driver or a GPU is missing, or the driver is too old; ConfigError for a number out
    of range.
    """
    try:
        import cupy
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "cupy"
        reason = (str(error.__cause__ or error).strip() or type(error).__name__).splitlines()[
            0
        ]  # CuPy writes a page around its cause
        raise DeviceError(
            f"--backend cupy: CuPy {'is not installed' if missing else 'cannot be loaded'}; expected pip install "
            f"'.[cupy13x]' for a driver of CUDA 13, '.[cupy12x]' for one of CUDA 12 ({reason})"
        ) from None
    count = devices(cupy.cuda.runtime)
    if not 0 <= number < count:
        raise ConfigError(f"--device {number}: expected 0 to {count - 1}, the GPUs that this process may use")
    cupy.cuda.Device(number).use()
    return cupy.cuda.runtime.getDeviceProperties(number)["name"].decode()


def devices(runtime) -> int:
    """How many GPUs there are; `runtime` is `cupy.cuda.runtime`.  Raises DeviceError for none."""
    driver, needed = runtime.driverGetVersion(), runtime.runtimeGetVersion()
    try:
        count = runtime.getDeviceCount()
    except runtime.CUDARuntimeError as error:
        if driver == 0:
            raise DeviceError(
                f"--backend cupy: no NVIDIA driver; expected one of CUDA {needed // 1000} or newer"
            ) from None
        if error.status == INSUFFICIENT_DRIVER:
            raise DeviceError(
                f"--backend cupy: the NVIDIA driver is one of CUDA {version(driver)}, expected {version(needed)} for "
                f"this CuPy; a newer driver, or the extra cupy{driver // 1000}x instead of cupy{needed // 1000}x"
            ) from None
        count = 0
    if count == 0:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        because = "" if hidden is None else f" (CUDA_VISIBLE_DEVICES={hidden})"
        raise DeviceError(f"--backend cupy: no GPU; the driver sees none{because}")
    return count


def version(number: int) -> str:
    """13020 as 13.2"""
    return f"{number // 1000}.{number % 1000 // 10}"
