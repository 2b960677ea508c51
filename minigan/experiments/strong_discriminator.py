"""When D is too strong, and how strong it should be kept (section 3), on the embedded digits.

"Optimizing D to completion in the inner loop of training is computationally prohibitive, and on finite datasets would
result in overfitting.  Instead, we alternate between k steps of optimizing D and one step of optimizing G.  This
results in D being maintained near its optimal solution, so long as G changes slowly enough" - as SML/PCD keeps its
Markov chains from one step of learning to the next, instead of burning them in anew.  Here are its three parts:

- completion: G half trained and standing still, D trained on and on, on few images;
- k: the same number of G-steps with more and more steps of D before each;
- kept or restarted: the same with D set back to its first weights before every G-step, and how many steps a D that
  begins anew needs to be worth what the kept one is: its burning in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from minigan.data import Dataset
from minigan.data.batches import ExampleBatches
from minigan.experiments import style
from minigan.experiments.digits_game import LATENT, digits_game, examples, few_digits
from minigan.experiments.finding import Finding
from minigan.experiments.generator_gradient import Pull, pull
from minigan.experiments.inner_loop import inner_loop
from minigan.files.colours import BLUE, GREEN, VERMILLION
from minigan.game.player import DISCRIMINATOR
from minigan.gan import GAN
from minigan.metrics import parzen
from minigan.options.recipe import Recipe

TITLE = "When D is too strong"
SECONDS = (20, 150)
IMAGES = 300
"""So few that D can learn them by heart."""
SIGMA = 0.2
"""Of the Parzen estimate, for digits in [0, 1]; the best for real digits of this size."""
HALF_TRAINED = 1500
"""Iterations of G before it stands still."""
SAMPLES = 200
SURE, GAP, VANISHED = 0.95, 0.2, 0.5


@dataclass(frozen=True)
class State:
    """What is measured of a game, without dropout.

    on_training, on_held_out  mean D of the images D learns from, and of digits it never met
    value                     V(D, G) on the training images and on fresh samples
    pull                      G's gradients (`minigan.experiments.generator_gradient`)
    """

    on_training: float
    on_held_out: float
    value: float
    pull: Pull

    @property
    def gap(self) -> float:
        """How much surer D is of an image because it was trained on it."""
        return self.on_training - self.on_held_out


@dataclass(frozen=True)
class Played:
    """A whole game: k, whether D was restarted, its state at the end, G's worth and its cost.

    likelihood  mean log p of the held-out digits by a Parzen estimate from 2,000 samples, in nats
    """

    k: int
    restarted: bool
    state: State
    likelihood: float
    d_steps: int
    seconds: float


def begun(data: Dataset, seed: int, k: int = 1, keep: tuple[float, float] = (0.8, 0.5)) -> tuple[GAN, ExampleBatches]:
    """A game before its first step, and its data: batches of 30, ten to an epoch; a constant learning rate."""
    gan = digits_game(data, Recipe(seed=seed, precision="float64", latent=LATENT, batch_size=30, k=k, lr=0.1), keep)
    source = ExampleBatches(gan.ops, data, gan.recipe.batch_size, seed, gan.recipe.precision)
    gan.begin(source.batches_per_epoch, {})
    return gan, source


def state(gan: GAN, data: Dataset) -> State:
    """How D and G stand now."""
    assert data.test is not None  # `few_digits` has them
    z = gan.sampler().draw_z(SAMPLES, gan.recipe.seed)
    on_training, on_held_out = (gan.discriminate(examples(data, part)) for part in (data.train, data.test))
    value = np.log(on_training).mean() + np.log1p(-gan.discriminate(gan.sampler().generate(z))).mean()
    return State(float(on_training.mean()), float(on_held_out.mean()), float(value), pull(gan, z))


def restart(gan: GAN) -> None:
    """Set D back to its first weights, at rest."""
    discriminator = gan.game.discriminator
    discriminator.initialise(gan.recipe.seed, DISCRIMINATOR)
    velocity = discriminator.optimiser.state["velocity"]
    gan.ops.copy(velocity.like().flat, out=velocity.flat)


def completed(data: Dataset, seed: int, steps: int) -> dict[int, State]:
    """States by D's steps, after G stood still; D without dropout, as nothing keeps it from learning by heart."""
    gan, source = begun(data, seed, keep=(1, 1))
    moments = {int(round(i)) for i in np.geomspace(1, steps, 16)}
    with gan.ops.session():
        for _ in range(HALF_TRAINED):
            gan.step(source)
        states = {0: state(gan, data)}
        return states | {step: state(gan, data) for step in inner_loop(gan, source, steps) if step in moments}


def played(data: Dataset, seed: int, k: int, iterations: int, restarted: bool) -> Played:
    """A game of so many G-steps with k steps of D before each."""
    gan, source = begun(data, seed, k)
    start = time.perf_counter()
    with gan.ops.session():
        for _ in range(iterations):
            if restarted:
                restart(gan)
            gan.step(source)
    seconds = time.perf_counter() - start
    samples = gan.sample(2000, seed)
    assert data.test is not None  # `few_digits` has them
    likelihood = parzen.log_likelihood(gan.ops, examples(data, data.test), samples, np.array([SIGMA])).mean()
    return Played(k, restarted, state(gan, data), float(likelihood), k * iterations, seconds)


def burning_in(data: Dataset, seed: int, iterations: int, most: int) -> int | None:
    """After a game with k = 1: steps from D's first weights to the V of the D that was kept; None if over `most`."""
    gan, source = begun(data, seed)
    with gan.ops.session():
        for _ in range(iterations):
            gan.step(source)
        kept = state(gan, data).value
        restart(gan)
        return next((step for step in inner_loop(gan, source, most) if state(gan, data).value >= kept), None)


def run(out: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Finding:
    """All three parts."""
    steps, iterations, ks = (1000, 300, (1, 3, 10)) if quick else (10000, 3000, (1, 2, 5, 10))
    data = few_digits(IMAGES)
    states = completed(data, seed, steps)
    first, last = states[0], states[steps]
    say(f"{steps} steps of D on {IMAGES} images: D = {last.on_training:.2f} on them, {last.on_held_out:.2f} on others")
    games = []
    for k, restarted in [(k, False) for k in ks] + [(ks[-1], True)]:
        games.append(played(data, seed, k, iterations, restarted))
        say(f"k = {k}, D {'restarted' if restarted else 'kept'}: {games[-1].likelihood:.1f} nats")
    least, most, anew = games[0], games[-2], games[-1]
    burnt_in = burning_in(data, seed, iterations, most=1000)
    say(f"a D that begins anew needs {burnt_in} steps")
    vanished = last.pull.saturating / first.pull.saturating
    return Finding(
        title=TITLE,
        paper="Optimizing D to completion is computationally prohibitive and overfits finite data sets; k steps of a D "
        "that is kept maintain it near its optimum, as SML/PCD keeps its Markov chains instead of burning them in.",
        ours=(
            f"Against a G that stands still, {steps} steps of D on {IMAGES} digits end at D = {last.on_training:.3f} "
            f"on them and {last.on_held_out:.3f} on others; the gradient of log(1 - D) becomes {vanished:.2f} times, "
            f"that of -log D {last.pull.non_saturating / first.pull.non_saturating:.1f} times as long. {iterations} "
            f"steps of G took {least.seconds:.1f} s with k = 1 and {most.seconds:.1f} s with k = {most.k} (held-out "
            f"digits at {least.likelihood:.1f} and {most.likelihood:.1f} nats); with D restarted before each, "
            f"k = {anew.k} leaves them at {anew.likelihood:.1f}: burning a D in takes "
            f"{burnt_in or 'more than 1000'} steps. Asked for: D above {SURE} on its images, a gap above {GAP}, a "
            f"factor of {VANISHED} or less for log(1 - D), and k = 1 kept better than k = {anew.k} restarted."
        ),
        holds=(
            (last.on_training > SURE and last.gap > GAP)  # by heart
            and vanished <= VANISHED
            and least.likelihood > anew.likelihood
        ),
        numbers={
            "images": IMAGES,
            "completion": {str(step): asdict(s) for step, s in states.items()},
            "iterations": iterations,
            "games": [asdict(game) for game in games],
            "steps_to_burn_in": burnt_in,
        },
        pictures=(_picture(out / "strong-discriminator.png", states, games),),
        table=(
            ("k", "D", "steps of D", "seconds", "D(training)", "D(held-out)", "saturating", "non-saturating", "nats"),
            *(
                (
                    str(g.k),
                    "restarted" if g.restarted else "kept",
                    str(g.d_steps),
                    f"{g.seconds:.1f}",
                    *(f"{d:.3f}" for d in (g.state.on_training, g.state.on_held_out)),
                    *(f"{length:.3f}" for length in (g.state.pull.saturating, g.state.pull.non_saturating)),
                    f"{g.likelihood:.1f}",
                )  # fmt: skip
                for g in games
            ),
        ),
    )


def _picture(path: Path, states: dict[int, State], games: list[Played]) -> Path:
    """D on training and held-out images, and G's gradients, as D goes on alone; G's worth by k."""
    picture, (images, gradients, worth) = style.figure(3, width=4.3)
    steps = [step + 1 for step in states]
    for name, colour, line in (("on_training", "black", "-"), ("on_held_out", "black", "--")):
        label = name.removeprefix("on_").replace("_", "-")
        images.plot(steps, [getattr(s, name) for s in states.values()], color=colour, linestyle=line, label=label)
    images.plot(steps, [s.pull.d_fake for s in states.values()], color=GREEN, label="samples of G")
    images.set(xscale="log", ylim=(0, 1.02), xlabel="1 + steps of D alone", title="mean D")
    for name, colour, label in (("saturating", VERMILLION, r"$\log(1 - D)$"), ("non_saturating", GREEN, r"$-\log D$")):
        gradients.plot(steps, [getattr(s.pull, name) for s in states.values()], color=colour, label=label)
    gradients.set(xscale="log", yscale="log", xlabel="1 + steps of D alone")
    gradients.set_title(r"$|\partial L / \partial \theta_g|$")
    for restarted, colour in ((False, BLUE), (True, VERMILLION)):
        shown = [g for g in games if g.restarted is restarted]
        label = "D restarted" if restarted else "D kept"
        worth.plot([g.k for g in shown], [g.likelihood for g in shown], "o-", color=colour, label=label)
    worth.set(xlabel="k", xticks=sorted({g.k for g in games}), title="held-out digits, Parzen, nats")
    for panel in (images, gradients, worth):
        panel.legend(fontsize=8)
    return style.save(picture, path)
