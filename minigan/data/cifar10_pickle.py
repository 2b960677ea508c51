"""A batch of CIFAR-10's Python version: a pickled dictionary, read without calling anything that the pickle names.

A pickle is a program, and may call any function that it names.  These name three things of NumPy's to make one array
of them; here each stands for an object that keeps what it is given and does nothing, and any other name is refused.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path

import numpy as np

from minigan.errors import DataError

NUMPY_NAMES = (("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype"))
PIXELS = 3072
# A batch of 10,000 images takes about 40,000 opcodes, ten of them for tuples.
MOST_OPCODES, MOST_TUPLES = 1 << 17, 1000


class Inert:
    """In place of a NumPy array or dtype: the arguments that would make it and the state that it would be given."""

    state: object = None

    def __init__(self, *arguments):
        self.arguments = arguments

    def __setstate__(self, state):
        self.state = state


class InertUnpickler(pickle.Unpickler):
    """Knows `NUMPY_NAMES` alone, and makes an `Inert` of each."""

    def find_class(self, module: str, name: str) -> type[Inert]:
        if (module, name) not in NUMPY_NAMES:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return Inert


def unpickle_planes(content: bytes | bytearray, path: str | Path) -> np.ndarray:
    """The pixels of a pickled batch, b"data" in its dictionary: (n, 3072) uint8, red before green before blue.

    Raises DataError for another pickle, and what `pickle` and `pickletools` raise for one that is broken.
    """
    check_promises(content)
    batch = InertUnpickler(io.BytesIO(content), encoding="bytes").load()
    array = batch.get(b"data") if isinstance(batch, dict) else None
    # NumPy's state of an array: version, shape, dtype, whether columns come first, and the bytes.
    match getattr(array, "state", None):
        case (_, (n, width), Inert(arguments=(b"u1", *_)), by_columns, bytes(pixels)) if (
            width == PIXELS and len(pixels) == n * width > 0
        ):
            return np.frombuffer(pixels, np.uint8).reshape((n, width), order="F" if by_columns else "C")
    raise DataError(f"{path}: another pickle, expected a dictionary with b'data', (n, {PIXELS}) of dtype uint8")


def check_promises(content: bytes | bytearray) -> None:
    """Raise ValueError for a pickle that would take far more memory than its own length.

    An opcode of one byte can make an object of 200, and tuples that are nested deep enough crash Python, which
    compares and hashes them without counting how deep it is.
    """
    tuples = 0
    for number, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > len(content):
            raise ValueError(f"it numbers an object {argument}, in {len(content)} bytes")
        tuples += opcode.name.startswith("TUPLE")
        if number >= MOST_OPCODES or tuples > MOST_TUPLES:
            raise ValueError(f"it has more than {MOST_OPCODES} opcodes or {MOST_TUPLES} tuples")
