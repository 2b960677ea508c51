"""A GAN that learns in milliseconds, for data of a width that a test chooses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigan import GAN, Dropout, Linear, Maxout, Recipe, ReLU, Sequential

X = np.random.default_rng(0).random((40, 3))


def small_gan(width: int = 3, backend: str = "numpy", **recipe) -> GAN:
    """z (B, 2) to examples (B, width)."""
    generator = Sequential(Linear(2, 6), ReLU(), Linear(6, width))
    discriminator = Sequential(Dropout(0.8), Maxout(width, 6, 2), Linear(6, 1))
    return GAN(generator, discriminator, Recipe(**{"latent": 2, "batch_size": 5} | recipe), backend)


@dataclass(frozen=True)
class Tagged(Linear):
    """A layer of one's own, with a field of its own."""

    tag: str = ""


@dataclass(frozen=True)
class Hinge:
    """A loss of one's own, with a number."""

    c: float = 1.0
    logit = False

    def d_loss(self, real, fake):
        return np.maximum(0, self.c - real).mean() + np.maximum(0, self.c + fake).mean()

    def g_loss(self, fake):
        return -fake.mean()

    def d_backward(self, ops, logits, weight, out):
        sign = np.repeat([[-1.0], [1.0]], len(logits) // 2, axis=0)
        return weight * sign * (self.c + sign * logits > 0) / (len(logits) // 2)

    def g_backward(self, ops, logits, out):
        return np.full_like(logits, -1 / len(logits))


def same(a: GAN, b: GAN) -> bool:
    """Whether every weight and all that the optimisers remember have the same bits."""
    of_a, of_b = (gan.snapshot().tensors() for gan in (a, b))
    return of_a.keys() == of_b.keys() and all(of_a[name].tobytes() == of_b[name].tobytes() for name in of_a)
