"""Figure 1 of the paper on a training run of our own: p_data, p_g, D, D* and the arrows z -> x = G(z).

z is uniform on a line and so is x, p_data = N(0, 1), and G begins as a monotone map to a place beside it, "near
convergence" as in the paper.  The game is algorithm 1 as printed, after an inner loop of FIRST_LOOP steps in which
D can be seen coming close to D* while G stands still.  p_g is no histogram: it is p_z pushed through G.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from minigan.data import Mixture, minibatches
from minigan.experiments import style, theory
from minigan.experiments.finding import Finding
from minigan.experiments.inner_loop import inner_loop
from minigan.experiments.theory import Grid
from minigan.game.losses import probability
from minigan.gan import GAN
from minigan.layers import Linear, ReLU, Sequential, Sigmoid
from minigan.layers.initialisers import Constant, Normal
from minigan.options.recipe import Recipe
from minigan.rng import Draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Figure 1"
SECONDS = (15, 180)
GRID = Grid(-6, 6, 600)
P_DATA = theory.gaussian(GRID.side, 0, 1)
LATENT, MASS = theory.latent_cells("uniform", 2000)
FIRST_LOOP, PARTLY, K = 300, 10, 10
START = -1.05
"""G's first bias: it puts p_g to the right of p_data."""
FOLLOWED = 5
"""The iteration at which G has visibly followed D."""
ERRORS = ("sup_error", "mean_error", "mean_distance_from_half")
COMPARED = 0.1
"""sup |D - D*| is over the x where p_data and p_g both have this share of their maxima: D* jumps where p_g ends."""
JSD_AT_END, FROM_HALF = 0.05, 0.1
FRAMES = 40


@dataclass(frozen=True)
class Spread:
    """Biases from -limit to limit in equal steps: units that see one number each begin at a place of their own."""

    limit: float

    def __call__(self, shape: tuple[int, ...], draw: Draw) -> np.ndarray:
        return np.linspace(-self.limit, self.limit, shape[0])


@dataclass(frozen=True, eq=False)
class Moment:
    """The game as it stands.

    name  what has just happened
    x     (cells of z + 1,) G at the edges of LATENT's cells
    d     (cells of x,) D on GRID
    """

    name: str
    x: np.ndarray
    d: np.ndarray

    @cached_property
    def p_g(self) -> np.ndarray:
        return theory.pushed_forward(self.x, MASS, GRID.edges)

    @cached_property
    def optimal(self) -> np.ndarray:
        """D* (cells of x,)"""
        return probability(theory.optimal_logits(P_DATA, self.p_g))

    @property
    def numbers(self) -> dict[str, Any]:
        """JSD; how far D is from D*, at worst where both densities have mass and in the mean; and from 1/2."""
        both = (P_DATA >= COMPARED * P_DATA.max()) & (self.p_g >= COMPARED * self.p_g.max())
        error, mass = np.abs(self.d - self.optimal), (P_DATA + self.p_g) / 2 * GRID.volume
        return {
            "jsd": theory.jensen_shannon(P_DATA, self.p_g, GRID.volume),
            "sup_error": float(error[both].max(initial=0.0)),
            "mean_error": float(error @ mass),
            "mean_distance_from_half": float(np.abs(self.d - 0.5) @ mass),
            "monotone": bool((np.diff(self.x) > 0).all() or (np.diff(self.x) < 0).all()),
        }


@dataclass(frozen=True)
class NormalSteps:
    """Weights that make n sigmoids, side by side along z, a staircase of the quantiles of N(0, 1).

    W (n, 1):  W_j = Phi^-1((j + 3/2) / (n + 1)) - Phi^-1((j + 1/2) / (n + 1)),  j = 0 .. n - 1
    """

    def __call__(self, shape: tuple[int, ...], draw: Draw) -> np.ndarray:
        n, _ = shape
        return np.diff([NormalDist().inv_cdf((j + 0.5) / (n + 1)) for j in range(n + 1)])[:, None]


def game(seed: int, m: int, iterations: int) -> GAN:
    """G: 24 sigmoids side by side along z, at first a soft staircase.  D: two layers of relus."""
    generator = Sequential(
        Linear(1, 24, Constant(4.0), Spread(8.4)), Sigmoid(), Linear(24, 1, NormalSteps(), Constant(START))
    )
    discriminator = Sequential(
        Linear(1, 40, Normal(1.0), Spread(3.0)), ReLU(), Linear(40, 40, Normal(0.2)), ReLU(), Linear(40, 1, Normal(0.1))
    )
    recipe = Recipe(
        seed=seed, precision="float64", latent=1, prior="uniform", batch_size=m, k=K, loss="saturating",
        optimizer="momentum", momentum=0.9, momentum_final=0.9, lr=0.03, lr_decay=10 ** (1 / iterations),
    )  # fmt: skip
    return GAN(generator, discriminator, recipe)


def moment(gan: GAN, name: str) -> Moment:
    """How the game stands now."""
    return Moment(name, gan.sampler().generate(LATENT[:, None])[:, 0], gan.discriminate(GRID.points))


def played(gan: GAN, iterations: int) -> Iterator[Moment]:
    """The whole game: at steps of the first inner loop, and then at iterations, each about a tenth after the last."""
    source = minibatches(gan.ops, Mixture.gaussian(), gan.recipe.batch_size, gan.recipe.seed, gan.recipe.precision)
    gan.begin(source.batches_per_epoch, {})
    inner, outer = _spaced(FIRST_LOOP, PARTLY), _spaced(iterations, FOLLOWED)
    with gan.ops.session():
        for step in inner_loop(gan, source, FIRST_LOOP):
            if step in inner:
                yield moment(gan, f"{step} steps of D")
        for iteration in range(1, iterations + 1):
            gan.step(source)
            if iteration in outer:
                yield moment(gan, f"iteration {iteration}")


def _spaced(last: int, also: int) -> set[int]:
    """At most FRAMES / 2 whole numbers from 1 to `last`, dense at first, `also` among them."""
    return {int(round(i)) for i in np.geomspace(1, last, FRAMES // 2)} | {also}


def run(out: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Finding:
    """Play the game and draw it at the paper's four moments, and all of it as an animation."""
    m, iterations = (256, 600) if quick else (1024, 6000)
    moments = []
    for now in played(game(seed, m, iterations), iterations):
        moments.append(now)
        if len(moments) % 8 == 0:
            say(f"{now.name}: JSD {now.numbers['jsd']:.4f}, mean |D - D*| {now.numbers['mean_error']:.3f}")
    by_name = {now.name: now for now in moments}
    names = (f"{PARTLY} steps of D", f"{FIRST_LOOP} steps of D", f"iteration {FOLLOWED}", f"iteration {iterations}")
    a, b, c, d = four = [by_name[name].numbers for name in names]
    say("drawing")
    return Finding(
        title=TITLE,
        paper=(
            "(a) near convergence, D partly accurate; (b) D converges to D* = p_data / (p_data + p_g); (c) G follows "
            "D's gradient to where data is likelier; (d) p_g = p_data and D = 1/2."
        ),
        ours=(
            f"Mean |D - D*| goes from {a['mean_error']:.3f} (a) to {b['mean_error']:.3f} (b) while G stands still; JSD "
            f"from {b['jsd']:.3f} (b) over {c['jsd']:.3f} (c) to {d['jsd']:.3f} (d), where D is "
            f"{d['mean_distance_from_half']:.3f} from 1/2 in the mean. Asked for: the first halved, JSD falling and "
            f"below {JSD_AT_END} at the end, D within {FROM_HALF} of 1/2. JSD is not 0: z is bounded, so p_g ends in a "
            "cliff where G does."
        ),
        holds=(
            b["mean_error"] < a["mean_error"] / 2
            and c["jsd"] < b["jsd"]
            and d["jsd"] < JSD_AT_END
            and d["mean_distance_from_half"] <= FROM_HALF
        ),
        numbers={
            "k": K,
            "batch_size": m,
            "iterations": iterations,
            **{letter: numbers for letter, numbers in zip("abcd", four)},
        },
        pictures=(
            _panels(out / "figure-1.png", [by_name[name] for name in names]),
            _animation(out / "figure-1.gif", moments),
        ),
        table=(
            ("moment", "JSD(p_data, p_g)", "sup |D - D*|", "mean |D - D*|", "mean |D - 1/2|"),
            *(
                (f"({letter}) {name}", f"{n['jsd']:.4f}", *(f"{n[error]:.3f}" for error in ERRORS))
                for letter, name, n in zip("abcd", names, four)
            ),
        ),
    )


# ---- Pictures --------------------------------------------------------------------------------------------------


def _draw(curves: Axes, arrows: Axes, now: Moment, title: str) -> None:
    """A panel of the paper's figure: the curves above, the lines of x and z with G's arrows below."""
    x = GRID.side
    curves.axhline(0.5, **style.REFERENCE)
    curves.plot(x, P_DATA, **style.P_DATA)
    curves.plot(x, now.p_g, **style.P_G)
    curves.plot(x, now.optimal, **style.D_STAR)
    curves.plot(x, now.d, **style.D)
    curves.set(xlim=(-4, 4), ylim=(0, 1.02), xticks=[], yticks=[0, 0.5, 1])
    curves.set_title(title, fontsize=10)

    for height, name in ((1, "x"), (0, "z")):
        arrows.axhline(height, color="black", linewidth=0.8)
        arrows.text(-3.95, height + 0.06, name, fontsize=10, style="italic")
    for cell in np.linspace(0, len(LATENT) - 1, 21).astype(int):
        look = {"arrowstyle": "->", "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
        arrows.annotate("", (now.x[cell], 1), (LATENT[cell], 0), arrowprops=look)
    for end, name in ((-sqrt(3), r"$-\sqrt{3}$"), (sqrt(3), r"$\sqrt{3}$")):
        arrows.text(end, -0.08, name, ha="center", va="top", fontsize=8)
    arrows.set(xlim=(-4, 4), ylim=(-0.4, 1.3))
    arrows.axis("off")


def _panels(path: Path, moments: list[Moment]) -> Path:
    """The four moments side by side."""
    n = len(moments)
    picture, axes = style.figure(n, 2, width=3.2, height=2.1, height_ratios=(2.4, 1))
    for i, now in enumerate(moments):
        _draw(axes[i], axes[n + i], now, f"({'abcd'[i]}) {now.name}, JSD {now.numbers['jsd']:.3f}")
    handles, labels = axes[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=n, fontsize=9, frameon=False)
    return style.save(picture, path)


def _animation(path: Path, moments: list[Moment]) -> Path:
    """All moments one after the other; the last stays for a while."""
    from matplotlib.animation import PillowWriter

    picture, (curves, arrows) = style.figure(1, 2, width=4.4, height=2.0, height_ratios=(2.4, 1))
    writer = PillowWriter(fps=5)
    with writer.saving(picture, path, dpi=80):
        for now in [*moments, *moments[-1:] * 8]:
            curves.clear()
            arrows.clear()
            _draw(curves, arrows, now, f"{now.name}, JSD {now.numbers['jsd']:.3f}")
            curves.legend(loc="upper right", fontsize=6)
            writer.grab_frame()
    return path
