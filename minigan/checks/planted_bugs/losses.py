"""Bugs in the losses and their derivatives by the logit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from minigan.backends.numpy_ops import NumpyOps
from minigan.checks.planted_bugs.planting import Bugs
from minigan.game import losses
from minigan.game.algorithm1 import Algorithm1
from minigan.game.losses import AgainstTargets

LOSSES = Bugs()


@LOSSES.plant_in(NumpyOps, "cross_entropy_backward", row="Loss, non-saturating: dlogits of D")
def lost_1_over_m(right):
    """The sum over the minibatch, not its mean.

    The losses are not finite after 7 iterations: the learning rate is 100 times as large as it says.
    """
    return lambda self, logits, ones, scale, out: right(self, logits, ones, float(np.sign(scale)), out)


@LOSSES.plant_in(NumpyOps, "cross_entropy_backward", row="Loss, non-saturating: dlogits of D")
def mean_over_both_halves(right):
    """1/(2m) instead of 1/m, as a mean over the 2m rows of the batch [x; G(z)] would have it.

    A run at half the learning rate, which at this preset is another one: V -0.24, a handful of shapes in black and
    white. With Adam, which divides a constant factor out again, it would not show.
    """
    return lambda self, logits, ones, scale, out: right(self, logits, ones, scale / 2, out)


@LOSSES.plant_in(NumpyOps, "cross_entropy_backward", row="Loss, non-saturating: dlogits of D")
def labels_swapped(right):
    """Real is 0 and fake is 1, for both players.

    The digits are as good: the players only exchanged the two names. But V is far below -log 4, -6.3 at iteration
    600, and D(x) is below D(G(z)).
    """
    return lambda self, logits, ones, scale, out: right(self, -logits, ones, -scale, out)


@LOSSES.plant_in(Algorithm1, "_backward_g", row="Algorithm 1, alternating, non-saturating: G")
def g_ascends(right):
    """G climbs its loss: the sign that makes D ascend V is left in G's step.

    D has won after 400 iterations and nothing changes any more: V -0.001, a pattern of noise.
    """
    return with_loss(right, lambda loss: replace(loss, sign=-loss.sign))


@LOSSES.plant_in(Algorithm1, "_backward_g", row="Algorithm 1, alternating, non-saturating: G")
def other_objective(right):
    """G descends log(1 - D(G(z))) where -log D(G(z)) is asked for, and the other way round.

    What the paper warns of: while D is ahead G's gradient is short (.05 instead of .17 at iteration 100), and it
    takes three times as long to get away, V -0.48. In the end it does, in a longer run.
    """
    return with_loss(right, lambda loss: replace(loss, target=1 - loss.target, sign=-loss.sign))


def with_loss(right: Callable, other: Callable[[AgainstTargets], AgainstTargets]) -> Callable:
    """`Algorithm1._backward_g` of another loss than the game's."""

    def backward_g(self, tape):
        asked, self.loss = self.loss, other(self.loss)
        right(self, tape)
        self.loss = asked

    return backward_g


@LOSSES.plant_in(
    Algorithm1,
    "_dlogits_d",
    row="Algorithm 1, simultaneous, non-saturating: D",
    options="--updates simultaneous --lr .2",
)
def lost_half(right):
    """D's derivative without the factor 1/2 that its loss has with simultaneous updates.

    Nothing but a D that learns twice as fast as it was told: V -1.25, digits.
    """
    return lambda self: self.loss.d_backward(self.ops, self.logits, 1.0, self.dlogits_d)


@LOSSES.plant_in(losses, "softplus", row="Logits of 1000: value")
def softplus_overflows(right):
    """log(1 + e^a) as it is written.

    Nothing but the last digit of V, while no logit reaches 710. After that V is printed as -inf, and the run is
    stopped for it though its weights are well.
    """
    return lambda a: np.log(1 + np.exp(a))
