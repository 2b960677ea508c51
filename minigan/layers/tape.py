"""The tape: what one pass through a network remembers for its backward pass.

A layer is an immutable description; its tape holds the arrays of one pass.  So nothing hides state, buffers are
allocated once and keep their addresses, and two passes through one network do not disturb each other.
"""

from __future__ import annotations

from types import SimpleNamespace

from minigan.backends import Array
from minigan.rng import Draw


class LayerTape(SimpleNamespace):
    """The arrays of one layer's pass by name, rows first, and `draw`: its random numbers, None in evaluation."""

    y: Array

    def __getitem__(self, rows: slice) -> LayerTape:
        """The same pass seen by some of its rows."""
        return LayerTape(**{name: value if value is None else value[rows] for name, value in vars(self).items()})


class Tape:
    """The tapes of a network's layers, for at most `rows` rows of one dtype.

    draw  the random numbers of this pass (`minigan.rng.Draw`, at the network's dropout stream), or None: evaluation,
          which drops nothing
    """

    def __init__(self, layers: list[LayerTape], draw: Draw | None = None):
        self.layers, self.draw = layers, draw

    def __getitem__(self, rows: slice) -> Tape:
        """The same pass seen by some of its rows: `tape[m:]` is the fake half of D's pass over real and fake."""
        return Tape([layer[rows] for layer in self.layers], None if self.draw is None else self.draw[rows])
