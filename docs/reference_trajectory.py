"""The reference trajectory that minigan ships with:      python docs/reference_trajectory.py

A few short games of Algorithm 1, played by docs/paper_on_a_page.py from nothing but a seed: weights, minibatches, z and
masks are drawn here by the published rules, in Python's own integers.  Nothing of minigan is imported, so that
`minigan.checks.reference_trajectory` can hold the library to what this program finds.  Writes
minigan/reference/trajectory.json.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import paper_on_a_page as page

FILE = Path(__file__).parents[1] / "minigan" / "reference" / "trajectory.json"

SETTINGS = {
    "seed": 2**33 + 2014,
    "iterations": 8,
    "m": 5,
    "latent": 3,
    "hidden": 4,
    "features": 6,
    "weights": 0.9,
    "bias": 0.1,
    "lr": 0.2,
    "lr_decay": 1.1,
    "lr_floor": 0.12,
    "momentum": 0.5,
    "momentum_final": 0.8,
    "momentum_epochs": 4,
}
"""W begins uniform on (-weights, weights), every b as `bias`"""

GAMES = [
    {"updates": "alternating", "k": 1, "loss": "non-saturating", "prior": "uniform", "optimizer": "momentum"},
    {"updates": "alternating", "k": 2, "loss": "saturating", "prior": "uniform", "optimizer": "momentum"},
    {"updates": "simultaneous", "k": 1, "loss": "non-saturating", "prior": "uniform", "optimizer": "momentum"},
    {"updates": "simultaneous", "k": 2, "loss": "saturating", "prior": "normal", "optimizer": "momentum"},
    {"updates": "alternating", "k": 1, "loss": "non-saturating", "prior": "normal", "optimizer": "sgd"},
]

EXAMPLES = [[(7 * i * i + 3 * i * j + 5 * j) % 11 / 10 for j in range(SETTINGS["features"])] for i in range(13)]
"""(13, features): two minibatches of 5 an epoch, and three examples left over"""

SEED, M, N_Z, N_H, N = (SETTINGS[name] for name in ("seed", "m", "latent", "hidden", "features"))
LATENT, MINIBATCH, INITIAL_WEIGHTS, DROPOUT_DISCRIMINATOR = 0, 1, 64, 2048
"""streams of random numbers: the last word of the counter"""


# ---- Random numbers: docs/random-numbers.md ------------------------------------------------------------------------


def philox(c: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    """Philox4x32-10 (Salmon et al. 2011, section 5.3)"""
    (c0, c1, c2, c3), (k0, k1) = c, key
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c0, 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c2, 2**32)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3


def words(rows: int, width: int, iteration: int, substep: int, stream: int) -> np.ndarray:
    """(rows, width): word c mod 4 of block  r ceil(width / 4) + c div 4"""
    blocks, key = math.ceil(width / 4), (SEED % 2**32, SEED // 2**32)
    drawn = [philox((block, iteration, substep, stream), key) for block in range(rows * blocks)]
    return np.array(drawn).reshape(rows, 4 * blocks)[:, :width]


def uniform(word: np.ndarray, limit: float) -> np.ndarray:
    """On (-limit, limit), by the upper 24 bits"""
    return limit * (2 * (word // 256) / 2**24 - 1)


def normal(word: np.ndarray) -> np.ndarray:
    """Box and Muller (1958): neighbours (a, b) make a pair of N(0, 1)"""
    radius = np.sqrt(-2 * np.log((word[:, 0::2] // 256 + 1) / 2**24))
    angle = 2 * np.pi * (word[:, 1::2] // 256) / 2**24
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(word.shape)


def noise(prior: str, t: int, substep: int) -> np.ndarray:
    """z (M, N_Z)"""
    if prior == "normal":
        return normal(words(M, N_Z + N_Z % 2, t, substep, LATENT))[:, :N_Z]
    return uniform(words(M, N_Z, t, substep, LATENT), math.sqrt(3))


def masks(rows: int, t: int, substep: int) -> list[np.ndarray]:
    """Of D's three dropouts, which are its layers 0, 2 and 4: (rows, N), (rows, N_H), (rows, N_H)"""
    layers = zip((0, 2, 4), (N, N_H, N_H), page.KEEP)
    return [words(rows, w, t, substep, DROPOUT_DISCRIMINATOR + i) < int(keep * 2**32) for i, w, keep in layers]


def minibatch(number: int) -> np.ndarray:
    """x (M, N): the epoch's order sorts the examples by one 64-bit number each"""
    epoch, batch = divmod(number, len(EXAMPLES) // M)
    draws = [int(low) + int(high) * 2**32 for low, high in words(len(EXAMPLES), 2, epoch, 0, MINIBATCH)]
    order = sorted(range(len(EXAMPLES)), key=draws.__getitem__)
    return np.array(EXAMPLES)[order[batch * M : (batch + 1) * M]]


def initial(player: int, shapes: dict[str, tuple[int, int]]) -> dict[str, np.ndarray]:
    """{"0.W": W, "0.b": b, ...}: player 0 is G, player 1 is D"""
    theta = {}
    for layer, (n_in, n_out) in shapes.items():
        word = words(n_in, n_out, 0, player, INITIAL_WEIGHTS + 2 * int(layer))
        theta[f"{layer}.W"] = uniform(word, SETTINGS["weights"])
        theta[f"{layer}.b"] = np.full(n_out, SETTINGS["bias"])
    return theta


# ---- The games -----------------------------------------------------------------------------------------------------


def play(game: dict) -> dict:
    """What a game comes to: V, G's loss, mean D(x) and mean D(G(z)) of every iteration, and the last parameters."""
    hidden = page.PIECES * N_H
    named_g = initial(0, {"0": (N_Z, N_H), "2": (N_H, N_H), "4": (N_H, N)})
    named_d = initial(1, {"1": (N, hidden), "3": (N_H, hidden), "5": (N_H, 1)})
    theta_g, theta_d = list(named_g.values()), list(named_d.values())
    v_g, v_d = ([np.zeros_like(a) for a in theta] for theta in (theta_g, theta_d))
    k, saturating, measures = game["k"], game["loss"] == "saturating", []
    iterations_per_epoch = max(1, len(EXAMPLES) // M // k)

    for t in range(SETTINGS["iterations"]):
        lr = page.learning_rate(t, SETTINGS["lr"], SETTINGS["lr_decay"], SETTINGS["lr_floor"])
        epoch = 1 + t // iterations_per_epoch
        mu = page.ramp(epoch, SETTINGS["momentum"], SETTINGS["momentum_final"], SETTINGS["momentum_epochs"])
        if game["optimizer"] == "sgd":
            mu = 0
        drawn = [(minibatch(t * k + i), noise(game["prior"], t, i), masks(2 * M, t, i)) for i in range(k)]
        if game["updates"] == "alternating":
            fresh = noise(game["prior"], t, k), masks(M, t, k)
            l, l_g = page.alternating(theta_g, v_g, theta_d, v_d, drawn, *fresh, lr, mu, saturating)
        else:
            for batch in drawn[:-1]:
                d_alone(theta_g, theta_d, v_d, *batch, lr, mu)
            l, l_g = page.simultaneous(theta_g, v_g, theta_d, v_d, *drawn[-1], lr, mu, saturating)
        p = page.sigmoid(l)
        measures.append([page.value(l, M), page.g_loss(l_g, saturating), p[:M].mean(), p[M:].mean()])

    return game | {
        "measures": rounded(np.array(measures)),
        "generator": {name: rounded(a) for name, a in named_g.items()},
        "discriminator": {name: rounded(a) for name, a in named_d.items()},
    }


def d_alone(theta_g, theta_d, v_d, x, z, masks, lr, mu) -> None:
    """The step of D alone that comes before a joint one where k > 1, with the factor 1/2 of the authors' code"""
    fake, _ = page.generator(theta_g, z)
    l, tape = page.discriminator(theta_d, np.concatenate([x, fake]), masks)
    gradient, _ = page.discriminator_backward(theta_d, tape, page.d_slope(l, M) / 2)
    page.descend(theta_d, v_d, gradient, lr, mu)


def rounded(a: np.ndarray) -> list:
    """To 13 digits"""
    return [rounded(row) for row in a] if a.ndim > 1 else [float(f"{entry:.13g}") for entry in a]


def trajectory() -> dict:
    """All that the file holds."""
    return {"settings": SETTINGS, "examples": EXAMPLES, "games": [play(game) for game in GAMES]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FILE)
    path = parser.parse_args().out
    path.write_text(json.dumps(trajectory()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
