"""How hard D pulls at G: the length of dL/dtheta_g under both of G's objectives, on the same z and the same D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigan.game.losses import NON_SATURATING, SATURATING
from minigan.gan import GAN
from minigan.layers.params import Params
from minigan.options.recipe import Loss


@dataclass(frozen=True)
class Pull:
    """d_fake, the mean of D(G(z)); and |dL/dtheta_g| of  L = E log(1 - D(G(z)))  and of  L = -E log D(G(z))."""

    d_fake: float
    saturating: float
    non_saturating: float


def pull(gan: GAN, z: np.ndarray) -> Pull:
    """What G would follow on the batch z (B, latent), D as it is now and without its dropout; nothing moves."""
    lengths = (gan.ops.norm(gradient(gan, z, loss).flat) for loss in (SATURATING, NON_SATURATING))
    return Pull(float(gan.discriminate(gan.sampler().generate(z)).mean()), *lengths)


def gradient(gan: GAN, z: np.ndarray, loss: Loss) -> Params:
    """dL/dtheta_g: from D's logits on G(z) down through a frozen D into G.  For the NumPy backend."""
    ops, generator, discriminator = gan.ops, gan.game.generator.still(), gan.game.discriminator
    tape_g = generator.network.tape(ops, len(z), z.dtype)
    tape_d = discriminator.network.tape(ops, len(z), z.dtype)
    logits = discriminator.forward(generator.forward(z, tape_g), tape_d)
    dlogits = loss.g_backward(ops, logits, out=np.empty_like(logits))
    dfake = discriminator.backward(dlogits, tape_d, learn=False, need_dx=True)
    generator.backward(dfake, tape_g, learn=True, need_dx=False)
    return generator.optimiser.grads.target
