"""The iteration's losses in float64, as functions of any entry of any array on the way to them.

    df/dq_i  ~  (f(q + h e_i) - f(q - h e_i)) / 2h

with the h of `minigan.checks.finite_differences`, and a hundred times that where no entry of dq reaches 1e-5, as with
the initial weights of the paper's D: float64 would have no digits left.  What lies before q does not change, so the
pass begins at q; and only rows that have changed go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minigan.checks.finite_differences import H
from minigan.explaining.links import OPS, Largest, Link, OfALayer, Sides, Told, links_of
from minigan.explaining.names import DISCRIMINATOR, GENERATOR, stage_name
from minigan.explaining.recording import Move, Recorded
from minigan.game.losses import AgainstTargets, slopes
from minigan.layers.activations import Activation
from minigan.options.recipe import Loss

SMALL, LONG_STEP = 1e-5, 100 * H
ROUNDED = 8 * np.finfo(np.float64).eps
"""of l, by its layers' sums"""
Index = tuple[int, ...]


@dataclass(frozen=True)
class Difference:
    """A central difference.

    h         its step
    rounding  by about how much that of l, and of a loss of your own, moves it
    crossed   the kink that the step crosses, in words; None where it crosses none
    """

    value: float
    h: float
    rounding: float
    crossed: str | None


def step_of(gradient: np.ndarray) -> float:
    """The h for its entries."""
    return H if np.abs(gradient).max(initial=0) >= SMALL else LONG_STEP


class Objective:
    """w L_D by l (2m, 1), or L_G by l (m, 1).

    The differences of minigan's losses are summed row by row, in NumPy's longdouble: where a weight moves the loss in
    its tenth digit, float64 has six left for the derivative, and what did not change should leave no rounding at all.
    """

    def __init__(self, loss: Loss, player: str, weight: float, m: int):
        self.loss, self.player, self.weight, self.m = loss, player, weight, m
        kind = type(loss)
        self.by_rows = isinstance(loss, AgainstTargets) and (kind.d_loss, kind.g_loss) == (
            AgainstTargets.d_loss,
            AgainstTargets.g_loss,
        )

    def derivative(self, l: np.ndarray) -> np.ndarray:
        """dL/dl"""
        weight = [self.weight] if self.player == "d" else []
        return np.asarray(slopes(self.loss, self.player, OPS, l, *weight, out=np.empty_like(l)))

    def change(self, l: np.ndarray, rows: np.ndarray, above: np.ndarray, below: np.ndarray) -> float:
        """L where these rows of l are `above`, less L where they are `below`."""
        if self.by_rows:
            return float((self._terms(above[:, 0], rows) - self._terms(below[:, 0], rows)).sum())
        values = []
        for changed in (above, below):
            moved = l.copy()
            moved[rows] = changed
            values.append(self._value(moved))
        return values[0] - values[1]

    def rounding(self, l: np.ndarray) -> float:
        """By about how much a difference is rounded that is not summed row by row."""
        return 0.0 if self.by_rows else ROUNDED * abs(self._value(l))

    def _terms(self, l: np.ndarray, rows: np.ndarray) -> np.ndarray:
        loss, l = self.loss, l.astype(np.longdouble)
        assert isinstance(loss, AgainstTargets)
        if self.player == "g":
            return loss.sign / self.m * loss.h(loss.target, l)
        return self.weight / self.m * np.where(rows < self.m, loss.h(1, l), loss.h(0, l))

    def _value(self, l: np.ndarray) -> float:
        if self.player == "g":
            return float(self.loss.g_loss(l))
        return self.weight * float(self.loss.d_loss(l[: self.m], l[self.m :]))


class Chain:
    """From the input of a network up to the loss.

    links  in order; `starts` says at which one a stage begins
    x      the input of each link, and last of all l
    dx     the derivative of the loss by each of them, by the layers' own backward; `grads` by each link's parameters
    """

    def __init__(self, stages: dict[tuple[str, int], list[Link]], objective: Objective, x: np.ndarray):
        self.links: list[Link] = []
        self.starts: dict[tuple[str, int], int] = {}
        for key, stage in stages.items():
            self.starts[key] = len(self.links)
            self.links += stage
        self.objective, self.rows = objective, np.arange(len(x))
        self.x = [x.astype(np.float64)]
        for link in self.links:
            self.x.append(link.forward(self.x[-1], self.rows))
        self.dx = [objective.derivative(self.x[-1])]
        self.grads: list[dict[str, np.ndarray]] = []
        for link in reversed(self.links):
            dx, grads = link.backward(self.dx[0])
            self.dx.insert(0, dx)
            self.grads.insert(0, grads)

    def by_input(self, number: int, indices: Sequence[Index]) -> list[Difference]:
        """The differences by entries of x[number]: all of them in one pass, a row each."""
        h, rows = step_of(self.dx[number]), np.array([index[0] for index in indices])
        above, below = self.x[number][rows], self.x[number][rows]
        for i, index in enumerate(indices):
            above[i, index[1]] += h
            below[i, index[1]] -= h
        l, crossed = self._from(number, above, below, rows)
        n = len(rows)
        return [self._difference(l[i : i + 1], l[n + i : n + i + 1], rows[i : i + 1], h, crossed[i]) for i in range(n)]

    def by_parameter(self, number: int, letter: str, indices: Sequence[Index]) -> list[Difference]:
        """The differences by entries of a parameter of link `number`."""
        h = step_of(self.grads[number][letter])
        return [self._by_parameter(number, letter, index, h) for index in indices]

    def _by_parameter(self, number: int, letter: str, index: Index, h: float) -> Difference:
        link, x, y = self.links[number], self.x[number], self.x[number + 1]
        assert isinstance(link, OfALayer)
        found, sides = list[np.ndarray](), list[Sides]()
        for by in (h, -h):
            found.append(link.moved(x, y, letter, index, by))
            sides.append(link.sides())
        rows = np.flatnonzero((found[0] != found[1]).any(axis=1))
        if not len(rows):
            return Difference(0.0, h, 0.0, None)
        l, later = self._from(number + 1, found[0][rows], found[1][rows], rows)
        crossed = next(filter(None, [*crossings(link, sides[0], sides[1], self.rows), *later]), None)
        return self._difference(l[: len(rows)], l[len(rows) :], rows, h, crossed)

    def margins(self, number: int) -> np.ndarray | None:
        """How far each entry of x[number] is from the kink of the link that takes it; None where that has no kink."""
        link, x = self.links[number], self.x[number]
        if isinstance(link, Largest) and link.pieces > 1:
            pieces = x.reshape(len(x), link.pieces, -1)
            ranked = np.sort(pieces, axis=1)
            second, first = ranked[:, -2:-1], ranked[:, -1:]
            return np.asarray(np.where(pieces == first, first - second, first - pieces).reshape(x.shape))
        kinked = isinstance(link, OfALayer) and isinstance(link.layer, Activation) and link.layer.kinks
        return np.abs(x) if kinked else None

    def _from(
        self, number: int, above: np.ndarray, below: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, list[str | None]]:
        """l of both, above first; and for each row the first kink that lies between them."""
        n, crossed = len(rows), list[str | None]([None] * len(rows))
        x, both = np.concatenate([above, below]), np.concatenate([rows, rows])
        for i, link in enumerate(self.links[number:], number):
            x = link.onward(x, both, self.x[i], self.x[i + 1])
            sides = link.sides()
            found = crossings(link, [side[:n] for side in sides], [side[n:] for side in sides], rows)
            crossed = [before or now for before, now in zip(crossed, found)]
        return x, crossed

    def _difference(
        self, above: np.ndarray, below: np.ndarray, rows: np.ndarray, h: float, crossed: str | None
    ) -> Difference:
        """Of the loss where these rows of l are `above` and `below`."""
        change = self.objective.change(self.x[-1], rows, above, below)
        rounding = ROUNDED * float(np.abs(self.x[-1][rows] * self.dx[-1][rows]).sum())
        return Difference(change / (2 * h), h, (rounding + self.objective.rounding(self.x[-1])) / (2 * h), crossed)


def crossings(link: Link, above: Sides, below: Sides, rows: np.ndarray) -> list[str | None]:
    """For each row the first unit of a link that is on two sides, in words; None where there is none."""
    found: list[str | None] = [None] * len(rows)
    for one, other in zip(above, below):
        for r in np.flatnonzero((one != other).any(axis=1)):
            unit = int(np.flatnonzero(one[r] != other[r])[0])
            found[r] = found[r] or f"unit {unit} of {link.name} in row {rows[r]}"
    return found


def chain_of(game: Recorded, move: Move, player: str) -> Chain:
    """From D's input to D's loss, "d", or from G's to G's, "g"."""
    stages = stages_of(game, move, GENERATOR, player) if player == "g" else {}
    if player == "g" and move.labels is not None:
        stages["labels", 0] = [Told(move.labels)]
    stages |= stages_of(game, move, DISCRIMINATOR, player)
    first = move.up(GENERATOR if player == "g" else DISCRIMINATOR, player)[0]
    return Chain(stages, Objective(game.loss, player, game.d_weight, game.m), first.arrays["x"])


def stages_of(game: Recorded, move: Move, role: str, player: str) -> dict[tuple[str, int], list[Link]]:
    """The stages of a player's pass for a loss."""
    network, up = game.networks[role], move.up(role, player)
    return {
        (role, i): links_of(stage_name(network, role, i), stage.layer, up[i]) for i, stage in enumerate(network.stages)
    }
