"""The parts of the graph: nodes that compute something, and the arrays that they take and make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from minigan.explaining.formulas import code
from minigan.explaining.pictures import Pixels
from minigan.explaining.sums import Sum

Index = tuple[int, ...]


def finite(told: Any) -> Any:
    """The same, None for each number that is not finite: JSON has none of those."""
    if isinstance(told, dict):
        return {name: finite(value) for name, value in told.items()}
    if isinstance(told, (list, tuple)):
        return [finite(value) for value in told]
    return None if isinstance(told, float) and not isfinite(told) else told


@dataclass(frozen=True)
class Gradient:
    """Where a gradient lies among the links of a loss (`minigan.explaining.chain`), and how an entry is written out.

    move, player  the loss: "g" or "d" of which move
    stage         (role, number of the stage)
    what          "x": by the stage's input; "z": by what lies between xW + b and what is done to it; "l": by the
                  logits; else the letter of a parameter
    """

    move: int
    player: str
    stage: tuple[str, int]
    what: str
    written: Callable[[Index], Sum | None]


@dataclass(frozen=True)
class Tensor:
    """An array with its place: `name` is "node/letter", `letter` as KaTeX reads it; the rest as `pictures.picture`."""

    name: str
    letter: str
    array: np.ndarray
    says: str
    pixels: Pixels = None
    bright: bool = False
    at: np.ndarray | None = None
    gradient: Gradient | None = None


@dataclass
class Node:
    """Something that is computed.

    move, lane, column  where it stands: in which move; "data", "up", "d", "g" or "update"; below which layer
    by                  who computes it, in words
    code                the methods that do
    reads               the nodes whose arrays it takes
    facts               numbers beside the arrays: [(what, value), ...]
    """

    id: str
    move: int
    lane: str
    column: int
    title: str
    label: str
    says: str
    formulas: list[str] = field(default_factory=list)
    by: str = ""
    code: list[Callable[..., Any]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    facts: list[tuple[str, float]] = field(default_factory=list)

    def add(self, letter: str, array: np.ndarray, says: str, key: str = "", **more: Any) -> None:
        """An array of this node's."""
        self.tensors.append(Tensor(f"{self.id}/{key or letter}", letter, array, says, **more))

    def to_json(self, read_by: list[str]) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in ("id", "move", "lane", "column", "title", "label", "says", "by")}
        return told | {
            "formulas": self.formulas,
            "code": [code(function)["where"] for function in self.code],
            "reads": self.reads,
            "read_by": read_by,
            "tensors": [tensor.name for tensor in self.tensors],
            "facts": finite(self.facts),
        }
