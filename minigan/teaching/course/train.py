"""A GAN of minigan's with your layers and losses:  python train.py [iterations]

It learns the digits of 8x8 pixels that scikit-learn has, for half a minute, and draws samples to samples.png.

Each class is a layer of one's own as minigan takes it.  `forward` leaves on the tape what `backward` needs, and `grads`
says where gradients go: target <- alpha gradient + beta target.  `python -m minigan.gradcheck --layer train:MyLinear`
checks one.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigan import rng
from minigan.files.plots import save_samples
from minigan.layers.initialisers import Constant, Initialiser, Uniform
from minigan.teaching.course import layers, losses

ITERATIONS = 3000


@dataclass(frozen=True)
class MyReLU:
    def shapes(self):
        return {}

    def memory(self, width):
        return {"y": (width, None)}

    def forward(self, ops, p, x, tape):
        return layers.relu(x)

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        return layers.relu_backward(dy, tape.y)


class MySigmoid(MyReLU):
    range = (0, 1)

    def forward(self, ops, p, x, tape):
        return layers.sigmoid(x)

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        return layers.sigmoid_backward(dy, tape.y)


@dataclass(frozen=True)
class MyDropout(MyReLU):
    keep: float

    def forward(self, ops, p, x, tape):
        if tape.draw is None:  # evaluation drops nothing
            return x
        tape.kept = rng.words(tape.draw, x.shape[1]) < rng.keep_threshold(self.keep)
        return layers.dropout(x, tape.kept, self.keep)

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        return layers.dropout_backward(dy, tape.kept, self.keep)


@dataclass(frozen=True)
class MyLinear:
    n_in: int
    n_out: int
    weights: Initialiser = Uniform(0.1)
    bias: Initialiser = Constant(0.0)

    def shapes(self):
        return {"W": (self.n_in, self.n_out), "b": (self.n_out,)}

    def memory(self, width):
        return {"y": (self.n_out, None)}

    def forward(self, ops, p, x, tape):
        tape.x = x
        return layers.linear(x, p.W, p.b)

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        dx, *gradients = layers.linear_backward(dy, tape.x, p.W)
        if grads is not None:
            for target, gradient in zip((grads.W, grads.b), gradients):
                target[...] = float(grads.alpha) * gradient + float(grads.beta) * target
        return dx


@dataclass(frozen=True)
class MyMaxout(MyLinear):
    """A linear layer of P n_out columns, and the largest of each unit's P."""

    pieces: int = 5

    def shapes(self):
        return {"W": (self.n_in, self.pieces * self.n_out), "b": (self.pieces * self.n_out,)}

    def forward(self, ops, p, x, tape):
        tape.z = super().forward(ops, p, x, tape)
        return layers.maxout(tape.z, self.pieces)

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        return super().backward(ops, p, layers.maxout_backward(dy, tape.z), tape, grads, need_dx)


@dataclass(frozen=True)
class MyLoss:
    """What both players minimise, by D's logits."""

    logit = True

    def d_loss(self, real, fake):
        return losses.d_loss(np.concatenate([real, fake]))

    def g_loss(self, fake):
        return losses.g_loss(fake, False)

    def d_backward(self, ops, logits, weight, out):
        return weight * losses.d_slope(logits)

    def g_backward(self, ops, logits, out):
        return losses.g_slope(logits, False)


def main(iterations):
    from sklearn.datasets import load_digits

    from minigan import GAN, Recipe, Sequential

    x = load_digits().data / 16
    generator = Sequential(MyLinear(32, 256), MyReLU(), MyLinear(256, 64), MySigmoid())
    first, second = Uniform(0.05), Uniform(0.05)
    discriminator = Sequential(
        MyDropout(0.8),
        MyMaxout(64, 96, first),
        MyDropout(0.5),
        MyMaxout(96, 96, second),
        MyDropout(0.5),
        MyLinear(96, 1),
    )
    recipe = Recipe(latent=32, loss=MyLoss(), momentum=0.5, momentum_final=0.7, momentum_epochs=250, lr_decay=1.0003)
    gan = GAN(generator, discriminator, recipe).fit(x, iterations=iterations)
    save_samples(Path("samples.png"), gan.sample(100), (8, 8))
    print("samples.png")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ITERATIONS)
