"""A stand-in for CuPy and cuBLAS: `CupyOps` as it is, on a CPU.

Arrays are NumPy's, kernels are the .cu files compiled for the CPU, products are NumPy's.  It is stricter than a GPU:
fresh memory is NaN, no NumPy function takes its arrays, and its streams are those of `streams_stand_in.py`.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from contextlib import contextmanager, nullcontext
from types import ModuleType, SimpleNamespace
from unittest.mock import patch

import cuda_on_cpu
import numpy as np
from cublas_stand_in import CublasLibrary
from streams_stand_in import GPU, CUDARuntimeError, Event, Stream

from minigan.backends.cuda.source import signatures

ROOM = "minigan.backends.cuda"
BOUND_TO_CUPY = ("streams", "graph", "cublas", "kernels", "memory", "cupy_ops")


class OutOfMemoryError(MemoryError):
    """As CuPy raises."""


def span(array) -> tuple[int, int]:
    start = array.ctypes.data
    return start, start + array.nbytes


class Array(np.ndarray):
    """An array of the GPU, which turns into NumPy's through `get` alone."""

    gpu: GPU

    @property
    def data(self):
        return Pointer(self)

    def get(self, stream=None):
        self.gpu.forbid("a copy to the host")
        if stream is not None:
            with self.gpu.lock:
                self.gpu.check(stream, span(self), written=False)
                self.gpu.wait_for(stream.done)
        return np.array(self.view(np.ndarray))

    def __setitem__(self, key, value):
        self.gpu.forbid("a copy")
        self.view(np.ndarray)[key] = value.view(np.ndarray) if isinstance(value, Array) else value

    def __array_ufunc__(self, ufunc, *arguments, **named):
        raise TypeError(f"np.{ufunc.__name__} of an array on the GPU")

    def __array_function__(self, function, *arguments, **named):
        raise TypeError(f"np.{function.__name__} of an array on the GPU")

    def __float__(self):
        raise TypeError("a number on the GPU as a Python float")

    __int__ = __bool__ = __float__


class Pointer:
    """Where an array's memory begins."""

    def __init__(self, array: Array):
        self.gpu, self.ptr = array.gpu, array.ctypes.data

    def copy_from_device_async(self, source, size, stream):
        spans = [(at, at + size) for at in (source.ptr, self.ptr)]
        self.gpu.do(stream, spans[:1], spans[1:], lambda: ctypes.memmove(self.ptr, source.ptr, size))


class RawModule:
    def __init__(self, gpu: GPU, code: str, options: tuple):
        real = next(option.removeprefix("-DReal=") for option in options if option.startswith("-DReal="))
        self.gpu, self.library, self.signatures = gpu, cuda_on_cpu.compiled(code, real), signatures(code)

    def get_function(self, name):
        self.gpu.forbid("loading a kernel")
        parameters = self.signatures[name]

        def function(grid, block, values):
            assert 0 < grid[0] < 2**31 and 0 < grid[1] < 2**16 and 0 < block[0] * block[1] <= 1024
            for parameter, value in zip(parameters, values, strict=True):
                null = parameter.pointer and type(value) is np.uint64 and value == 0
                assert parameter.pointer == (null or isinstance(value, Array)), (name, parameter)
            arrays = [(p, span(v)) for p, v in zip(parameters, values) if isinstance(v, Array)]
            reads, writes = ([s for p, s in arrays if p.written == written] for written in (False, True))
            if name == "tick":
                writes = [(start, end + 8 * (end - start == 8)) for start, end in writes]
            work = lambda: cuda_on_cpu.launch(self.library, name, grid, block, values)
            self.gpu.do(self.gpu.current[-1], reads, writes, work)

        return function


def cupy_of(gpu: GPU) -> ModuleType:
    """A module that has what the backend uses of CuPy."""
    kind = type("ndarray", (Array,), {"gpu": gpu})

    def empty(shape, dtype=np.float64):
        gpu.forbid("an allocation")
        dtype = np.dtype(dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        if size > gpu.room:
            raise OutOfMemoryError(f"Out of memory allocating {size:,} bytes")
        raw = np.full(size + 256, 255, np.uint8)  # bytes of 255 are a NaN
        start = -raw.ctypes.data % 256
        gpu.give_out((raw.ctypes.data + start, raw.ctypes.data + start + size))
        return raw[start : start + size].view(dtype).reshape(shape).view(kind)

    def asarray(array, dtype=None, order="C"):
        if isinstance(array, Array) and array.dtype == (dtype or array.dtype) and array.flags.c_contiguous:
            return array
        array = np.asarray(array.view(np.ndarray) if isinstance(array, Array) else array, dtype)
        made = empty(array.shape, array.dtype)
        made[...] = array
        return made

    def zeros(shape, dtype=np.float64):
        made = empty(shape, dtype)
        made[...] = 0
        return made

    def argsort(array):
        gpu.forbid("a sort")
        return asarray(np.argsort(array.view(np.ndarray), kind="stable"))

    @contextmanager
    def using_allocator(allocator):
        gpu.allocator = allocator
        yield
        gpu.allocator = None

    cupy = ModuleType("cupy")
    cupy.ndarray, cupy.empty, cupy.zeros, cupy.asarray, cupy.argsort = kind, empty, zeros, asarray, argsort
    cupy.RawModule = lambda code, options: RawModule(gpu, code, options)
    cupy.cuda = SimpleNamespace(
        Stream=lambda non_blocking: Stream(gpu, non_blocking),
        Device=nullcontext,
        Event=lambda **how: Event(gpu, **how),
        using_allocator=using_allocator,
        runtime=SimpleNamespace(CUDARuntimeError=CUDARuntimeError, memGetInfo=lambda: (gpu.room, 2**40)),
        driver=SimpleNamespace(CUDADriverError=CUDARuntimeError),
        memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
    )
    return cupy


def stand_in(**how):
    """A `CupyOps` of its own on a GPU of its own, which is its `gpu`."""
    gpu = GPU()
    package = importlib.import_module(ROOM)
    with patch.dict(sys.modules, {"cupy": cupy_of(gpu)}), patch.dict(vars(package)):
        for name in BOUND_TO_CUPY:
            sys.modules.pop(f"{ROOM}.{name}", None)
        ops_module, cublas = (importlib.import_module(f"{ROOM}.{name}") for name in ("cupy_ops", "cublas"))
        cublas.library = lambda: library
        library = CublasLibrary(gpu)
        ops = ops_module.CupyOps("a stand-in", **how)
    ops.gpu = gpu
    return ops
