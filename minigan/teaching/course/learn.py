"""How weights move once their gradients are known: momentum, and what changes while training goes on."""

from __future__ import annotations

import numpy as np

Arrays = list[np.ndarray]
"""of one player: [W0, b0, W1, b1], its parameters, their velocities or their gradients"""


def descend(theta: Arrays, v: Arrays, gradient: Arrays, lr: float, mu: float) -> tuple[Arrays, Arrays]:
    """(theta, v) after a step of classical momentum:  v <- mu v - lr gradient,  theta <- theta + v.

    Both are new lists of new arrays.
    """
    v = [mu * v_i - lr * g_i for v_i, g_i in zip(v, gradient)]
    theta = [theta_i + v_i for theta_i, v_i in zip(theta, v)]
    return theta, v


def learning_rate(t: int, lr: float, factor: float, floor: float) -> float:
    """Of iteration t = 0, 1, ...: lr divided by `factor` after each iteration, but never below `floor`."""
    return max(lr / factor**t, floor)


def momentum(t: int, first: float, last: float, epochs: int, iterations_per_epoch: int) -> float:
    """Of iteration t = 0, 1, ...: `first` in epoch 1, rising evenly to `last` in the last of `epochs`, then that."""
    epoch = 1 + t // iterations_per_epoch
    return first + (last - first) * min((epoch - 1) / (epochs - 1), 1)
