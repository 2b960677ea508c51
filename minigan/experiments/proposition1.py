"""Proposition 1, measured: for a G that stands still, D learns D*(x) = p_data(x) / (p_data(x) + p_g(x))."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigan import backends
from minigan.data import Mixture
from minigan.experiments import style, theory
from minigan.experiments.finding import Finding
from minigan.experiments.lone_discriminator import LoneDiscriminator, Source
from minigan.experiments.theory import Grid
from minigan.files.colours import BLUE
from minigan.game.losses import probability
from minigan.game.optim import Still
from minigan.game.player import GENERATOR, Player
from minigan.game.priors import Prior
from minigan.generator.sampler import Sampler
from minigan.layers import Linear, ReLU, Sequential, Sigmoid
from minigan.layers.initialisers import Constant, Normal

TITLE = "Proposition 1"
SECONDS = (15, 130)
HAS_MASS = 0.01
"""D is compared with D* where p_data + p_g is at least this share of its maximum: elsewhere D meets few points."""
MEAN_ERROR, SUP_ERROR = 0.02, 0.15


@dataclass(frozen=True)
class Case:
    """A pair of densities, p_data and a p_g that stands still, on a grid where both are known."""

    name: str
    p_data: Mixture
    source: Source
    p_g: np.ndarray
    grid: Grid


@dataclass(frozen=True)
class Measured:
    """What a trained D is worth against D*, on the cells of the case's grid.

    logits, optimal  (N,) of D and of D*
    heavy            (N,) the cells with mass
    sup, mean        sup |D - D*| over the heavy cells; the integral of |D - D*| (p_data + p_g) / 2
    value, criterion  V(D, G) and V(D*, G)
    """

    logits: np.ndarray
    optimal: np.ndarray
    heavy: np.ndarray
    sup: float
    mean: float
    value: float
    criterion: float


def monotone_generator(seed: int) -> Sampler:
    """A network of sigmoids on a normal z with no weight below 0, so that G'(z) > 0 throughout."""
    ops = backends.get("numpy")
    network = Sequential(Linear(1, 3, Normal(1.0)), Sigmoid(), Linear(3, 1, Normal(8.0), Constant(-6.8)))
    player = Player(ops, network, np.dtype("float64"), Still)
    player.initialise(seed, GENERATOR)
    for name, view in player.params.items():
        if name.endswith(".W"):
            ops.copy(ops.asarray(np.abs(ops.to_host(view))), out=view)
    return Sampler(ops, network, player.params, Prior("normal", 1), {})


def cases() -> list[Case]:
    """Two mixtures on the line; a mixture and what a monotone G makes of a normal z; two mixtures in the plane."""
    line = Grid(-6, 7, 1300)
    pair = Mixture("two modes", np.array([[-2.0], [1.5]]), 0.6), Mixture("two others", np.array([[-0.5], [2.5]]), 0.9)

    generator = monotone_generator(seed=5)
    z, mass = theory.latent_cells("normal", 4000)
    made = theory.pushed_forward(generator.generate(z[:, None])[:, 0], mass, line.edges)

    plane = Grid(-3.5, 3.5, 140, n=2)
    corners = Mixture("corners", np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]]), 0.5)
    cross = Mixture("cross", np.array([[-1.2, 0.0], [0, -1.2], [1.2, 0]]), 0.6)
    return [
        Case("mixtures on the line", pair[0], pair[1], pair[1].density(line.points), line),
        Case("a monotone G on the line", pair[0], generator, made, line),
        Case("mixtures in the plane", corners, cross, cross.density(plane.points), plane),
    ]


def measured(case: Case, discriminator: LoneDiscriminator) -> Measured:
    """D against D* on the case's grid."""
    p_data, p_g, v = case.p_data.density(case.grid.points), case.p_g, case.grid.volume
    logits, optimal = discriminator.logits(case.grid.points), theory.optimal_logits(p_data, p_g)
    mass = (p_data + p_g) / 2
    heavy = mass >= HAS_MASS * mass.max()
    error = np.where(mass > 0, np.abs(probability(logits) - probability(optimal)), 0.0)
    return Measured(
        logits,
        optimal,
        heavy,
        float(error[heavy].max()),
        float(v * np.sum(error * mass)),
        theory.value(logits, p_data, p_g, v),
        theory.criterion(p_data, p_g, v),
    )


def run(out: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Finding:
    """Train a D on each pair of densities, alone, and lay it beside D*."""
    steps, m = (2500, 512) if quick else (20000, 1024)
    results = []
    for case in cases():
        width, n = 32 * case.grid.n, case.grid.n
        layers = Linear(n, width, Normal(0.5)), ReLU(), Linear(width, width, Normal((2 / width) ** 0.5)), ReLU()
        network = Sequential(*layers, Linear(width, 1, Normal(0.1)))
        result = measured(case, LoneDiscriminator(network, seed, steps, m).train(case.p_data, case.source))
        say(f"{case.name}: sup |D - D*| = {result.sup:.3f}, mean {result.mean:.4f} after {steps} steps of D")
        results.append((case, result))

    sup, mean = max(r.sup for _, r in results), max(r.mean for _, r in results)
    numbers: dict[str, float] = {"steps": steps, "batch_size": m}
    for case, r in results:
        entry = {"sup_error": r.sup, "mean_error": r.mean, "value": r.value, "value_at_optimum": r.criterion}
        numbers |= {f"{case.name}: {name}": value for name, value in entry.items()}
    return Finding(
        title=TITLE,
        paper="For G fixed, the optimal discriminator is D*(x) = p_data(x) / (p_data(x) + p_g(x)).",
        ours=(
            f"D, trained alone for {steps} steps on samples of three pairs of densities, is within {mean:.4f} of D* in "
            f"the mean and {sup:.3f} at worst where there is mass (p_data + p_g above {HAS_MASS:.0%} of its maximum); "
            f"asked for: below {MEAN_ERROR} and {SUP_ERROR}."
        ),
        holds=mean < MEAN_ERROR and sup < SUP_ERROR,
        numbers=numbers,
        pictures=(
            _picture_of_the_line(out / "proposition-1.png", results[:2]),
            _picture_of_the_plane(out / "proposition-1-plane.png", *results[2]),
        ),
        table=(
            ("p_data and p_g", "sup |D - D*|", "mean |D - D*|", "V(D, G)", "V(D*, G)"),
            *((c.name, f"{r.sup:.4f}", f"{r.mean:.4f}", f"{r.value:.4f}", f"{r.criterion:.4f}") for c, r in results),
        ),
    )


def _picture_of_the_line(path: Path, results: list[tuple[Case, Measured]]) -> Path:
    """Above D and D*, below the p_g that D implies, p_data e^-logit, over the p_g there is."""
    picture, panels = style.figure(len(results), 2, width=5.2, height=2.8, sharex=True)
    for i, (case, r) in enumerate(results):
        x, p_data = case.grid.side, case.p_data.density(case.grid.points)
        above, below = panels[i], panels[i + len(results)]
        above.plot(x, probability(r.optimal), **style.D_STAR)
        above.plot(x, np.where(r.heavy, probability(r.logits), np.nan), **style.D)
        above.set(title=case.name, ylim=(-0.03, 1.03))
        below.plot(x, p_data, **style.P_DATA)
        below.plot(x, case.p_g, **style.P_G)
        implied = np.where(r.heavy, theory.implied_density(p_data, r.logits), np.nan)
        below.plot(x, implied, color=BLUE, linestyle="--", linewidth=1.2, label=r"$p_{data}\, e^{-logit\,D}$")
        below.set(xlabel="x", ylim=(0, 1.3 * max(p_data.max(), case.p_g.max())))
        for panel in (above, below):
            panel.legend(fontsize=8)
    panels[0].set_ylabel("D")
    panels[len(results)].set_ylabel("density")
    return style.save(picture, path)


def _picture_of_the_plane(path: Path, case: Case, r: Measured) -> Path:
    """D* and D as maps with their contours, and how far apart they are."""
    picture, panels = style.figure(3, width=3.8, height=3.4, sharey=True)
    shape, side = (case.grid.cells,) * 2, case.grid.side
    heavy = r.heavy.reshape(shape)
    optimal, learned = (np.where(heavy, probability(l).reshape(shape), np.nan) for l in (r.optimal, r.logits))
    maps = {r"$D^*$": optimal, r"$D$, learned": learned, r"$|D - D^*|$": np.abs(learned - optimal)}
    for panel, (title, values) in zip(panels, maps.items()):
        limit, colours = (0.1, "magma_r") if "|" in title else (1, "RdBu")
        image = panel.pcolormesh(side, side, values.T, vmin=0, vmax=limit, cmap=colours, rasterized=True)
        if limit == 1:
            panel.contour(side, side, values.T, np.arange(0.1, 1, 0.2), colors="black", linewidths=0.6)
        panel.set(title=title, xlabel="$x_1$", aspect="equal")
        picture.colorbar(image, ax=panel, shrink=0.8)
    panels[0].set_ylabel("$x_2$")
    return style.save(picture, path)
