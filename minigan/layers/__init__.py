"""Layers: forward and backward by hand, immutable; parameters, tape and gradients are handed in.

Every layer has
    shapes()         {letter: shape} of its parameters, {} for none
    memory(width)    {name: (columns, dtype or None for the pass's own)} of its tape, for an input of `width` columns
    forward(ops, p, x, tape)                                      x (B, I) to y (B, O)
    backward(ops, p, dy, tape, grads=None, need_dx=True)          dy (B, O) to dx (B, I)
and backward never overwrites what forward stored, so that two backward passes may follow one forward.
"""

from minigan.layers import activations
from minigan.layers.activations import *  # a new one is named only there
from minigan.layers.dropout import Dropout
from minigan.layers.linear import Linear
from minigan.layers.maxout import Maxout
from minigan.layers.sequential import Sequential
from minigan.layers.tape import Tape

__all__ = ["Dropout", "Linear", "Maxout", "Sequential", "Tape", *activations.__all__]
