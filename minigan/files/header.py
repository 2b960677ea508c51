"""What a checkpoint's header says of its network, its recipe and its data: whether that can be so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minigan.data.describe import is_description
from minigan.errors import CheckpointError


class Header(dict):
    """A header of the file at `path`.  Raises CheckpointError, naming the file, for a key that it has not."""

    def __init__(self, values: dict, path: Path):
        super().__init__(values)
        self.path = path

    def __missing__(self, key: str):
        raise CheckpointError(f"{self.path}: its header has no {key!r}, expected a checkpoint of minigan")


def whole(value: Any, least: int, largest: int) -> bool:
    """Whether a value of a JSON text is a whole number from `least` to `largest`."""
    return type(value) is int and least <= value <= largest


RULES = {
    "recipe": (lambda value: isinstance(value, dict), "options by name"),
    "generator": (lambda value: isinstance(value, str), "a description of layers"),
    "discriminator": (lambda value: isinstance(value, str), "a description of layers"),
    "iteration": (lambda value: whole(value, 0, 2**32), "a whole number"),
    "iterations_per_epoch": (lambda value: whole(value, 1, 2**32), "a whole number above 0"),
    "data": (is_description, "a description of data"),
}


def checked(values: dict, path: Path) -> Header:
    """The header, whose known keys have values that can be.  Raises CheckpointError."""
    for key, (holds, expected) in RULES.items():
        if key in values and not holds(values[key]):
            raise CheckpointError(f"{path}: its header's {key!r} is something else, expected {expected}")
    return Header(values, path)
