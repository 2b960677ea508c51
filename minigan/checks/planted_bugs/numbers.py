"""Bugs in random numbers, and in what is made of them: noise, masks, minibatches, initial weights."""

from __future__ import annotations

import numpy as np

from minigan import rng
from minigan.backends.numpy_ops import NumpyOps
from minigan.checks.planted_bugs.planting import Bugs
from minigan.layers.initialisers import Uniform

NUMBERS = Bugs()


@NUMBERS.plant_in(rng, "ROUNDS", row="Philox4x32-10: uniform")
def nine_rounds(right):
    """Philox with 9 rounds instead of 10.

    Nothing: z, masks and minibatches are other numbers, and as good ones. But no run can be compared with one of
    another program, and nothing says why.
    """
    return 9


@NUMBERS.plant_in(rng, "WEYL", row="Philox4x32-10: uniform")
def key_stands_still(right):
    """Every round of Philox uses the same key.

    Nothing that this page has looked for: other numbers, from a weaker generator. A test of randomness would have
    to be a strong one, the authors' known answers see it at once.
    """
    return (0, 0)


@NUMBERS.plant_in(rng, "key_of", row="Philox4x32-10: uniform")
def half_the_seed(right):
    """The upper 32 bits of the seed are lost.

    Nothing, until two runs whose seeds differ by a multiple of 2^32 turn out to be one.
    """
    return lambda seed: (right(seed)[0], 0)


@NUMBERS.plant_in(NumpyOps, "uniform", row="Philox4x32-10: uniform")
def z_above_0(right):
    """z uniform on (0, sqrt 3), not on (-sqrt 3, sqrt 3).

    G collapses, diversity .005, with seven in ten of its units dead: all z point into one corner. V -0.16.
    """
    return lambda self, draw, limit, out: np.abs(right(self, draw, limit, out), out=out)


@NUMBERS.plant_in(rng, "standard_normal", row="Philox4x32-10: normal", options="--prior normal")
def cosine_twice(right):
    """Both numbers of a Box-Muller pair are r cos 2 pi u2, so that every second entry of z repeats the one before.

    Nothing: V -1.22, digits. z has half the dimensions that it should have, and 16 are enough for digits.
    """
    return lambda word: np.repeat(right(word)[:, 0::2], 2, axis=1)


@NUMBERS.plant_in(rng, "keep_threshold", row="Philox4x32-10: kept units")
def keep_is_drop(right):
    """Units are kept with the probability of being dropped; what is kept is still divided by the other.

    With keep = .8, D is shown a fifth of the pixels, 1.25 times as bright. It is slow, V -1.37 after 100 iterations
    instead of -0.40, and G is left with blots and dots. Keep = .5 hides the bug.
    """
    return lambda keep: right(1 - keep)


@NUMBERS.plant_in(rng, "permutation", row="Trajectory, alternating, k = 1: D")
def epochs_in_one_order(right):
    """The same order of the examples in every epoch.

    Nothing: V -1.12, digits.
    """
    return lambda seed, epoch, n: right(seed, 0, n)


@NUMBERS.plant_in(NumpyOps, "gather", row="Trajectory, alternating, k = 1: D")
def minibatches_overlap(right):
    """Minibatch number b begins at example b of the epoch's order, not at b m.

    Hardly anything: V -0.98, digits, a little late. An epoch looks at 114 of the 1,500 examples, the next one at
    others.
    """

    def gather(self, examples, order, count, batch_size, rows, scale, shift, out):
        epoch, batch = divmod(int(count), len(examples) // batch_size)
        chosen = order[epoch % 2, batch + rows]
        factor, offset = (a if a is None else a[chosen, None] for a in (scale, shift))
        out[...] = examples[chosen] * (1 if factor is None else factor) + (0 if offset is None else offset)
        return out

    return gather


@NUMBERS.plant_in(Uniform, "__call__", row="Trajectory, alternating, k = 1: G")
def units_start_alike(right):
    """Every unit of a layer begins with the weights of the first one.

    Diversity .000 and exactly half of G's units dead, all through the run: the 256 units of a layer receive the
    same gradient and stay one unit. One blurred picture for every z, V -0.06.
    """

    def weights(self, shape, draw):
        return np.repeat(right(self, shape, draw)[:, :1], shape[1], axis=1)

    return weights
