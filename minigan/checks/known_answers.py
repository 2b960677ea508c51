"""Kernels against known answers: published vectors, and examples worked by hand.

What a finite difference cannot see: random numbers, updates, a tie (random points never tie), logits so large that an
exponential overflows.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, log, pi, sin, sqrt

import numpy as np
from numpy.typing import DTypeLike

from minigan.backends import Array, Ops
from minigan.backends.clock import Count
from minigan.checks.finite_differences import Result, agree
from minigan.game.losses import NON_SATURATING, SATURATING, value
from minigan.game.optim import Adam
from minigan.game.schedules import ExponentialDecay
from minigan.layers import Maxout, Sequential
from minigan.layers.params import Grads, Params
from minigan.rng import Draw

Kernel = Callable[[Draw, Array], Array]
METHOD = "known answer"

ONES = 0xFFFFFFFF
RANDOM123 = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES,) * 4, (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
"""counter, key and words of philox4x32 with 10 rounds: the known-answer file of Random123 (Salmon et al. 2011)"""


def check_philox(ops: Ops, name: str) -> list[Result]:
    """Random123's words, seen through each kernel that draws: the four words of a row of width 4 are one block's."""
    words = np.array([answer for _, _, answer in RANDOM123])

    def drawn(kernel: Kernel, dtype: DTypeLike) -> np.ndarray:
        rows = []
        for (row, iteration, substep, stream), (low, high), _ in RANDOM123:
            out = ops.zeros((1, 4), dtype)
            kernel(Draw(low + 2**32 * high, iteration, substep, stream, ops.asarray([row], "uint32")), out)
            rows.append(ops.to_host(out)[0])
        return np.array(rows)

    def kept(keep: float) -> Kernel:
        ones, y = ops.asarray(np.ones((1, 4))), ops.empty((1, 4), np.float64)
        return lambda draw, out: ops.dropout(ones, keep, draw, out=y, kept=out)

    return [
        agree(
            f"{name}: uniform",
            METHOD,
            drawn(lambda draw, out: ops.uniform(draw, 2.0, out), np.float64),
            2 * (2 * (words // 256) / 2**24 - 1),
        ),
        agree(f"{name}: normal", METHOD, drawn(ops.normal, np.float64), np.array([box_muller(w) for w in words])),
        agree(
            f"{name}: kept units",
            METHOD,
            np.concatenate([drawn(kept(keep), "uint8").astype(int) for keep in (0.8, 0.5, 0.1)]),
            np.concatenate([words < keep * 2**32 for keep in (0.8, 0.5, 0.1)]).astype(int),
        ),
    ]


def box_muller(words: np.ndarray) -> list[float]:
    """Box and Muller (1958), one pair after the other"""
    out = []
    for a, b in words.reshape(-1, 2):
        radius, angle = sqrt(-2 * log((a // 256 + 1) / 2**24)), 2 * pi * (b // 256) / 2**24
        out += [radius * cos(angle), radius * sin(angle)]
    return out


def check_tie(ops: Ops, name: str) -> list[Result]:
    """One unit with the pieces 2 x_2, 2 x_1 + x_2 and 2 x_1 + x_2: of the pieces that tie the lowest gets everything.

    x = (1, 2) makes them 4, 4, 4, so that the first wins; x = (1, -1) makes them -2, 1, 1, and the second wins.
    """
    network = Sequential(Maxout(2, 1, 3))
    params = Params(ops, network.shapes(), np.float64)
    W = np.array([[0.0, 2.0, 2.0], [2.0, 1.0, 1.0]])
    ops.copy(ops.asarray(W), out=params["0.W"])
    x, dy = np.array([[1.0, 2.0], [1.0, -1.0]]), np.array([[3.0], [5.0]])
    tape, grads = network.tape(ops, 2, np.float64), Grads(params.like())
    y = ops.to_host(network.forward(ops, params, ops.asarray(x), tape))
    dx = ops.to_host(network.backward(ops, params, ops.asarray(dy), tape, grads))
    dz = np.array([[3.0, 0.0, 0.0], [0.0, 5.0, 0.0]])
    found = {"dx": dx} | {f"d{n}": ops.to_host(view) for n, view in grads.target.items()}
    expected = {"dx": dz @ W.T, "d0.W": x.T @ dz, "d0.b": dz.sum(axis=0)}
    return [agree(f"{name}: y", METHOD, y, np.array([[4.0], [1.0]]))] + [
        agree(f"{name}: {quantity}", METHOD, found[quantity], answer) for quantity, answer in expected.items()
    ]


def check_large_logits(ops: Ops, name: str) -> list[Result]:
    """Logits of 1000 and -1000, real and fake: e^1000 is no number, but  log(1 + e^1000) = 1000  to the last bit."""
    logits = np.array([[1000.0], [-1000.0]])
    slopes = NON_SATURATING.d_backward(ops, ops.asarray(logits[::-1].copy()), 1.0, ops.empty((2, 1), np.float64))
    g_losses = [loss.g_loss(logits) for loss in (NON_SATURATING, SATURATING)]
    return [
        agree(f"{name}: value", METHOD, np.array([value(logits, logits)]), np.array([-1000.0])),
        agree(f"{name}: losses of G", METHOD, np.array(g_losses), np.array([500.0, -500.0])),
        agree(f"{name}: dlogits", METHOD, ops.to_host(slopes), np.array([[-1.0], [1.0]])),
    ]


def check_adam(ops: Ops, name: str) -> list[Result]:
    """Three updates of five weights by algorithm 1 of Kingma and Ba (2015), in Python's own numbers."""
    gradients = [[0.5, -2.0, 1e-3, 0.0, 3e-8], [-0.1, -2.0, 4e-3, 1.0, 1e-8], [0.3, 5.0, -1e-3, 0.0, 2e-8]]
    lr, decay, beta1, beta2, epsilon = 0.1, 1.5, 0.8, 0.95, 1e-8
    params = Params(ops, {"0.b": (5,)}, np.float64)
    clock = ops.clock(ExponentialDecay(lr, decay), ExponentialDecay(0.0))
    optimiser = Adam(params, clock, beta1, beta2, epsilon)
    for gradient in gradients:
        ops.copy(ops.asarray(gradient), out=optimiser.grads.target["0.b"])
        optimiser.update(Count(clock))
        ops.tick(clock)

    theta, first, second = [0.0] * 5, [0.0] * 5, [0.0] * 5
    for t, gradient in enumerate(gradients, start=1):
        for i, g in enumerate(gradient):
            first[i] = beta1 * first[i] + (1 - beta1) * g
            second[i] = beta2 * second[i] + (1 - beta2) * g * g
            unbiased, variance = first[i] / (1 - beta1**t), second[i] / (1 - beta2**t)
            theta[i] -= lr / decay ** (t - 1) * unbiased / (sqrt(variance) + epsilon)
    return [agree(f"{name}: theta", METHOD, ops.to_host(params["0.b"]), np.array(theta))]


def check_column_norms(ops: Ops, name: str) -> list[Result]:
    """Columns (3, 4) and (.6, .8) of lengths 5 and 1, at most 2.5: the first is halved, the second stays."""
    W = ops.asarray([[3.0, 0.6], [4.0, 0.8]])
    ops.limit_column_norms(W, 2.5)
    return [agree(f"{name}: W", METHOD, ops.to_host(W), np.array([[1.5, 0.6], [2.0, 0.8]]))]


CHECKS: dict[str, Callable[[Ops, str], list[Result]]] = {
    "Philox4x32-10": check_philox,
    "Maxout at a tie": check_tie,
    "Logits of 1000": check_large_logits,
    "Adam": check_adam,
    "Column norms": check_column_norms,
}
"""{the name that its rows begin with: a check of a backend}"""
