"""Algorithm 1 of Goodfellow et al. (2014) with two small networks.

G: z -> Linear, ReLU -> Linear, Sigmoid -> x         theta_g = [W0, b0, W1, b1]
D: x -> Dropout, Linear, Maxout -> Dropout, Linear -> l   theta_d likewise
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigan.teaching.course.layers import (
    dropout,
    dropout_backward,
    linear,
    linear_backward,
    maxout,
    maxout_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
)
from minigan.teaching.course.learn import Arrays, descend
from minigan.teaching.course.losses import d_slope, g_slope

KEEP = (0.95, 0.8)
"""the probability that D keeps an input, and a hidden unit"""
PIECES = 3
Tape = tuple[Any, ...]
"""what forward leaves for backward"""


def generator(theta: Arrays, z: np.ndarray) -> tuple[np.ndarray, Tape]:
    """x = G(z) and the tape.      z (m, latent)   x (m, n)"""
    W0, b0, W1, b1 = theta
    h = relu(linear(z, W0, b0))
    x = sigmoid(linear(h, W1, b1))
    return x, (z, h, x)


def generator_backward(theta: Arrays, tape: Tape, dx: np.ndarray) -> Arrays:
    """The gradient [dW0, db0, dW1, db1] of dx (m, n)."""
    z, h, x = tape
    dh, dW1, db1 = linear_backward(sigmoid_backward(dx, x), h, theta[2])
    _, dW0, db0 = linear_backward(relu_backward(dh, h), z, theta[0])
    return [dW0, db0, dW1, db1]


def discriminator(theta: Arrays, x: np.ndarray, masks: Arrays) -> tuple[np.ndarray, Tape]:
    """The logits l and the tape.      x (B, n)   masks [(B, n), (B, hidden)] bool, True where kept   l (B, 1)"""
    W0, b0, W1, b1 = theta
    x = dropout(x, masks[0], KEEP[0])
    s = linear(x, W0, b0)  # (B, P hidden)
    h = dropout(maxout(s, PIECES), masks[1], KEEP[1])
    l = linear(h, W1, b1)
    return l, (masks, x, s, h)


def discriminator_backward(theta: Arrays, tape: Tape, dl: np.ndarray) -> tuple[Arrays, np.ndarray]:
    """The gradient [dW0, db0, dW1, db1] of dl (B, 1), and dx (B, n)."""
    masks, x, s, h = tape
    dh, dW1, db1 = linear_backward(dl, h, theta[2])
    ds = maxout_backward(dropout_backward(dh, masks[1], KEEP[1]), s)
    dx, dW0, db0 = linear_backward(ds, x, theta[0])
    return [dW0, db0, dW1, db1], dropout_backward(dx, masks[0], KEEP[0])


def d_step(
    theta_g: Arrays, theta_d: Arrays, v_d: Arrays, x: np.ndarray, z: np.ndarray, masks: Arrays, lr: float, mu: float
) -> tuple[Arrays, Arrays]:
    """(theta_d, v_d) after D has descended its loss on x above G(z).      x (m, n)   z (m, latent)   masks: 2m rows"""
    fake, _ = generator(theta_g, z)
    l, tape = discriminator(theta_d, np.concatenate([x, fake]), masks)
    gradient, _ = discriminator_backward(theta_d, tape, d_slope(l))
    return descend(theta_d, v_d, gradient, lr, mu)


def g_step(
    theta_g: Arrays, v_g: Arrays, theta_d: Arrays, z: np.ndarray, masks: Arrays, lr: float, mu: float, saturating: bool
) -> tuple[Arrays, Arrays]:
    """(theta_g, v_g) after G has descended its loss on z, while D stood still.      z (m, latent)   masks: m rows"""
    fake, tape_g = generator(theta_g, z)
    l, tape_d = discriminator(theta_d, fake, masks)
    _, dfake = discriminator_backward(theta_d, tape_d, g_slope(l, saturating))
    return descend(theta_g, v_g, generator_backward(theta_g, tape_g, dfake), lr, mu)


def iterate(
    players: tuple[Arrays, Arrays, Arrays, Arrays],
    minibatches: list[tuple[np.ndarray, np.ndarray, Arrays]],
    fresh: tuple[np.ndarray, Arrays],
    lr: float,
    mu: float,
    saturating: bool,
) -> tuple[Arrays, Arrays, Arrays, Arrays]:
    """One iteration of algorithm 1: k steps of D, then one of G.

    players      (theta_g, v_g, theta_d, v_d); what comes back is the same, afterwards
    minibatches  k times (x, z, masks), of one D-step each
    fresh        (z, masks) of G's step
    """
    theta_g, v_g, theta_d, v_d = players
    for x, z, masks in minibatches:
        theta_d, v_d = d_step(theta_g, theta_d, v_d, x, z, masks, lr, mu)
    z, masks = fresh
    theta_g, v_g = g_step(theta_g, v_g, theta_d, z, masks, lr, mu, saturating)
    return theta_g, v_g, theta_d, v_d
