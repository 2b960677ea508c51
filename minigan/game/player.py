"""A player of the minimax game: a network with its parameters and its optimiser."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Literal, overload

from numpy.typing import DTypeLike

from minigan.backends import Array, Ops
from minigan.backends.clock import Count
from minigan.distributed.ranks import ALONE, Ranks
from minigan.game.optim import Optimiser, Still
from minigan.layers import Sequential, Tape
from minigan.layers.initialisers import drawn
from minigan.layers.params import Params
from minigan.layers.sequential import STARTS
from minigan.rng import Draw, Stream

GENERATOR, DISCRIMINATOR = 0, 1


class Player:
    """G or D.

    network          the layers
    params           theta_g or theta_d
    optimiser        one of `minigan.game.optim`, made by `make_optimiser(params)`
    max_column_norm  the largest length of a column of any W, or None; applied after each update
    average          (horizon, eta) of the mean of the parameters that is kept (`Ops.average`), or None
    mean             that mean, or None
    ranks            the processes that each have a share of the rows, and so of the gradient
    watched          whether `optimiser.gradient_norm` will be asked for
    """

    def __init__(
        self,
        ops: Ops,
        network: Sequential,
        dtype: DTypeLike,
        make_optimiser: Callable[[Params], Optimiser],
        max_column_norm: float | None = None,
        average: tuple[int, float] | None = None,
        ranks: Ranks = ALONE,
    ):
        self.ops, self.network, self.max_column_norm = ops, network, max_column_norm
        self.params = Params(ops, network.shapes(), dtype)
        self.optimiser = make_optimiser(self.params)
        self.average = average
        self.mean = None if average is None else self.params.like()
        self.ranks, self.watched = ranks, False

    @property
    def settled(self) -> Params:
        """The parameters to draw from: their mean where one is kept."""
        return self.params if self.mean is None else self.mean

    def still(self) -> Player:
        """The same parameters, of which backward leaves the plain gradient and which `update` does not move."""
        player = copy(self)
        player.optimiser, player.ranks, player.watched = Still(self.params), ALONE, False
        player.max_column_norm = player.average = player.mean = None
        return player

    def initialise(self, seed: int, number: int) -> None:
        """Draw the initial parameters; `number` is GENERATOR or DISCRIMINATOR, which draw different numbers."""
        for i, layer in enumerate(self.network.layers):
            for letter, shape in layer.shapes().items():
                stream = Stream.INITIAL_WEIGHTS + 2 * i + (letter == "b")
                start, draw = getattr(layer, STARTS[letter]), Draw(seed, 0, number, stream, None)
                values = drawn(start, f"{type(layer).__name__}'s {letter}", shape, draw)
                self.ops.copy(self.ops.asarray(values, self.params.dtype), out=self.params[f"{i}.{letter}"])
        if self.mean is not None:
            self.ops.copy(self.params.flat, out=self.mean.flat)

    def forward(self, x: Array, tape: Tape) -> Array:
        """x (B, n_in) to y (B, n_out)"""
        return self.network.forward(self.ops, self.params, x, tape)

    @overload
    def backward(self, dy: Array, tape: Tape, learn: bool, need_dx: Literal[True]) -> Array: ...
    @overload
    def backward(self, dy: Array, tape: Tape, learn: bool, need_dx: bool) -> Array | None: ...
    def backward(self, dy: Array, tape: Tape, learn: bool, need_dx: bool) -> Array | None:
        """dy (B, n_out) to dx (B, n_in) or None; only a player that learns computes its weight gradients."""
        if learn and self.watched:
            self.optimiser.watch()
        grads = self.optimiser.grads if learn else None
        return self.network.backward(self.ops, self.params, dy, tape, grads, need_dx)

    def update(self, count: Count) -> None:
        """Move the parameters by what the last backward left; `count` updates have been made before.

        Each rank's backward left the gradient of its share of the rows, or a velocity that is linear in it: the mean of
        all is that of the minibatch.
        """
        self.ranks.mean(self.ops, self.optimiser.grads.target.flat)
        self.optimiser.update(count)
        if self.max_column_norm is not None:
            for name, W in self.params.items():
                if name.endswith(".W"):
                    self.ops.limit_column_norms(W, self.max_column_norm)
        if self.mean is not None and self.average is not None:
            self.ops.average(self.mean.flat, self.params.flat, count, *self.average)
