"""Bugs in how weights move once the gradients are right."""

from __future__ import annotations

import numpy as np

from minigan.backends.numpy_ops import NumpyOps
from minigan.checks.planted_bugs.planting import Bugs
from minigan.game.optim import SGD, Momentum
from minigan.game.schedules import ExponentialDecay, LinearRamp
from minigan.layers.params import Grads

UPDATES = Bugs()


@UPDATES.plant_in(Momentum, "__init__", row="Trajectory, alternating, k = 1: G")
def momentum_off_by_lr(right):
    """v <- mu v - g, theta <- theta + lr v: the same only while lr is constant.

    Nothing: V -1.08, digits. The preset's lr falls by .03 % an iteration, and v is wrong by about as much. Only the
    gradients' lengths, which are worked out from v, are far off: 26 instead of 1.4.
    """

    def init(self, params, clock):
        right(self, params, clock)
        velocity = self.state["velocity"]
        self.grads = Grads(velocity, alpha=-1.0, beta=clock.momentum)
        self.update = lambda count: params.ops.add(params.flat, velocity.flat * float(clock.lr))

    return init


@UPDATES.plant_in(Momentum, "__init__", row="Trajectory, alternating, k = 1: G")
def velocity_forgotten(right):
    """v <- -lr g: the gradient overwrites the velocity.

    Line by line the run of --optimizer sgd: a step half as long, V -0.21, a handful of shapes in black and white.
    Nothing says that there is no momentum.
    """

    def init(self, params, clock):
        right(self, params, clock)
        self.grads = Grads(self.state["velocity"], alpha=clock.minus_lr)

    return init


@UPDATES.plant_in(SGD, "__init__", row="Trajectory, alternating, k = 1, sgd: G", options="--optimizer sgd")
def gradients_not_zeroed(right):
    """Each gradient is added to those of all iterations before.

    The losses are not finite after 59 iterations: it is momentum with mu = 1.
    """

    def init(self, params, clock):
        right(self, params, clock)
        self.grads = Grads(self.grads.target, alpha=clock.minus_lr, beta=1.0)

    return init


@UPDATES.plant_in(ExponentialDecay, "__call__", row="Trajectory, alternating, k = 1: G")
def decay_forgotten(right):
    """lr stays what it was at iteration 0.

    Nothing in losses or pictures, V -1.16: the column lr is printed by the same wrong function, and stands still.
    """
    return lambda self, iteration: right(self, 0)


@UPDATES.plant_in(LinearRamp, "__call__", row="Trajectory, alternating, k = 1: G")
def ramp_an_epoch_late(right):
    """Momentum begins to rise one epoch too late.

    Nothing: V -1.13, digits. By .0008 the momentum is too small.
    """
    return lambda self, iteration: right(self, max(0, iteration - self.iterations_per_epoch))


@UPDATES.plant_in(NumpyOps, "adam", row="Adam: theta", options="--optimizer adam --lr .001 --beta1 .5")
def adam_without_its_correction(right):
    """Adam without the factors 1 / (1 - beta^t) that make up for moments beginning at 0.

    D wins at once and for good, V -0.000 in the first line and a g_loss of 2,000: the first updates are .5 /
    sqrt(.001), sixteen times as long as lr says.
    """

    def adam(self, theta, gradient, first, second, count, clock, beta1, beta2, epsilon):
        return right(self, theta, gradient, first, second, 10**9, clock, beta1, beta2, epsilon)

    return adam


@UPDATES.plant_in(NumpyOps, "limit_column_norms", row="Column norms: W", options="--max-column-norm 1.9365")
def rows_for_columns(right):
    """The limit is put on the length of W's rows, what goes out of a unit, not what comes into one.

    The limit hardly acts: the run is the one without a limit, number for number over the first 400 iterations, V
    -1.06 at the end. As it should be, this limit slows the preset down a good deal, V -0.13.
    """

    def limit_column_norms(self, W, limit):
        W *= np.minimum(1, limit / np.linalg.norm(W, axis=1, keepdims=True))
        return W

    return limit_column_norms
