"""The kernels of the .cu files, compiled by CuPy for the GPU at hand, and launched with their arguments checked."""

from __future__ import annotations

import cupy
import numpy as np

from minigan.backends.cuda.source import Parameter, options, signatures, source
from minigan.backends.cuda.streams import Streams
from minigan.errors import ConfigError

TYPES = {
    "signed char": np.int8,
    "unsigned char": np.uint8,
    "int": np.int32,
    "unsigned": np.uint32,
    "long long": np.int64,
    "unsigned long long": np.uint64,
    "float": np.float32,
    "double": np.float64,
}
NULL = np.uint64(0)
"""a null pointer: CuPy would pass None as no argument at all"""
THREADS = 256
"""of a block that walks a vector, or reduces (BLOCK in common.cu)"""
TILE = 128
"""threads of a block that walks a matrix"""
MOST_SHARED = 100
"""percent of a multiprocessor's own memory that is to be shared memory, as products have it: where kernels differ, one
waits for the other"""
MOST_BLOCKS_DOWN = 65535
"""the largest y of a grid"""

Shape = tuple[tuple[int, int], tuple[int, int]]
"""blocks (x, y) and the threads of each (x, y)"""


class Kernels:
    """Every kernel for one Real, float32 or float64."""

    def __init__(self, dtype):
        code, real = source(), np.dtype(dtype)
        self._kinds = TYPES | {"Real": real.type}
        self._module = cupy.RawModule(code=code, options=options("float" if real == np.float32 else "double"))
        self._signatures, self._functions = signatures(code), {}

    def launch(self, streams: Streams, name: str, shape: Shape, arguments: tuple) -> None:
        """Give a kernel to the streams.

        Arrays (None for a null pointer) and numbers come in the order of the signature.  Raises TypeError where they
        are not what it says, ConfigError for a name of no kernel.  A grid without blocks, as no rows make one, has
        nothing to do: CuPy would make it one.
        """
        if name not in self._signatures:
            raise ConfigError(f"cupy has no kernel {name}: expected one in the .cu files, or numpy or numba to compute")
        if 0 in shape[0]:
            return
        parameters = self._signatures[name]
        if len(arguments) != len(parameters):
            raise TypeError(f"{name}: {len(arguments)} arguments, expected {len(parameters)}")
        if name not in self._functions:
            made = self._functions[name] = self._module.get_function(name)
            made.preferred_shared_memory_carveout = MOST_SHARED
        values = tuple(self._value(name, *pair) for pair in zip(parameters, arguments))
        arrays = [(p, a) for p, a in zip(parameters, arguments) if p.pointer and a is not None]
        reads, writes = ([a for p, a in arrays if p.written == written] for written in (False, True))
        with streams.task(reads, writes):
            self._functions[name](*shape, values)

    def _value(self, name: str, parameter: Parameter, argument):
        """An argument as the compiled kernel takes it."""
        kind = self._kinds[parameter.kind]
        if not parameter.pointer:
            return kind(argument)
        if argument is None:
            return NULL
        if argument.dtype != kind or not argument.flags.c_contiguous:
            raise TypeError(f"{name}: {parameter.name} of {argument.dtype}, expected {kind.__name__} in C order")
        return argument


def entries(n: int) -> Shape:
    """A thread an entry of a vector (n,)."""
    return (parts(n, THREADS), 1), (THREADS, 1)


def cells(rows: int, columns: int) -> Shape:
    """A thread a column and some rows: threads side by side take neighbouring columns."""
    x = min(TILE, 1 << max(0, columns - 1).bit_length())
    y = TILE // x
    return (parts(columns, x), min(parts(rows, y), MOST_BLOCKS_DOWN)), (x, y)


def fours(rows: int, columns: int) -> Shape:
    """A thread four columns and some rows."""
    return cells(rows, parts(columns, 4))


def column_tiles(columns: int, x: int, y: int, blocks: int = 1) -> Shape:
    """A block x columns and all rows, or the rows' share of so many blocks, in y runs."""
    return (parts(columns, x), blocks), (x, y)


def warp_a_row(rows: int) -> Shape:
    """Eight rows a block."""
    return (parts(rows, 8), 1), (32, 8)


def block_a_row(rows: int) -> Shape:
    """A block of THREADS for each row."""
    return (rows, 1), (THREADS, 1)


def parts(n: int, size: int) -> int:
    """How many parts of `size` n makes, the last one perhaps smaller."""
    return -(-n // size)
