"""Arrays over a pipe, in nothing that could run code: a length, JSON that says what there is, and the arrays' bytes.

A tree is an array, a number, None, a text, or a list of trees.
"""

from __future__ import annotations

import json
import struct
from math import prod
from typing import Any

import numpy as np

KINDS = "biuf"
"""of dtypes: True and False, whole numbers, floats"""
LENGTHS = struct.Struct(">II")
"""of the JSON and of the bytes after it"""


def packed(tree: Any) -> bytes:
    """Raises TypeError for what is no tree, and names it."""
    buffers: list[bytes] = []
    text = json.dumps(_told(tree, buffers)).encode()
    body = b"".join(buffers)
    return LENGTHS.pack(len(text), len(body)) + text + body


def _told(tree: Any, buffers: list[bytes]) -> Any:
    if isinstance(tree, np.ndarray | np.generic) and tree.dtype.kind in KINDS:
        array = np.asarray(tree)
        buffers.append(array.tobytes())
        return {"dtype": array.dtype.str, "shape": array.shape}
    if isinstance(tree, list | tuple):
        return [_told(part, buffers) for part in tree]
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    what = f"an array of {tree.dtype}" if isinstance(tree, np.ndarray) else f"a {type(tree).__name__}"
    raise TypeError(f"{what}, expected arrays of numbers")


def unpacked(text: bytes, body: bytes) -> Any:
    """The tree of both parts.  Raises ValueError for anything that `packed` does not write."""
    start = 0

    def read(told: Any, depth: int) -> Any:
        nonlocal start
        if depth > 10:
            raise ValueError("lists within lists")
        if isinstance(told, list):
            return [read(part, depth + 1) for part in told]
        if not isinstance(told, dict):
            return told
        dtype, shape = np.dtype(str(told["dtype"])), tuple(map(int, told["shape"]))
        end = start + dtype.itemsize * prod(shape)
        if dtype.kind not in KINDS or min(shape, default=0) < 0 or end > len(body):
            raise ValueError("no such array")
        array = np.frombuffer(body[start:end], dtype).reshape(shape)
        start = end
        return array

    try:
        return read(json.loads(text), 0)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"no frame: {error}") from None
