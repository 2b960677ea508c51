"""Bugs of `minigan.project`, where an image becomes a z."""

from __future__ import annotations

import numpy as np

from minigan.checks.planted_bugs.planting import Bugs
from minigan.generator.inference import Inference
from minigan.generator.projection import Descent

INVERSION = Bugs()


@INVERSION.plant_in(Inference, "backward", row="Inference: d0.W")
def z_of_another_image(right):
    """E learns the z of the next image of the minibatch.

    In `minigan.project` the squared error of z stays at 1.00, and E says 0 whatever the image. Descent hides some of
    it: after 100 steps reconstructions are .87 as far as the nearest training image, where they should be .63.
    """

    def backward(self):
        ops, m, sampler = self.ops, self.m, self.sampler
        y = self.player.forward(sampler.generator.forward(ops, sampler.params, self.z, self.tape_g), self.tape)
        z = ops.asarray(np.roll(ops.to_host(self.z), -1, axis=0), y.dtype)
        dy = ops.residual(y, z, 1 / (m * z.shape[1]), out=self.dz)
        self.player.backward(dy, self.tape, learn=True, need_dx=False)

    return backward


@INVERSION.plant_in(Descent, "backward", row="Projection: dz")
def residual_the_wrong_way_round(right):
    """dx = x - G(z): z goes where G's image differs more.

    In `minigan.project` no step lowers the loss, so none is made: what is told is the ratio where descent began.
    """

    def backward(self):
        ops, g, params = self.ops, self.sampler.generator, self.sampler.params
        dx = ops.residual(self.x, g.forward(ops, params, self.z, self.tape), 1.0, out=self.dx)
        ops.copy(g.backward(ops, params, dx, self.tape), out=self.dz)

    return backward
