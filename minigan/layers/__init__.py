"""Layers: forward and backward by hand, immutable; parameters, tape and gradients are handed in.

Every layer has
    shapes()         {letter: shape} of its parameters, {} for none
    memory(width)    {name: (columns, dtype or None for the pass's own)} of its tape, for an input of `width` columns
    forward(ops, p, x, tape)                                      x (B, I) to y (B, O)
    backward(ops, p, dy, tape, grads=None, need_dx=True)          dy (B, O) to dx (B, I)
and backward never overwrites what forward stored, so that two backward passes may follow one forward.
"""

from typing import TYPE_CHECKING

from minigan.layers import activations
from minigan.layers.activations import *  # a new one is named only there
from minigan.layers.dropout import Dropout as Dropout
from minigan.layers.layer import Layer as Layer
from minigan.layers.linear import Linear as Linear
from minigan.layers.maxout import Maxout as Maxout
from minigan.layers.sequential import Sequential as Sequential
from minigan.layers.tape import Tape as Tape

if not TYPE_CHECKING:  # as in `activations`
    __all__ = ["Dropout", "Layer", "Linear", "Maxout", "Sequential", "Tape", *activations.__all__]
