"""The game on the embedded digits, small enough to be played many times over: what two experiments begin with."""

from __future__ import annotations

import numpy as np

from minigan.data import Dataset
from minigan.data.digits import load_digits
from minigan.gan import GAN
from minigan.layers import Dropout, Linear, Maxout, ReLU, Sequential, Sigmoid
from minigan.layers.initialisers import Marginals, Uniform
from minigan.options.recipe import Recipe

LATENT = 16


def few_digits(n: int) -> Dataset:
    """The first n training digits; all 297 test digits, which no D is trained on."""
    digits = load_digits()
    return Dataset(f"{n} digits", digits.train[:n], test=digits.test, image_shape=digits.image_shape)


def digits_game(data: Dataset, recipe: Recipe, keep: tuple[float, float] = (0.8, 0.5)) -> GAN:
    """The digits preset's networks at half their width.

    keep  of the dropout on D's input and on the inputs of its other layers; (1, 1) for none
    """
    first, other = keep
    generator = Sequential(
        Linear(LATENT, 128, Uniform(0.1)),
        ReLU(),
        Linear(128, data.n_features, Uniform(0.1), Marginals(data.means())),
        Sigmoid(),
    )
    discriminator = Sequential(
        Dropout(first),
        Maxout(data.n_features, 48, 4, Uniform(0.1)),
        Dropout(other),
        Maxout(48, 48, 4, Uniform(0.1)),
        Dropout(other),
        Linear(48, 1, Uniform(0.1)),
    )
    return GAN(generator, discriminator, recipe)


def examples(data: Dataset, part: np.ndarray) -> np.ndarray:
    """Rows as D sees them: (n, 64) float64."""
    return data.scaled(part, np.float64)
