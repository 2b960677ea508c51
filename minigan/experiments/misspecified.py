"""A G that cannot represent the data: a Gaussian against a uniform p_data, and how good it becomes.

G(z) = a z + b with z ~ N(0, 1), so p_g = N(b, a^2), and p_data is uniform on (-sqrt 3, sqrt 3), of variance 1.  The
paper's proof needs "enough capacity"; without it the minimax game still descends C(G) = -log 4 + 2 JSD over the
Gaussians there are.

With D = D*, the derivative of the saturating objective is that of 2 JSD; that of -E log D* is the derivative of
KL(p_g || p_data) - 2 JSD (Arjovsky and Bottou 2017, theorem 2.5): where JSD cannot become 0, it ends elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from pathlib import Path

import numpy as np

from minigan.backends import Array, Ops
from minigan.backends.clock import Count
from minigan.experiments import style, theory
from minigan.experiments.finding import Finding
from minigan.experiments.theory import Grid
from minigan.files.colours import GREEN, ORANGE
from minigan.gan import GAN
from minigan.layers import Linear, ReLU, Sequential
from minigan.layers.initialisers import Constant, Normal
from minigan.options.recipe import LossName, Recipe
from minigan.rng import Draw

TITLE = "A G that cannot represent the data"
SECONDS = (14, 90)
LIMIT = sqrt(3)
GRID = Grid(-4 * LIMIT, 4 * LIMIT, 1600)
P_DATA = theory.uniform(GRID.side, LIMIT)
START = {"b": 1.0, "a": 0.5}
TAIL = 0.2
"""p_g is read off as the mean of (b, a) over this last part of the run: it wanders about where it ends."""
EXCESS, OFF = 0.005, 0.1
K = 5


class UniformBatches:
    """Minibatches of the uniform density on (-sqrt 3, sqrt 3), drawn afresh."""

    batches_per_epoch = 500

    def __init__(self, ops: Ops):
        self.ops = ops

    def prepare(self, iteration: int, k: int, ahead: int = 0) -> None:
        """Nothing to lay out."""

    def minibatch(self, draw: Draw, count: Count, out: Array) -> Array:
        """Fill out (B, 1)."""
        return self.ops.uniform(draw, LIMIT, out)


def divergence(b: float, a: float) -> float:
    """JSD(p_data, N(b, a^2)) in nats."""
    return theory.jensen_shannon(P_DATA, theory.gaussian(GRID.side, b, a), GRID.volume)


def best_gaussian(rounds: int = 5, ticks: int = 9) -> tuple[float, float]:
    """(b, a) of the least JSD: on a grid of both, then on ever finer ones around the best so far."""
    b, a, reach = 0.0, 1.2, 1.0
    for _ in range(rounds):
        around = np.linspace(-reach, reach, ticks)
        b, a = min(((b + i, a + j) for i in around for j in around), key=lambda at: divergence(*at))
        reach *= 2 / (ticks - 1)
    return float(b), float(a)


def played(loss: LossName, seed: int, iterations: int) -> np.ndarray:
    """(b, |a|) after each iteration of the game with this objective of G: (iterations, 2)."""
    generator = Sequential(Linear(1, 1, Constant(START["a"]), Constant(START["b"])))
    layers = Linear(1, 32, Normal(0.5)), ReLU(), Linear(32, 32, Normal(0.25)), ReLU(), Linear(32, 1, Normal(0.1))
    recipe = Recipe(
        seed=seed, precision="float64", latent=1, prior="normal", batch_size=256, k=K, loss=loss,
        optimizer="adam", lr=0.01, lr_decay=30 ** (1 / iterations), beta1=0.5,
    )  # fmt: skip
    gan = GAN(generator, Sequential(*layers), recipe)
    source = UniformBatches(gan.ops)
    gan.begin(source.batches_per_epoch, {})
    path = []
    with gan.ops.session():
        for _ in range(iterations):
            gan.step(source)
            b, W = (gan.ops.to_host(gan.game.generator.params[name]) for name in ("0.b", "0.W"))
            path.append((b[0], abs(W[0, 0])))
    return np.array(path)


def run(out: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Finding:
    """Find the best Gaussian by search, then play the game with both objectives of G."""
    iterations = 1200 if quick else 12000
    best = best_gaussian()
    say(f"the best Gaussian: mean {best[0]:.3f}, deviation {best[1]:.3f}, JSD {divergence(*best):.5f}")
    losses: tuple[LossName, ...] = ("saturating", "non-saturating")
    paths = {loss: played(loss, seed, iterations) for loss in losses}
    tails = {loss: path[-int(TAIL * iterations) :] for loss, path in paths.items()}
    ends = {loss: (tail[:, 0].mean(), tail[:, 1].mean()) for loss, tail in tails.items()}
    for loss, (b, a) in ends.items():
        say(f"{loss}: mean {b:.3f}, deviation {a:.3f}, JSD {divergence(b, a):.5f}")

    (b, a), other = ends.values()
    excess, off = divergence(b, a) - divergence(*best), float(np.hypot(b - best[0], a - best[1]))
    return Finding(
        title=TITLE,
        paper="With enough capacity p_g converges to p_data (section 4); of a G without it the paper says nothing.",
        ours=(
            f"G can only make Gaussians, p_data is uniform. By search the best has deviation {best[1]:.3f} and JSD "
            f"{divergence(*best):.4f}. The minimax game (k = {K}) ends at mean {b:.3f}, deviation {a:.3f}, JSD "
            f"{divergence(b, a):.4f}: {off:.3f} from the best, {excess:.4f} nats above it (asked for: below {OFF} and "
            f"{EXCESS}). The non-saturating objective, which is no JSD, ends at deviation {other[1]:.3f}, JSD "
            f"{divergence(*other):.4f}."
        ),
        holds=excess < EXCESS and off < OFF,
        numbers={
            "iterations": iterations,
            "k": K,
            "best": {"mean": best[0], "deviation": best[1], "jsd": divergence(*best)},
            **{
                loss: {"mean": float(b), "deviation": float(a), "jsd": divergence(b, a)}
                for loss, (b, a) in ends.items()
            },
        },
        pictures=(_picture(out / "misspecified.png", best, paths, ends),),
        table=(
            ("", "mean", "deviation", "JSD"),
            *(
                (name, f"{at[0]:.3f}", f"{at[1]:.3f}", f"{divergence(*at):.5f}")
                for name, at in (("best by search", best), *ends.items())
            ),
        ),
    )


def _picture(
    path: Path, best: tuple[float, float], paths: dict[LossName, np.ndarray], ends: dict[LossName, tuple[float, float]]
) -> Path:
    """The densities at the end, and both ways over the map of JSD."""
    picture, (densities, ways) = style.figure(2, width=5.0, height=3.8)
    x, near = GRID.side, np.abs(GRID.side) < 2 * LIMIT
    densities.plot(x[near], P_DATA[near], **style.P_DATA)
    densities.plot(x[near], theory.gaussian(x, *best)[near], color="silver", linewidth=3, label="best Gaussian")
    looks: dict[LossName, tuple[str, str]] = {"saturating": (GREEN, "-"), "non-saturating": (ORANGE, "--")}
    for loss, (colour, line) in looks.items():
        label = f"$p_g$, {loss}"
        densities.plot(x[near], theory.gaussian(x, *ends[loss])[near], color=colour, linestyle=line, label=label)
    densities.set(xlabel="x", ylim=(0, 0.8))
    densities.legend(fontsize=8)

    means, deviations = np.linspace(-0.5, 1.1, 41), np.linspace(0.4, 1.3, 41)
    levels = np.array([[divergence(b, a) for b in means] for a in deviations])
    drawn = ways.contour(means, deviations, levels, 14, colors="grey", linewidths=0.6)
    ways.clabel(drawn, fontsize=7)
    for loss, (colour, _) in looks.items():
        ways.plot(*paths[loss].T, color=colour, linewidth=1, label=loss)
    ways.plot(*best, "k*", markersize=10, label="best")
    ways.set(xlabel="mean of $p_g$", ylabel="deviation of $p_g$", title=r"the way over $JSD(p_{data}, p_g)$")
    ways.legend(fontsize=8, loc="upper left")
    return style.save(picture, path)
