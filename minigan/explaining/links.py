"""The layers of a pass as links in float64, each of which can be walked by some of the rows alone.

No layer lets one row look at another, or backward over some rows (G's, of a joint step) would not be those of backward.

Dropout's masks and the labels are those of the iteration.  A merged stage is taken apart: xW + b is one link and what
is done to it another, so that the derivative by what lies between has a place too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, cast

import numpy as np

from minigan.backends import get
from minigan.explaining.recording import Seen
from minigan.layers import Dropout, Linear, Maxout
from minigan.layers.fused import LinearActivation, MaxoutDropout, as_written
from minigan.layers.layer import Layer, LayerParams, LayerTape, Targets
from minigan.layers.sequential import STARTS
from minigan.rng import Draw

OPS = get("numpy")
Sides = list[np.ndarray]
"""on which side of its kinks a link was, row by row: [y > 0] of a relu, the winner of a maxout"""


class Link(ABC):
    """y (n, O) of x (n, I), rows that have these numbers in the minibatch; and dx of dy, of all rows."""

    name = ""
    parameters: dict[str, np.ndarray] = {}

    @abstractmethod
    def forward(self, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """y of these rows."""

    def onward(self, x: np.ndarray, rows: np.ndarray, x0: np.ndarray, y0: np.ndarray) -> np.ndarray:
        """`forward`, where it is known of x0, all rows, that it makes y0."""
        return self.forward(x, rows)

    def sides(self) -> Sides:
        """Of the last way through."""
        return []

    @abstractmethod
    def backward(self, dy: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """dx, and {letter: gradient}; the last forward was of all rows."""


class OfALayer(Link):
    """A layer by its own methods, on NumPy."""

    def __init__(self, name: str, layer: Layer, parameters: dict[str, np.ndarray], draw: Draw | None, width: int):
        self.name, self.layer, self.parameters, self.draw, self.width = name, layer, parameters, draw, width

    def forward(self, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return self._with(self.parameters, x, rows)

    def moved(self, x: np.ndarray, y: np.ndarray, letter: str, index: tuple[int, ...], by: float) -> np.ndarray:
        """y of all rows with one entry of a parameter moved; y is what it makes as it is."""
        parameter = self.parameters[letter].copy()
        parameter[index] += by
        return self._with(self.parameters | {letter: parameter}, x, np.arange(len(x)))

    def _with(self, parameters: dict[str, np.ndarray], x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        memory = self.layer.memory(self.width)
        buffers = {name: np.empty((len(x), columns), kind or np.float64) for name, (columns, kind) in memory.items()}
        draw = None if self.draw is None else replace(self.draw, rows=self.draw.rows[rows])
        self.tape = LayerTape(**{"x": None, **buffers, "draw": draw})
        y = np.asarray(self.layer.forward(OPS, LayerParams(**parameters), x, self.tape), np.float64)
        if y is not self.tape.y and y is not x:
            OPS.copy(y, out=self.tape.y)
        return y

    def sides(self) -> Sides:
        arrays = [getattr(self.tape, name) for name in getattr(self.layer, "kinks", ())]
        return [array > 0 if array.dtype.kind == "f" else array for array in arrays]

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        grads = {letter: np.zeros_like(array) for letter, array in self.parameters.items()}
        targets = Targets(**grads, alpha=1.0, beta=0.0) if grads else None
        dx = self.layer.backward(OPS, LayerParams(**self.parameters), dy, self.tape, targets, True)
        return np.asarray(dx, np.float64), grads


class Affine(OfALayer):
    """y = x W + b.  A change of one weight moves one column, and a change of few columns goes through their weights."""

    def onward(self, x: np.ndarray, rows: np.ndarray, x0: np.ndarray, y0: np.ndarray) -> np.ndarray:
        """y0 + (x - x0) W, where few columns differ"""
        change = x - x0[rows]
        columns = np.flatnonzero(change.any(axis=0))
        if len(columns) > x.shape[1] // 4:
            return self.forward(x, rows)
        return y0[rows] + change[:, columns] @ self.parameters["W"][columns]

    def moved(self, x: np.ndarray, y: np.ndarray, letter: str, index: tuple[int, ...], by: float) -> np.ndarray:
        y, o = y.copy(), index[-1]
        W, b = self.parameters["W"][:, o].copy(), self.parameters["b"][o]
        if letter == "b":
            b = b + by
        else:
            W[index[0]] += by
        y[:, o] = x @ W + b
        return y


class Largest(Link):
    """y_ro = max_p z_(r, pO+o), the lowest of a tie: what maxout does to its pieces."""

    def __init__(self, name: str, pieces: int):
        self.name, self.pieces = name, pieces

    def forward(self, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        width = x.shape[1] // self.pieces
        y, self.winner = np.empty((len(x), width)), np.empty((len(x), width), np.int8)
        OPS.maxout(x.copy(), np.zeros(x.shape[1]), 1.0, None, y, self.winner)
        return y

    def sides(self) -> Sides:
        return [self.winner]

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return np.asarray(OPS.maxout_backward(dy, self.winner, 1.0, np.empty((len(dy), dy.shape[1] * self.pieces)))), {}


class Held(Link):
    """y = x r / keep with the r of the iteration, which no x decides."""

    def __init__(self, name: str, kept: np.ndarray, keep: float):
        self.name, self.factor = name, kept / keep

    def forward(self, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return cast(np.ndarray, x * self.factor[rows])

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return dy * self.factor, {}


class Told(Link):
    """[x; y]: the labels beside what G made."""

    name = "the labels beside G(z)"

    def __init__(self, labels: np.ndarray):
        self.labels = labels.astype(np.float64)

    def forward(self, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.concatenate([x, self.labels[rows]], axis=1)

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return np.ascontiguousarray(dy[:, : dy.shape[1] - self.labels.shape[1]]), {}


def links_of(name: str, layer: Any, seen: Seen) -> list[Link]:
    """One stage by what was seen of its way up."""
    arrays, draw, width = seen.arrays, seen.draw, seen.arrays["x"].shape[1]
    p = {letter: array.astype(np.float64) for letter, array in arrays.items() if letter in STARTS}
    if isinstance(layer, LinearActivation):
        after = OfALayer(name, layer.activation, {}, draw, layer.linear.n_out)
        return [Affine(name, layer.linear, p, draw, width), after]
    if isinstance(layer, MaxoutDropout):
        kept = Held(name, arrays["winner"] >= 0, layer.keep if draw is not None else 1.0)
        return [*pieces_of(name, layer.maxout, p, width), kept]
    if isinstance(layer, Maxout) and as_written(layer):
        return pieces_of(name, layer, p, width)
    if isinstance(layer, Dropout) and as_written(layer):
        dropping = draw is not None and layer.keep < 1
        return [Held(name, arrays["kept"] if dropping else np.ones_like(arrays["x"]), layer.keep if dropping else 1.0)]
    made = Affine if isinstance(layer, Linear) and as_written(layer) else OfALayer
    return [made(name, layer, p, draw, width)]


def pieces_of(name: str, maxout: Maxout, p: dict[str, np.ndarray], width: int) -> list[Link]:
    """A maxout taken apart."""
    affine = Linear(maxout.n_in, maxout.pieces * maxout.n_out)
    return [Affine(name, affine, p, None, width), Largest(name, maxout.pieces)]
