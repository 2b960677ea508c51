"""Handles instead of arrays: a backend's memory that only the backend can look into.

CuPy's arrays refuse to become NumPy's silently.  These refuse more: all that layers, losses, optimisers and Algorithm 1
may know of an array is its shape, its dtype and its rows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minigan.backends.clock import Clock, Count
from minigan.backends.numpy_ops import NumpyOps
from minigan.backends.ops import Ops
from minigan.rng import Draw

HANDLES_OUT = ("empty", "zeros", "asarray")


class Opaque:
    """An array's shape, dtype and rows.  Everything else is Python's own refusal of an unknown object."""

    def __init__(self, array: np.ndarray):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        if not isinstance(rows, slice | int):
            raise TypeError(f"rows {rows!r} of a handle: expected a slice or a number")
        return Opaque(self._array[rows])

    def reshape(self, *shape):
        return Opaque(self._array.reshape(*shape))

    def __array__(self, *arguments, **named):
        raise TypeError("a handle is no NumPy array")

    def __iter__(self):
        raise TypeError("a handle cannot be walked through")

    def __eq__(self, other):
        raise TypeError("a handle cannot be compared")

    def __bool__(self):
        raise TypeError("a handle is neither true nor false")

    __hash__ = object.__hash__


def opened(value):
    """What a handle, or what has handles inside, stands for."""
    match value:
        case Opaque():
            return value._array
        case Draw():
            return replace(value, rows=opened(value.rows), iteration=opened(value.iteration))
        case Count():
            return replace(value, clock=opened(value.clock))
        case Clock():
            return replace(value, **{name: opened(part) for name, part in vars(value).items()})
        case dict():
            return {name: opened(part) for name, part in value.items()}
        case np.ndarray():
            raise TypeError("a NumPy array where a kernel takes the backend's own")
    return value


class OpaqueOps(NumpyOps):
    """NumPy's kernels on handles."""

    name = "opaque"

    def asarray(self, array, dtype=None):
        return Opaque(super().asarray(opened(array) if isinstance(array, Opaque) else array, dtype))

    def clock(self, lr, momentum):
        clock = NumpyOps().clock(lr, momentum)
        return replace(clock, **{n: Opaque(a) for n, a in vars(clock).items() if isinstance(a, np.ndarray)})


def _on_handles(name: str):
    kernel = getattr(NumpyOps, name)

    def call(self, *arguments, **named):
        result = kernel(NUMPY, *map(opened, arguments), **{n: opened(value) for n, value in named.items()})
        if name in HANDLES_OUT:
            return Opaque(result)
        given = [value for value in (*arguments, *named.values()) if isinstance(value, Opaque)]
        return next((handle for handle in given if handle._array is result), result)

    return call


NUMPY = NumpyOps()
for _name in Ops.__abstractmethods__ - {"threads", "session", "asarray", "clock"}:
    setattr(OpaqueOps, _name, _on_handles(_name))
