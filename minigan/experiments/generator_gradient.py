"""How hard D pulls at G: the length of dL/dtheta_g under both of G's objectives, on the same z and the same D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigan.gan import GAN
from minigan.losses import GENERATOR_LOSSES, probability
from minigan.params import Grads


@dataclass(frozen=True)
class Pull:
    """d_fake, the mean of D(G(z)); and |dL/dtheta_g| of  L = E log(1 - D(G(z)))  and of  L = -E log D(G(z))."""

    d_fake: float
    saturating: float
    non_saturating: float


def pull(gan: GAN, z: np.ndarray) -> Pull:
    """What G would follow on the batch z (B, latent), D as it is now and without its dropout; nothing moves."""
    ops, generator, discriminator = gan.ops, gan.game.generator, gan.game.discriminator
    tape_g = generator.network.tape(ops, len(z), z.dtype)
    tape_d = discriminator.network.tape(ops, len(z), z.dtype)
    logits = discriminator.forward(generator.forward(z, tape_g), tape_d)
    grads, dlogits, lengths = Grads(generator.params.like()), np.empty_like(logits), {}
    for name, loss in GENERATOR_LOSSES.items():
        targets = np.full_like(logits, loss.target)
        ops.cross_entropy_backward(logits, targets, loss.sign / len(z), out=dlogits)
        dfake = discriminator.backward(dlogits, tape_d, learn=False, need_dx=True)
        generator.network.backward(ops, generator.params, dfake, tape_g, grads, need_dx=False)
        lengths[name] = float(np.linalg.norm(grads.target.flat))
    return Pull(float(probability(logits).mean()), lengths["saturating"], lengths["non-saturating"])
