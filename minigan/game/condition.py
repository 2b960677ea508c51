"""Conditional G and D (Mirza and Osindero 2014): both are told the class of each row.

    min_G max_D   E_(x, y) [log D(x | y)] + E_z,y [log(1 - D(G(z | y) | y))]

y is one-hot, (B, C); G's input is [z; y], D's [x; y].  The second y is that of the first: each fake has the label of
its row of data.  So both expectations are over the same labels, and D cannot tell real from fake by how often a label
comes up; nor is there a p(y) to be estimated.  A step of G alone uses those of D's step before it.
"""

from __future__ import annotations

from typing import Protocol

from numpy.typing import DTypeLike

from minigan.backends import Array, Ops
from minigan.backends.clock import Count
from minigan.layers import Sequential
from minigan.options.recipe import Recipe
from minigan.rng import Draw


class Labelled(Protocol):
    """Where y comes from (`minigan.data`)."""

    def labels(self, draw: Draw, count: Count, out: Array) -> Array:
        """Fill out (m, C) with the labels, one-hot, of minibatch number `count`."""


class Unconditional:
    """Nobody is told anything: G's input is z, D's x."""

    def draw_y(self, data: object, draw: Draw, count: Count) -> None:
        """There are no labels."""

    def tell(self, y: Array) -> None:
        """y (m, C) of rows that are given, with no draw."""

    def for_g(self, z: Array) -> Array:
        """z (m, latent)"""
        return z

    def for_d(self, rows: Array) -> Array:
        """x above G(z), or G(z) alone: (2m, n) or (m, n)"""
        return rows

    def of_fakes(self, dinput: Array) -> Array:
        """The derivative by G(z): (m, n)"""
        return dinput


class Condition(Unconditional):
    """Both players are told y.

    y       (2m, C) one-hot: the labels of the minibatch, and once more for the fakes
    for_g   [z; y] (m, latent + C)          for_d  [x; y] above [G(z|y); y] (2m, n + C), or the latter alone (m, n + C)
    """

    def __init__(self, ops: Ops, m: int, latent: int, n: int, classes: int, dtype: DTypeLike):
        self.ops, self.m = ops, m
        self.y = ops.empty((2 * m, classes), dtype)
        self.input_g = ops.empty((m, latent + classes), dtype)
        self.input_d = ops.empty((2 * m, n + classes), dtype)
        self.dfake = ops.empty((m, n), dtype)

    def draw_y(self, data: Labelled, draw: Draw, count: Count) -> None:  # type: ignore[override]  # see `Labelled`
        for half in (self.y[: self.m], self.y[self.m :]):
            data.labels(draw, count, out=half)

    def tell(self, y: Array) -> None:
        for half in (self.y[: self.m], self.y[self.m :]):
            self.ops.copy(y, out=half)

    def for_g(self, z: Array) -> Array:
        return self.ops.beside(z, self.y[self.m :], out=self.input_g)

    def for_d(self, rows: Array) -> Array:
        above = 2 * self.m - len(rows)
        return self.ops.beside(rows, self.y[above:], out=self.input_d[above:])

    def of_fakes(self, dinput: Array) -> Array:
        """dG(z|y) (m, n) of d[G(z|y); y] (m, n + C): no weight decides y."""
        return self.ops.leading(dinput, out=self.dfake)


def condition_of(ops: Ops, m: int, latent: int, n: int, classes: int, dtype: DTypeLike) -> Unconditional:
    """What both players are told where there are so many classes; nothing where there are none."""
    return Condition(ops, m, latent, n, classes, dtype) if classes else Unconditional()


def classes_in(generator: Sequential, recipe: Recipe) -> int:
    """C, the inputs that G has for y; 0 where nobody is told anything."""
    return generator.n_in - recipe.latent if recipe.condition else 0
