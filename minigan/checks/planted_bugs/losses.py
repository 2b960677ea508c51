"""Bugs in the losses and their derivatives by the logit."""

from __future__ import annotations

import numpy as np

from minigan.backends.numpy_ops import NumpyOps
from minigan.checks.planted_bugs.planting import Bugs
from minigan.game import losses
from minigan.game.algorithm1 import Algorithm1

LOSSES = Bugs()


@LOSSES.plant_in(NumpyOps, "cross_entropy_backward", row="D loss -V: dlogits")
def lost_1_over_m(right):
    """The sum over the minibatch, not its mean.

    The losses are not finite after 7 iterations: the learning rate is 100 times as large as it says.
    """
    return lambda self, logits, targets, scale, out: right(self, logits, targets, float(np.sign(scale)), out)


@LOSSES.plant_in(NumpyOps, "cross_entropy_backward", row="D loss -V: dlogits")
def mean_over_both_halves(right):
    """1/(2m) instead of 1/m, as a mean over the 2m rows of the batch [x; G(z)] would have it.

    A run at half the learning rate, which at this preset is another one: V -0.24, a handful of shapes in black and
    white. With Adam, which divides a constant factor out again, it would not show.
    """
    return lambda self, logits, targets, scale, out: right(self, logits, targets, scale / 2, out)


@LOSSES.plant_in(NumpyOps, "cross_entropy_backward", row="D loss -V: dlogits")
def labels_swapped(right):
    """Real is 0 and fake is 1, for both players.

    The digits are as good: the players only exchanged the two names. But V is far below -log 4, -6.3 at iteration
    600, and D(x) is below D(G(z)).
    """
    return lambda self, logits, targets, scale, out: right(self, logits, 1 - targets, scale, out)


@LOSSES.plant_in(Algorithm1, "_backward_g", row="Algorithm 1, alternating, non-saturating: G")
def g_ascends(right):
    """G climbs its loss: the sign that makes D ascend V is left in G's step.

    D has won after 400 iterations and nothing changes any more: V -0.001, a pattern of noise.
    """

    def backward_g(self, tape):
        return backward_from(self, tape, self.targets_g, -self.loss.sign)

    return backward_g


@LOSSES.plant_in(Algorithm1, "_backward_g", row="Algorithm 1, alternating, non-saturating: G")
def other_objective(right):
    """G descends log(1 - D(G(z))) where -log D(G(z)) is asked for, and the other way round.

    What the paper warns of: while D is ahead G's gradient is short (.05 instead of .17 at iteration 100), and it
    takes three times as long to get away, V -0.48. In the end it does, in a longer run.
    """

    def backward_g(self, tape):
        return backward_from(self, tape, 1 - self.targets_g, -self.loss.sign)

    return backward_g


def backward_from(game: Algorithm1, tape, targets, sign: int) -> None:
    """`Algorithm1._backward_g` for a loss of this target and sign."""
    dlogits = game.ops.cross_entropy_backward(game.logits_g, targets, sign / game.m, out=game.dlogits_g)
    dfake = game.discriminator.backward(dlogits, tape, learn=False, need_dx=True)
    game.generator.backward(dfake, game.tape_g, learn=True, need_dx=False)


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
    return lambda self: self.ops.cross_entropy_backward(self.logits, self.targets_d, 1 / self.m, out=self.dlogits_d)


@LOSSES.plant_in(losses, "softplus", row="Logits of 1000: value")
def softplus_overflows(right):
    """log(1 + e^a) as it is written.

    Nothing but the last digit of V, while no logit reaches 710. After that V is printed as -inf, and the run is
    stopped for it though its weights are well.
    """
    return lambda a: np.log(1 + np.exp(a))
