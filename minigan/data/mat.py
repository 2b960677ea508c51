"""MATLAB's files of version 5, which `save -v6` and `save -v7` write: the numeric arrays in them.

    header    128 bytes: a text; at 124 the version, 0x0100; at 126 "IM" where the lowest byte comes first, else "MI"
    element   type and length (uint32 each), the content, zeros up to a multiple of 8 bytes; or, for a content of up to
              4 bytes, type and length in one uint32, length 2^16 + type, and the content in the next 4 bytes
    matrix    an element of type 14 whose content is elements: flags, of which the lowest byte is the class; the sizes
              (int32); the name; the values by columns, in the class's type or in a smaller one
    packed    an element of type 15 whose content is another one, in zlib's format; no zeros follow it

It is read here and not by scipy.io.loadmat, which believes a damaged file and can crash Python.
"""

from __future__ import annotations

import os
import struct
import zlib
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from minigan.data.reading import CHUNK
from minigan.errors import DataError

MATRIX, PACKED = 14, 15
HEADS = {"flags": 6, "sizes": 5, "name": 1}
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
LOGICAL, COMPLEX = 0x0200, 0x0800


def read_mat(path: str | Path, wanted: tuple[str, ...]) -> dict[str, np.ndarray | None]:
    """The variables of a file by name: an array for those wanted, None for the others.

    Grows with what is there, so a false promise allocates nothing.  Raises DataError for another version, for a file
    that is truncated or contradicts itself, and for a wanted variable that is no array of real numbers.
    """
    variables = {}
    with open(path, "rb") as file:
        order, size = byte_order(file.read(128), path), os.fstat(file.fileno()).st_size
        while tag := file.read(8):
            if len(tag) < 8:
                raise DataError(f"{path}: truncated, {len(tag)} bytes at its end, expected 8 that begin a variable")
            kind, length = struct.unpack(order + "II", tag)
            end = file.tell() + length
            if end > size:
                raise DataError(f"{path}: truncated, {size} bytes, expected {end} or more as its headers say")
            if kind in (MATRIX, PACKED):
                stream = Content(file, length, kind == PACKED, path)
                if kind == PACKED:
                    kind_inside, length = struct.unpack(order + "II", stream.take(8))
                    if kind_inside != MATRIX:
                        raise DataError(f"{path}: a packed element that is no matrix, expected a variable")
                name, array = read_matrix(stream, order, wanted, path)
                if kind == PACKED and stream.given != 8 + length:
                    raise DataError(f"{path}: {stream.given} bytes in {name!r}, expected {8 + length} as its head says")
                variables[name] = array
            file.seek(end if kind == PACKED else end + -length % 8)
    return variables


def byte_order(header: bytes, path: str | Path) -> str:
    """ "<" or ">", as `struct` and NumPy call it."""
    order = {b"IM": "<", b"MI": ">"}.get(header[126:128])
    version = struct.unpack(order + "H", header[124:126])[0] if order else None
    if version == 0x0200:
        raise DataError(f"{path}: a MATLAB file of version 7.3 (HDF5), expected one saved with -v6 or -v7")
    # A file of version 4 has a zero among its first bytes.
    if order is None or version != 0x0100 or 0 in header[:4]:
        raise DataError(f"{path}: no MATLAB file of version 5, expected one saved with -v6 or -v7")
    return order


class Content:
    """The content of an element as a stream, unpacked where it is packed."""

    def __init__(self, file: BinaryIO, length: int, packed: bool, path: str | Path):
        self.file, self.left, self.path = file, length, path
        self.zlib, self.given = zlib.decompressobj() if packed else None, 0

    def read(self, n: int) -> bytes:
        """Up to n bytes, n > 0; none at the end."""
        if self.zlib is None:
            return self._stored(n)
        while not self.zlib.eof:
            packed = self.zlib.unconsumed_tail or self._stored(CHUNK)
            if not packed:
                raise DataError(f"{self.path}: truncated in a packed variable, expected more of it")
            if content := self.zlib.decompress(packed, n):
                self.given += len(content)
                return content
        return b""

    def _stored(self, n: int) -> bytes:
        content = self.file.read(min(n, self.left))
        self.left -= len(content)
        return content

    def take(self, n: int) -> bytearray:
        """Exactly n bytes."""
        content = bytearray()
        while len(content) < n:
            chunk = self.read(min(CHUNK, n - len(content)))
            if not chunk:
                raise DataError(f"{self.path}: {len(content)} bytes where a variable promises {n}, expected all")
            content += chunk
        return content

    def element(self, order: str) -> tuple[int, bytearray]:
        """The type and the content of the next element in it."""
        tag = self.take(8)
        kind, length = struct.unpack(order + "II", tag)
        if kind >> 16:
            return kind & 0xFFFF, tag[4 : 4 + (kind >> 16)]
        content = self.take(length)
        if length % 8:
            self.read(-length % 8)
        return kind, content


def read_matrix(
    stream: Content, order: str, wanted: tuple[str, ...], path: str | Path
) -> tuple[str, np.ndarray | None]:
    """The name of a variable and its array, (sizes) of its class's dtype; None for one that is not wanted."""
    heads = {}
    for part, expected in HEADS.items():
        kind, heads[part] = stream.element(order)
        if kind != expected:
            raise DataError(f"{path}: a variable whose {part} are of type {kind}, expected {expected}")
    flags = struct.unpack(order + "I", heads["flags"][:4])[0]
    shape = tuple(np.frombuffer(heads["sizes"], order + "i4").tolist())
    name = heads["name"].decode("latin1")
    if name not in wanted:
        while stream.zlib and stream.read(CHUNK):
            pass
        return name, None
    if flags & 0xFF not in CLASSES or flags & COMPLEX:
        raise DataError(f"{path}: {name!r} is of another class (flags 0x{flags:x}), expected an array of real numbers")
    kind, content = stream.element(order)
    # At the end of what is packed zlib compares its checksum.
    if stream.read(1):
        raise DataError(f"{path}: trailing data in {name!r}, expected its values to be the last")
    if kind not in TYPES or min(shape) < 0 or len(content) != prod(shape) * np.dtype(TYPES[kind]).itemsize:
        raise DataError(f"{path}: {len(content)} bytes of {name!r}, expected as many as its shape {shape} has")
    values = np.frombuffer(content, order + TYPES[kind]).reshape(shape, order="F")
    if flags & LOGICAL:
        return name, values.astype(bool)
    own = np.dtype(CLASSES[flags & 0xFF])
    if not np.can_cast(values.dtype, own):
        raise DataError(f"{path}: {name!r} holds {values.dtype} where its class is {own}, expected values that fit it")
    return name, values.astype(own, copy=False)
