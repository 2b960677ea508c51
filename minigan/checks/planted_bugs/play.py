"""Bugs in the order of play: every gradient is right, of the wrong thing or at the wrong time."""

from __future__ import annotations

import numpy as np

from minigan.backends.clock import Count
from minigan.checks.planted_bugs.planting import Bugs
from minigan.game.algorithm1 import Algorithm1
from minigan.rng import Draw, Stream

PLAY = Bugs()


@PLAY.plant_in(Algorithm1, "d_step", row="Trajectory, alternating, k = 1: G")
def g_learns_while_d_does(right):
    """D's step goes on down into G and moves it too, uphill in V.

    Slower: of G's two steps an iteration one undoes a part of the other. V -0.90, diversity .85, but digits all the
    same.
    """

    def d_step(self, substep=0):
        self._discriminate_pair(substep)
        dpair = self.discriminator.backward(self._dlogits_d(), self.tape_d, learn=True, need_dx=True)
        self.generator.backward(dpair[self.m :], self.tape_g, learn=True, need_dx=False)
        self.discriminator.update(Count(self.clock, self.k, self.ahead + substep))
        self.generator.update(Count(self.clock))

    return d_step


@PLAY.plant_in(Algorithm1, "_backward_g", row="Trajectory, alternating, k = 1: D")
def d_learns_while_g_does(right):
    """G's step moves D too, towards calling the fakes real.

    V -0.72 and D(G(z)) stays at 1/2: D calls each fake as often real as not, however it looks; D(x) is
    .995. G has nothing to learn from, diversity .02, and makes one white blot.
    """

    def backward_g(self, tape):
        dlogits = self.loss.g_backward(self.ops, self.logits_g, self.dlogits_g)
        dfake = self.discriminator.backward(dlogits, tape, learn=True, need_dx=True)
        self.generator.backward(dfake, self.tape_g, learn=True, need_dx=False)
        self.discriminator.update(Count(self.clock))

    return backward_g


@PLAY.plant_in(Algorithm1, "g_step", row="Algorithm 1, alternating, non-saturating: G")
def stale_tape(right):
    """G's step makes no samples of its own: D sees those of its last step again, and G's backward the tape they left.

    Nothing: V -1.07, digits, although each gradient is put together from two z.
    """

    def g_step(self, substep=0):
        tape = self.tape_d[self.m :]
        tape.layers[-1].y = self.logits_g
        tape.draw = self._draw_of(Stream.DROPOUT_DISCRIMINATOR, substep, self.rows[: self.m])
        self.discriminator.forward(self.pair[self.m :], tape)
        self._backward_g(tape)
        self.generator.update(Count(self.clock))

    return g_step


@PLAY.plant_in(Algorithm1, "draw_z", row="Trajectory, alternating, k = 1: G")
def z_reused(right):
    """G's step is given the z that D's step had, not fresh noise.

    Nothing: V -1.03, digits.
    """
    return lambda self, substep: right(self, 0)


@PLAY.plant_in(Algorithm1, "draw_z", row="Trajectory, alternating, k = 1: D")
def z_frozen(right):
    """The same z in every iteration: its number is left out of the counter.

    Hardly anything: V -0.98 and digits, with more contrast than they should have. G learns what to do with 100 z
    and no others; diversity is 1.28.
    """

    def draw_z(self, substep):
        draw = Draw(self.seed, 0, substep, Stream.LATENT, self.rows[: self.m])
        self.prior.draw(self.ops, draw, out=self.z)

    return draw_z


@PLAY.plant_in(Algorithm1, "draw_z", row="Trajectory, alternating, k = 1: D")
def one_z_for_all_rows(right):
    """Every row of a minibatch gets the z of the first one.

    Diversity is .000 from the first line on, and six in ten of G's units are dark for the whole minibatch: G has
    collapsed, one would say. But samples drawn from different z are digits, if pale ones.
    """

    def draw_z(self, substep):
        draw = self._draw_of(Stream.LATENT, substep, np.zeros_like(self.rows[: self.m]))
        self.prior.draw(self.ops, draw, out=self.z)

    return draw_z


@PLAY.plant_in(Algorithm1, "_draw_of", row="Trajectory, alternating, k = 1: D")
def masks_frozen(right):
    """Dropout draws the same masks in every iteration.

    D has won after 400 iterations, V -0.001. Row i of the batch has one mask for ever, so D can learn by its mask
    which row is real. In G's step, which has other masks, it is far less sure: g_loss 2.1 where D(G(z)) is .000.
    """

    def draw_of(self, stream, substep, rows):
        if stream in (Stream.DROPOUT_DISCRIMINATOR, Stream.DROPOUT_GENERATOR):
            return Draw(self.seed, 0, substep, stream, rows)
        return right(self, stream, substep, rows)

    return draw_of


@PLAY.plant_in(Algorithm1, "iterate", row="Trajectory, alternating, k = 1: G")
def g_moves_first(right):
    """G's step before D's k steps, not after them.

    Nothing: V -1.17, digits. Only the first step of all and the last are other ones.
    """

    def iterate(self, data):
        if self.updates == "simultaneous":
            return right(self, data)
        self.draw_z(self.k)
        self.g_step(self.k)
        for substep in range(self.k):
            self.draw_x(data, substep)
            self.draw_z(substep)
            self.d_step(substep)
        self.tick()

    return iterate


@PLAY.plant_in(Algorithm1, "iterate", row="Trajectory, alternating, k = 2: D", options="--k 3")
def k_ignored(right):
    """One step of D an iteration, for any k.

    The only symptom at first: at k = 3 the run takes half the time. After 600 iterations G makes a few kinds of
    digit, diversity .59 instead of .79.
    """

    def iterate(self, data):
        k, self.k = self.k, 1
        right(self, data)
        self.k = k

    return iterate


@PLAY.plant_in(Algorithm1, "draw_x", row="Trajectory, alternating, k = 2: D", options="--k 3")
def minibatch_reused(right):
    """D's k steps of an iteration all see the first one's data.

    Nothing: V -0.69 instead of -0.57 after 600 iterations, diversity .83, digits. Two thirds of the data are not
    looked at in an epoch.
    """
    return lambda self, data, substep: right(self, data, 0)


@PLAY.plant_in(
    Algorithm1,
    "joint_step",
    row="Trajectory, simultaneous, k = 1: G",
    options="--updates simultaneous --lr .2",
)
def g_sees_the_new_d(right):
    """In a joint step D moves before G's gradient is taken: its new weights over a tape of the old ones.

    Nothing: V -1.20, digits. Of such a gradient only the weights are one step too new.
    """

    def joint_step(self, substep=0):
        self._discriminate_pair(substep)
        self.discriminator.backward(self._dlogits_d(), self.tape_d, learn=True, need_dx=False)
        self.discriminator.update(Count(self.clock, self.k, self.ahead + substep))
        self._backward_g(self.tape_d[self.m :])
        self.generator.update(Count(self.clock))

    return joint_step


@PLAY.plant_in(
    Algorithm1,
    "joint_step",
    row="Algorithm 1, simultaneous, non-saturating: G",
    options="--updates simultaneous --lr .2",
)
def wrong_half_of_the_tape(right):
    """In a joint step G's gradient is taken through D's pass over the data, not over the fakes.

    G collapses to one pattern, diversity .04: its loss knows the right logits, but winners and masks are those of
    the data. V -0.11.
    """

    def joint_step(self, substep=0):
        self._discriminate_pair(substep)
        self.discriminator.backward(self._dlogits_d(), self.tape_d, learn=True, need_dx=False)
        self._backward_g(self.tape_d[: self.m])
        self.discriminator.update(Count(self.clock, self.k, self.ahead + substep))
        self.generator.update(Count(self.clock))

    return joint_step
