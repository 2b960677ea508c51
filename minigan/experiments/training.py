"""Algorithm 1 on images: a run with its record, its curves, and its samples as training went on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from minigan.experiments.finding import Finding
from minigan.files.curves import by_name, draw_history
from minigan.options.config import Config, preset
from minigan.run.trainer import Trainer

TITLE = "Algorithm 1"
SECONDS = (25, 3000)
RUN = "run"
FRAMES = 20
SMALLEST_DIVERSITY = 0.5
EVEN = (0.1, 0.9)


def run(out: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Finding:
    """Train the preset `digits`, or `mnist-averaged` in full; a run that was stopped goes on."""
    folder = out / RUN
    config = config_of(folder, seed, quick)
    lines = trained(config, say).folder.logged()
    draw_history(by_name(lines), out / "curves.png")
    last = lines[-1]
    even = all(EVEN[0] < last[name] < EVEN[1] for name in ("d_real", "d_fake"))
    diverse = last["diversity"] >= SMALLEST_DIVERSITY
    return Finding(
        TITLE,
        "D and G, trained in turns by Algorithm 1, approach p_g = p_data, D = 1/2 and V = -log 4 = -1.386.",
        f"Preset {config.preset}, seed {config.seed}, {last['iteration']} iterations: V = {last['value']:.2f}, "
        f"D(x) = {last['d_real']:.2f}, D(G(z)) = {last['d_fake']:.2f} with dropout in D; samples vary "
        f"{last['diversity']:.2f} times as much as data. Holds if both D are within {EVEN[0]} to {EVEN[1]} and the "
        f"samples' diversity is at least {SMALLEST_DIVERSITY}: no player has won and G has not collapsed.",
        even and diverse,
        {name: last[name] for name in ("iteration", "value", "d_real", "d_fake", "diversity", "dead_units")},
        pictures=(out / "curves.png", *sorted((folder / "samples").glob("*.png"))),
    )


def trained(config: Config, say: Callable[[str], None]) -> Trainer:
    """Train, or go on; `say` is told for how long.  Raises KeyboardInterrupt where a signal stopped it."""
    trainer = Trainer(config)
    say(f"{config.preset}: {trainer.total - trainer.gan.iteration} iterations on {trainer.gan.ops.name}")
    trainer.run()
    if trainer.stop_signal is not None:
        raise KeyboardInterrupt
    return trainer


def run_beside(out: Path) -> Path:
    """The run's folder, from the folder of another experiment of the same report."""
    return out.parent / "training" / RUN


def config_of(folder: Path, seed: int, quick: bool) -> Config:
    """The run's options: enough pictures for a slider, and on from where it was."""
    config = preset("digits" if quick else "mnist-averaged")
    iterations = quick_iterations(config) if quick else config.iterations
    resume = (folder / "config.toml").exists()
    every = max(1, (iterations or 500 * config.epochs) // FRAMES)
    seed += config.seed
    return replace(config, seed=seed, iterations=iterations, sample_every=every, out=str(folder), resume=resume)


def quick_iterations(config: Config) -> int:
    """Of the embedded digits: fifteen minibatches an epoch."""
    return 15 * config.epochs
