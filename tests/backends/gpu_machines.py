"""Where tests of the GPU backend run: on a stand-in for CuPy everywhere, and on a GPU where there is one."""

from __future__ import annotations

from dataclasses import replace

import cuda_on_cpu
import numpy as np
import pytest
from gpu_stand_in import stand_in

from minigan.backends.clock import Count
from minigan.backends.cuda import devices
from minigan.errors import DeviceError
from minigan.rng import Draw

MACHINES = ["stand-in", pytest.param("gpu", marks=pytest.mark.gpu)]


def gpu_ops(machine: str, **how):
    """A new `CupyOps`; the test is skipped, with its reason, where the machine has none."""
    if machine == "stand-in":
        if cuda_on_cpu.COMPILER is None:
            pytest.skip(cuda_on_cpu.NO_COMPILER)
        return stand_in(**how)
    try:
        gpu = devices.select(0)
    except DeviceError as error:
        pytest.skip(str(error))
    from minigan.backends.cuda.cupy_ops import CupyOps

    return CupyOps(gpu, **how)


def uploaded(ops, arguments: dict) -> dict:
    """A kernel's arguments with their arrays, rows and clock on the GPU, in the layout that they have."""
    there = {name: _uploaded(ops, value) for name, value in arguments.items()}
    if "clock" in there:
        there["clock"] = there["count"].clock
    return there


def _uploaded(ops, value):
    if isinstance(value, Draw):
        return replace(value, rows=_uploaded(ops, value.rows))
    if isinstance(value, Count):
        clock = ops.clock(value.clock.lr_schedule, value.clock.momentum_schedule)
        ops.set_clock(clock, int(value.clock.iteration))
        return replace(value, clock=clock)
    if not isinstance(value, np.ndarray):
        return value
    if value.flags.c_contiguous:
        return ops.asarray(value)
    if value.T.flags.c_contiguous:
        return ops.asarray(value.T).T
    return ops.asarray(np.repeat(value, 2, axis=-1))[..., ::2]
