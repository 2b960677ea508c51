"""The game of game.py on a ring of eight spots:  python play.py [iterations]

It prints V, which is -log 4 = -1.386 where D can tell nothing, and draws data and samples to samples.png.
"""

from __future__ import annotations

import sys

import numpy as np

from minigan.teaching.course.game import KEEP, PIECES, discriminator, generator, iterate
from minigan.teaching.course.learn import Arrays, learning_rate, momentum
from minigan.teaching.course.losses import d_loss

M, K, LATENT, HIDDEN = 100, 1, 4, 64
ITERATIONS = 4000


def main(iterations: int) -> None:
    random = np.random.default_rng(0)

    def ring() -> np.ndarray:
        angle = random.integers(8, size=M) * np.pi / 4
        centre = 0.5 + 0.35 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return centre + 0.02 * random.standard_normal((M, 2))

    def noise() -> np.ndarray:
        return random.standard_normal((M, LATENT))

    def masks(rows: int) -> Arrays:
        return [random.random((rows, width)) < keep for width, keep in zip((2, HIDDEN), KEEP)]

    def weights(n_in: int, n_out: int) -> Arrays:
        return [random.standard_normal((n_in, n_out)) / np.sqrt(n_in), np.zeros(n_out)]

    theta_g = weights(LATENT, HIDDEN) + weights(HIDDEN, 2)
    theta_d = weights(2, PIECES * HIDDEN) + weights(HIDDEN, 1)
    players = (theta_g, [0 * a for a in theta_g], theta_d, [0 * a for a in theta_d])
    for t in range(iterations):
        minibatches = [(ring(), noise(), masks(2 * M)) for _ in range(K)]
        lr, mu = learning_rate(t, 0.2, 1.0006, 0.01), momentum(t, 0.5, 0.7, 10, 100)
        players = iterate(players, minibatches, (noise(), masks(M)), lr, mu, False)
        if t % 500 == 0 or t == iterations - 1:
            everything = [np.ones((2 * M, width)) * keep for width, keep in zip((2, HIDDEN), KEEP)]
            fake, _ = generator(players[0], noise())
            l, _ = discriminator(players[2], np.concatenate([ring(), fake]), everything)
            print(f"iteration {t:5}   V {-d_loss(l):.3f}")
    draw(ring(), np.concatenate([generator(players[0], noise())[0] for _ in range(5)]))


def draw(data: np.ndarray, samples: np.ndarray) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(4, 4), layout="constrained")
    axis.plot(*data.T, ".", color="#000000", markersize=6, label="data")
    axis.plot(*samples.T, ".", color="#E69F00", markersize=3, label="samples")
    axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axis.legend(loc="center")
    figure.savefig("samples.png", dpi=100)
    print("samples.png")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ITERATIONS)
