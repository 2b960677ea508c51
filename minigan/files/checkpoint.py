"""Checkpoints: one safetensors file that says what it is and can tell when a bit of it has changed.

The header has one metadata key, `minigan`: JSON with sorted keys, among them a SHA-256 over the whole file with the
digest's own 64 characters as '0'.  Two runs of one seed leave identical files.  No pickle anywhere.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse
from safetensors.numpy import save as serialise

from minigan.backends import Array, Ops
from minigan.data.describe import is_description
from minigan.errors import CheckpointError, OtherNumerics, PassedOver, is_web_page, one_line, shortened
from minigan.files.whole_file import replace_file

FORMAT = 1
NUMBERED = re.compile(r"iteration-([0-9]+)\.safetensors")
Kind = tuple[tuple[int, ...], np.dtype[np.generic]]
"""the shape and the dtype of a tensor"""
UNSIGNED = "0" * 64
DIGEST = re.compile(rb'\\"digest\\": \\"([0-9a-f]{64})\\"')


def write(path: Path, tensors: dict[str, np.ndarray], header: dict[str, Any]) -> None:
    """Write a checkpoint so that `path` holds either all of it or what was there before.

    tensors  {"generator.0.W": (I, O) array, ...}
    header   what else to know, as JSON

    Raises CheckpointError for a dtype that safetensors does not hold, OSError where the disk refuses; nothing
    half-written is left under any name.
    """
    try:
        parts = encoded(tensors, header)
    except SafetensorError as error:
        raise CheckpointError(f"{path}: cannot be written ({one_line(error)})") from None
    replace_file(path, *parts)


def encoded(tensors: dict[str, np.ndarray], header: dict[str, Any]) -> tuple[bytes | memoryview, ...]:
    """The bytes of a checkpoint, in parts.  Raises SafetensorError for a dtype that safetensors does not hold."""
    text = json.dumps(header | {"format": FORMAT, "digest": UNSIGNED}, sort_keys=True, default=np.generic.item)
    ordered = {name: in_order(tensor) for name, tensor in sorted(tensors.items())}
    data = memoryview(serialise(ordered, metadata={"minigan": text}))
    start, end = DIGEST.search(data).span(1)  # type: ignore[union-attr]  # UNSIGNED is in it
    return data[:start], hashlib.sha256(data).hexdigest().encode(), data[end:]


def in_order(tensor: np.ndarray) -> np.ndarray:
    """The same numbers in C order and this machine's bytes: safetensors writes memory as it lies."""
    tensor = np.asarray(tensor)
    return tensor.astype(tensor.dtype.newbyteorder("="), order="C", copy=False)


@dataclass(frozen=True)
class Snapshot:
    """A checkpoint yet to be written, in any thread, while its GAN may go on.

    tensors  a call that gives them, once
    header   as `write` takes it
    """

    tensors: Callable[[], dict[str, np.ndarray]]
    header: dict[str, Any]

    def write(self, path: Path) -> None:
        """As `write`."""
        write(path, self.tensors(), self.header)

    def encoded(self) -> tuple[bytes | memoryview, ...]:
        """As `encoded`."""
        return encoded(self.tensors(), self.header)


class Header(dict[str, Any]):
    """A header of the file at `path`.  Raises CheckpointError, naming the file, for a missing key."""

    def __init__(self, values: dict[str, Any], path: Path):
        super().__init__(values)
        self.path = path

    def __missing__(self, key: str) -> NoReturn:
        raise CheckpointError(f"{self.path}: its header has no {key!r}, expected a checkpoint of minigan")


def _whole(value: Any, least: int, largest: int) -> bool:
    """Whether a value of a JSON text is a whole number from `least` to `largest`."""
    return type(value) is int and least <= value <= largest


HEADER_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "recipe": (lambda value: isinstance(value, dict), "options by name"),
    "generator": (lambda value: isinstance(value, str), "a description of layers"),
    "discriminator": (lambda value: isinstance(value, str), "a description of layers"),
    "iteration": (lambda value: _whole(value, 0, 2**32), "a whole number"),
    "iterations_per_epoch": (lambda value: _whole(value, 1, 2**32), "a whole number above 0"),
    "numerics": (lambda value: _whole(value, 1, 2**32), "a whole number above 0"),
    "data": (is_description, "a description of data"),
    "phases": (lambda value: isinstance(value, list) and all(isinstance(text, str) for text in value), "texts"),
}


def checked_header(values: dict[str, Any], path: Path) -> Header:
    """The header, whose known keys have values that can be.  Raises CheckpointError."""
    for key, (holds, expected) in HEADER_RULES.items():
        if key in values and not holds(values[key]):
            raise CheckpointError(f"{path}: its header's {key!r} is something else, expected {expected}")
    return Header(values, path)


def read(path: Path) -> tuple[dict[str, np.ndarray], Header]:
    """The tensors and the header of a checkpoint.

    Raises CheckpointError, naming the file and the reason, unless every bit is as it was written.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise CheckpointError(f"{str(path)!r}: {error}, expected the path of a file") from None
    if DIGEST.search(data) is None and is_web_page(path):
        raise CheckpointError(f"{path}: a web page (HTML), expected a safetensors file")
    return decoded(data, path)


def decoded(data: bytes, path: Path) -> tuple[dict[str, np.ndarray], Header]:
    """The tensors and the header in a checkpoint's bytes; `path` is what errors name.

    Raises CheckpointError unless every bit is as it was written.
    """
    signature = DIGEST.search(data)
    if signature is None:
        raise CheckpointError(f"{path}: no minigan checkpoint (expected a safetensors file with a `minigan` header)")
    start, end = signature.span(1)
    unsigned = hashlib.sha256()
    for part in (memoryview(data)[:start], UNSIGNED.encode(), memoryview(data)[end:]):
        unsigned.update(part)
    if unsigned.hexdigest().encode() != signature.group(1):
        raise CheckpointError(f"{path}: damaged: its content does not match its SHA-256")
    try:
        tensors = parse(data)
        length = int.from_bytes(data[:8], "little")
        header = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["minigan"])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path}: no safetensors file ({one_line(error)})") from None
    if not isinstance(header, dict):
        raise CheckpointError(f"{path}: no minigan checkpoint (its header is no JSON object)")
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path}: format {header.get('format')}, expected {FORMAT}")
    return tensors, checked_header(header, path)


def number(path: Path) -> int:
    """The iteration in a checkpoint's name; -1 where it has none, as best.safetensors."""
    named = NUMBERED.fullmatch(path.name)
    return int(named[1]) if named else -1


def numbered(folder: Path) -> list[Path]:
    """The checkpoints of iterations in a folder, the oldest first."""
    return sorted((path for path in folder.glob("iteration-*") if number(path) >= 0), key=number)


def newest(folder: Path) -> tuple[Path, dict[str, np.ndarray], Header]:
    """The newest checkpoint in a folder that verifies.

    Warns, PassedOver, of newer ones that do not.  Raises CheckpointError if none does.
    """
    reasons = []
    for path in reversed(numbered(folder)):
        try:
            found = read(path)
        except CheckpointError as error:
            reasons.append(str(error))
            continue
        for reason in reasons:
            warnings.warn(f"{reason}; {path.name} is taken instead", PassedOver, stacklevel=2)
        return path, *found
    raise CheckpointError("; ".join(reasons) or f"{folder}: no checkpoint (iteration-*.safetensors) there")


def find(path: Path) -> tuple[Path, dict[str, np.ndarray], Header]:
    """A checkpoint file, or the newest one of a run's folder.  Raises CheckpointError."""
    return newest(path / "checkpoints") if path.is_dir() else (path, *read(path))


def check_tensors(expected: Mapping[str, Kind], tensors: dict[str, np.ndarray], path: Path) -> None:
    """Raise CheckpointError unless a file's tensors have these names, {name: (shape, dtype)}, or half precision."""
    if expected.keys() != tensors.keys():
        odd = sorted(expected.keys() ^ tensors.keys())
        raise CheckpointError(f"{path}: another network or optimiser: {shortened(odd[0])} is in one and not the other")
    for name, (shape, dtype) in expected.items():
        found = tensors[name]
        if found.shape != shape or found.dtype not in (dtype, np.float16):
            raise CheckpointError(f"{path}: {name} is {found.dtype} {found.shape}, expected {dtype} {shape}")


def check_numerics(ops: Ops, header: dict[str, Any], path: Path) -> None:
    """Warn, OtherNumerics, of a checkpoint that a version left whose kernels of the same backend rounded otherwise."""
    made = header.get("numerics", 1)
    if header.get("backend") == ops.name and made != ops.numerics:
        parted = f"{ops.name} rounds otherwise now (numerics {ops.numerics}, then {made})"
        warnings.warn(f"{path}: {parted}: what goes on differs in its last bits", OtherNumerics, stacklevel=4)


def fill(ops: Ops, views: dict[str, Array], tensors: dict[str, np.ndarray], path: Path) -> None:
    """Copy a file's tensors into the views of the same names; half precision is widened.

    Raises CheckpointError, before anything is written, where names, shapes or dtypes do not fit.
    """
    check_tensors({name: (view.shape, view.dtype) for name, view in views.items()}, tensors, path)
    for name, view in views.items():
        ops.copy(ops.asarray(tensors[name], view.dtype), out=view)
