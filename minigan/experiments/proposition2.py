"""Proposition 2, measured: with D = D* at each step and small enough steps on p_g itself, p_g becomes p_data.

p_g is a table of 100 probabilities, and C(G) a convex function of it.  Two ways to go downhill and stay a density:

    mirror descent      p_g <- p_g e^(-eta dC/dp_g) / Z = p_g (1 - D*)^-eta / Z
    descent on logits   p_g = e^theta / Z,  theta <- theta - eta p_g (dC/dp_g - sum_x p_g dC/dp_g)

The first is convex optimisation, as in the proposition.  With eta = 1 it is  p_g <- (p_data + p_g) / 2:  each step
halves the distance.  Near p_data a step multiplies it by 1 - eta/2, so above eta = 4 there is no convergence.  The
second is what a G with parameters does, "in practice": C is not convex in theta, and where p_g is small so is the
gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from minigan import rng
from minigan.experiments import style, theory
from minigan.experiments.finding import Finding
from minigan.experiments.theory import Grid
from minigan.files.colours import BLUE, GREEN, ORANGE, VERMILLION
from minigan.rng import Draw, Stream

TITLE = "Proposition 2"
SECONDS = (3, 3)
BINS = Grid(-4, 4, 100)
SMALL, HALVING, TOO_LARGE = 0.1, 1.0, 5.0
LOGIT_STEP = 20.0
CLOSE = 1e-6
"""JSD in nats at which p_g counts as p_data."""
ROUNDING = 1e-15
"""A JSD that rises by less than this does not rise."""

Step = Callable[[np.ndarray, np.ndarray], np.ndarray]


def mirror_step(p_data: np.ndarray, p_g: np.ndarray, eta: float) -> np.ndarray:
    """p_g <- p_g e^(-eta dC/dp_g) / Z"""
    return _normalised(np.log(p_g) - eta * theory.criterion_gradient(p_data, p_g))


def logit_step(p_data: np.ndarray, p_g: np.ndarray, eta: float) -> np.ndarray:
    """theta <- theta - eta dC/dtheta for p_g = e^theta / Z,  dC/dtheta = p_g (dC/dp_g - sum_x p_g dC/dp_g)"""
    by_p = theory.criterion_gradient(p_data, p_g)
    return _normalised(np.log(p_g) - eta * p_g * (by_p - p_g @ by_p))


def _normalised(theta: np.ndarray) -> np.ndarray:
    """e^theta / Z, with no probability below the least that a float can invert."""
    p = np.maximum(np.exp(theta - theta.max()), np.finfo(np.float64).tiny)
    return p / p.sum()


def densities(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """p_data: two humps with a ripple of random phase; p_g: one hump beside them.  Tables of 100 probabilities."""
    phase = 2 * np.pi * rng.unit_uniform(rng.words(Draw(seed, 0, 0, Stream.SAMPLE, np.zeros(1, np.uint32)), 1))[0, 0]
    x = BINS.side
    p_data = (theory.gaussian(x, -1.5, 0.5) + theory.gaussian(x, 1.0, 0.9)) * (1 + 0.3 * np.sin(4 * x + phase)) + 1e-4
    p_g = theory.gaussian(x, 2.0, 0.8) + 1e-4
    return p_data / p_data.sum(), p_g / p_g.sum()


def descend(p_data: np.ndarray, p_g: np.ndarray, step: Step, steps: int) -> np.ndarray:
    """p_g before the first step and after each: (steps + 1, bins)."""
    path = [p_g]
    for _ in range(steps):
        path.append(step(p_data, path[-1]))
    return np.array(path)


def run(out: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Finding:
    """Go downhill with small steps, halving steps and steps that are too large, and on logits."""
    steps = 500 if quick else 5000
    p_data, start = densities(seed)
    ways: dict[str, Step] = {
        f"mirror, eta = {SMALL}": partial(mirror_step, eta=SMALL),
        f"mirror, eta = {HALVING:.0f}": partial(mirror_step, eta=HALVING),
        f"mirror, eta = {TOO_LARGE:.0f}": partial(mirror_step, eta=TOO_LARGE),
        f"logits, eta = {LOGIT_STEP:.0f}": partial(logit_step, eta=LOGIT_STEP),
    }
    paths = {name: descend(p_data, start, step, steps) for name, step in ways.items()}
    divergence = {name: np.array([theory.jensen_shannon(p_data, p) for p in path]) for name, path in paths.items()}
    for name, jsd in divergence.items():
        say(f"{name}: JSD from {jsd[0]:.3f} to {jsd[-1]:.1e} in {steps} steps")
    small, _, large, logits = divergence.values()
    falls = {name: bool((np.diff(jsd) < ROUNDING).all()) for name, jsd in divergence.items()}
    reached = int(np.argmax(small < CLOSE)) if small[-1] < CLOSE else None
    small_name = next(iter(divergence))
    return Finding(
        title=TITLE,
        paper="With D at its optimum and small enough updates of p_g, p_g converges to p_data: C is convex in p_g.",
        ours=(
            f"p_g as {BINS.cells} bins, D = D* at each step, steps of {SMALL} (mirror descent): JSD goes from "
            f"{small[0]:.3f} to {small[-1]:.1e} in {steps} steps, {'falling' if falls[small_name] else 'not falling'} "
            f"at every one (asked for: below {CLOSE:.0e}, and that). Steps of {TOO_LARGE:.0f} end at JSD "
            f"{large[-1]:.3f}. On the logits of p_g, in which C is not convex, JSD is still {logits[-1]:.1e}."
        ),
        holds=reached is not None and falls[small_name],
        numbers={
            "steps": steps,
            "jsd_at_start": float(small[0]),
            "steps_to_close": reached,
            "jsd_at_end": {name: float(jsd[-1]) for name, jsd in divergence.items()},
            "falls_at_every_step": falls,
        },
        pictures=(_picture(out / "proposition-2.png", p_data, paths, divergence),),
        table=(
            ("steps on p_g", "JSD at the start", "after 10", f"after {steps}", "falls at every step"),
            *(
                (name, f"{jsd[0]:.3f}", f"{jsd[10]:.1e}", f"{jsd[-1]:.1e}", "yes" if falls[name] else "no")
                for name, jsd in divergence.items()
            ),
        ),
    )


def _picture(path: Path, p_data: np.ndarray, paths: dict[str, np.ndarray], divergence: dict[str, np.ndarray]) -> Path:
    """p_g on its way in small steps and on logits; JSD by the step for every way."""
    picture, (small, logits, curves) = style.figure(3, width=4.4)
    x, moments = BINS.side, (0, 5, 20, 60)
    shown = {small: list(paths)[0], logits: list(paths)[3]}
    for panel, name in shown.items():
        for i, moment in enumerate(moments):
            look = style.P_G | {"alpha": 0.25 + 0.25 * i, "linewidth": 1.1, "label": f"$p_g$ after {moment}"}
            panel.plot(x, paths[name][moment], **look)
        panel.plot(x, p_data, **style.P_DATA)
        panel.set(title=name, xlabel="x")
        panel.legend(fontsize=8)
    small.set_ylabel("probability of a bin")
    for (name, jsd), colour in zip(divergence.items(), (GREEN, BLUE, VERMILLION, ORANGE)):
        curves.plot(np.arange(1, len(jsd) + 1), np.maximum(jsd, 1e-17), color=colour, label=name)
    curves.set(xscale="log", yscale="log", xlabel="1 + steps", title=r"$JSD(p_{data}, p_g)$, nats")
    curves.legend(fontsize=8, loc="lower left")
    return style.save(picture, path)
