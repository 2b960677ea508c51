"""A batch of CIFAR-10's Python version: a pickled dictionary, read without calling anything that the pickle names.

A pickle is a program, and may call any function that it names.  These name a few things of NumPy's to make one array of
them, by the names of its version 1 or 2; here each stands for an object that keeps what it is given and does nothing.
Below protocol 3 Python 3 also names a function that makes bytes of a text; any other name is refused.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from minigan.errors import DataError, shortened

NUMPY_NAMES = (
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    *(
        (f"numpy.{core}.{module}", name)
        for core in ("core", "_core")
        for module, name in (("multiarray", "_reconstruct"), ("numeric", "_frombuffer"))
    ),
)
PIXELS, CLASSES = 3072, 10
# A batch of 10,000 images takes about 40,000 opcodes, ten of them for tuples; below protocol 3 up to 120,000, and a
# tuple for each file name.
MOST_OPCODES, MOST_TUPLES = 1 << 17, 1 << 14


class Inert:
    """Stands for a NumPy array or dtype: the arguments that would make it, and the state that it would be given."""

    state: object = None

    def __init__(self, *arguments: object):
        self.arguments = arguments

    def __setstate__(self, state: object) -> None:
        self.state = state


class InertUnpickler(pickle.Unpickler):
    """Makes an `Inert` of each of `NUMPY_NAMES`, reads bytes kept as texts, and refuses all other names."""

    def find_class(self, module: str, name: str) -> Callable[..., object]:
        if (module, name) == ("_codecs", "encode"):
            return encoded
        if (module, name) not in NUMPY_NAMES:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return Inert


def encoded(text: str, encoding: str) -> bytes:
    """Bytes that a pickle below protocol 3 keeps as a text of the characters 0 to 255."""
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError(f"it asks for bytes by {shortened(repr(encoding))}")
    return text.encode("latin1")


def unpickle_planes(content: bytes | bytearray, path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of a pickled batch, "data" in its dictionary: (n, 3072) uint8, red before green before blue; and its
    "labels" (n,) uint8, or (0,) where it has no such list of numbers from 0 to 9.

    Raises DataError for a pickle of another kind, and what `pickle` and `pickletools` raise for one that is broken.
    """
    check_promises(content)
    batch = InertUnpickler(io.BytesIO(content), encoding="bytes").load()
    array = batch.get(b"data", batch.get("data")) if isinstance(batch, dict) else None
    match array:
        # NumPy's state of an array: version, shape, dtype, whether columns come first, and the bytes.
        case Inert(state=(_, (int(n), int(width)), Inert(arguments=(b"u1" | "u1", *_)), fortran_order, bytes(pixels))):
            order = "F" if fortran_order else "C"
        # Protocol 5: the arguments that rebuild the array: the bytes, dtype, shape, order.
        case Inert(
            arguments=(bytes() | bytearray() as pixels, Inert(arguments=("u1", *_)), (int(n), int(width)), order)
        ):
            pass
        case _:
            n, width, pixels, order = 0, 0, b"", "C"
    if width == PIXELS and len(pixels) == n * width > 0 and order in ("C", "F"):
        planes = np.frombuffer(pixels, np.uint8).reshape((n, width), order="F" if order == "F" else "C")
        labels = batch.get(b"labels", batch.get("labels"))
        known = isinstance(labels, list) and len(labels) == n and all(label in range(CLASSES) for label in labels)
        return planes, np.array(labels if known else [], np.uint8)
    raise DataError(f"{path}: another pickle, expected a dictionary with b'data', (n, {PIXELS}) of dtype uint8")


def check_promises(content: bytes | bytearray) -> None:
    """Raise ValueError for a pickle that would take far more memory than its own length.

    An opcode of one byte can make an object of 200, and tuples that are nested deep enough crash Python, which
    compares and hashes them without counting how deep it is.
    """
    tuples = 0
    for number, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and (argument or 0) > len(content):
            raise ValueError(f"it numbers an object {argument}, in {len(content)} bytes")
        tuples += opcode.name.startswith("TUPLE")
        if number >= MOST_OPCODES or tuples > MOST_TUPLES:
            raise ValueError(f"it has more than {MOST_OPCODES} opcodes or {MOST_TUPLES} tuples")
