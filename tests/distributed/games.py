"""Games that P ranks play:  mpiexec -n P python games.py OUT.npz ITERATIONS ORDER STEP

Every order of play, k, optimiser and precision, so many iterations of each STEP-th; rank 0 writes the weights.
"""

from __future__ import annotations

import sys
from itertools import product

import numpy as np

from minigan import GAN, Dropout, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid, Uniform

M, LATENT, PIXELS = 12, 6, 16
RATES = {"sgd": 0.2, "momentum": 0.1, "adam": 0.002}
GAMES = [
    *product(("numpy",), ("alternating", "simultaneous"), (1, 3), RATES, ("float64", "float32")),
    *product(("numba",), ("alternating", "simultaneous"), (1,), ("momentum",), ("float64", "float32")),
]
"""(backend, updates, k, optimiser, precision)"""


def examples() -> np.ndarray:
    """Four epochs of a hundred iterations with k = 1."""
    return np.random.default_rng(3).integers(0, 256, (25 * M + 7, PIXELS)).astype(np.uint8)


def networks() -> tuple[Sequential, Sequential]:
    """Of every kind of layer, with weights large enough that both players move."""
    w = Uniform(0.3)
    g = Sequential(Linear(LATENT, 20, w), ReLU(), Dropout(0.9), Linear(20, PIXELS, w), Sigmoid())
    return g, Sequential(Dropout(0.8), Maxout(PIXELS, 12, 5, w), Dropout(0.5), Linear(12, 1, w))


def played(game: tuple[str, str, int, str, str], distributed: str | None = None, iterations: int = 100) -> GAN:
    """The GAN of one of GAMES."""
    backend, updates, k, optimiser, precision = game
    how = {"updates": updates, "k": k, "optimizer": optimiser, "lr": RATES[optimiser], "precision": precision}
    recipe = Recipe(seed=2**35 + 11, latent=LATENT, batch_size=M, max_column_norm=2.0, average=50, **how)
    gan = GAN(*networks(), recipe, backend, threads=1, distributed=distributed)
    return gan.fit(examples(), iterations=iterations, verbose=False)


def weights(gan: GAN) -> np.ndarray:
    """(n,) of G, of D, and the mean of G's."""
    players = gan.game.generator, gan.game.discriminator
    return np.concatenate([params.on_host() for params in (*(p.params for p in players), players[0].settled)])


def main(out: str, iterations: str, distributed: str, step: str) -> None:
    games = [(game, played(game, distributed, int(iterations))) for game in GAMES[:: int(step)]]
    if games[0][1].ranks.rank == 0:
        kept = {"/".join(map(str, game)): weights(gan) for game, gan in games}
        histories = {f"history/{'/'.join(map(str, game))}": gan.history_["diversity"][-1] for game, gan in games}
        np.savez(out, **kept, **histories, size=games[0][1].ranks.size)


if __name__ == "__main__":
    main(*sys.argv[1:])
