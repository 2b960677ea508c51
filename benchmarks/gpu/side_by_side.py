"""Several games on one GPU at once, in one process: what they make together, and whole runs of several seeds.

    python benchmarks/gpu/side_by_side.py rate
    python benchmarks/gpu/side_by_side.py runs OUT DATA SECONDS SETTINGS.json [--curve N]

Each game is a thread, with streams and recordings of its own; at 100 rows one alone leaves most of a GPU idle.

rate  iterations a second of one, two, four and eight games of the MNIST recipe; a line of JSON each
runs  those of SETTINGS.json, {setting: {"preset": its name, "seeds": [0, 1, ...], and what differs from the preset}},
      several at once, each in a folder of OUT, until they end or so many seconds have passed.  A line of JSON each: how
      it ended by the rule of every sweep, nats on validation images along the way, every N iterations, and at the end
      those of Table 1 on test images, with G's last weights and with their means

The means: by --average as asked, and equal and square-root weights of every hundredth iteration's.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.gpu.contenders import EXAMPLES, measured, minigan
from benchmarks.peers.recipe import RECIPES, REHEARSAL, initial_weights
from minigan.backends.clock import Count
from minigan.errors import DivergedError
from minigan.game.schedules import ExponentialDecay
from minigan.generator import parzen_table
from minigan.generator.reference_data import held_out
from minigan.generator.sampler import Sampler
from minigan.loop.callback import Callback, Line
from minigan.loop.loop import Loop
from minigan.loop.validation import Measure
from minigan.metrics import parzen
from minigan.options.config import Config, preset
from minigan.run.trainer import Trainer
from minigan.sweeping.ends import lines_of, symptoms_at_end
from minigan.sweeping.jobs import folder_name

GAMES = (1, 2, 4, 8)
EARLY = (20, 40, 60) if REHEARSAL else (5_000, 10_000, 15_000)
"""iterations of a curve beside every N-th, and the last of them is when a run that has failed by then ends"""
DRAWS = 1 if REHEARSAL else 3
"""of samples, for each estimate on test images"""
EVERY = 10 if REHEARSAL else 100
"""iterations between the weights of the means that are kept here"""


class SideBySide:
    """Games as one contender: `iterate` is of all of them."""

    def __init__(self, games: int, precision: str):
        recipe = RECIPES["mnist"]
        self.games = [minigan(recipe, initial_weights(recipe, seed), precision) for seed in range(games)]
        for game in self.games:
            game.set_data(np.random.default_rng(1).integers(0, 256, (EXAMPLES, recipe.features), dtype=np.uint8))
            game.iterate(3)  # recorded before any is timed

    def iterate(self, n: int) -> None:
        at_once([partial(game.iterate, n) for game in self.games], len(self.games))


def at_once(calls: Sequence[Callable[[], None]], most: int) -> list[BaseException]:
    """So many of them at a time, each in a thread; what they raised."""
    with ThreadPoolExecutor(most) as pool:
        raised = [made.exception() for made in [pool.submit(call) for call in calls]]
    return [error for error in raised if error is not None]


def rate() -> None:
    """Iterations a second of so many games together, in each precision."""
    for precision in ("float32", "tf32"):
        for games in GAMES:
            contender = SideBySide(games, precision)
            times, _, host = measured(contender, rounds=3, seconds=0.01 if REHEARSAL else 0.4)
            together = 1e3 * games / float(np.median(times))
            row = {"games": games, "precision": precision, "iterations_per_second": together, "host_core": host}
            print(json.dumps(row), flush=True)


# ---- Runs ------------------------------------------------------------------------------------------------------


class Means:
    """Means of G's parameters of every hundredth iteration, with equal and with square-root weights.

    kept  {eta: the mean} (`Ops.average`)
    """

    def __init__(self, gan):
        self.player, self.ops = gan.game.generator, gan.ops
        self.kept = {0.0: self.player.params.like(), 0.5: self.player.params.like()}
        self.clock, self.taken = self.ops.clock(ExponentialDecay(1), ExponentialDecay(1)), 0

    def take(self) -> None:
        self.ops.set_clock(self.clock, self.taken)
        for eta, mean in self.kept.items():
            self.ops.average(mean.flat, self.player.params.flat, Count(self.clock), 2**30, eta)
        self.taken += 1


class Watching(Callback):
    """Ends a run in time, and one that failed early; measures G's last weights and their means along the way."""

    every, keeps, measures = EVERY, True, False

    def __init__(self, trainer: Trainer, until: float, curve: int):
        self.trainer, self.until, self.every_curve, self.points = trainer, until, curve, []
        self.means, self.measure = Means(trainer.gan), Measure(trainer.data)

    def samplers(self) -> dict[str, Sampler]:
        gan, player = self.trainer.gan, self.trainer.gan.game.generator
        found = {"last": player.params} | {f"mean, eta {eta:g}": mean for eta, mean in self.means.kept.items()}
        if player.mean is not None:
            found |= {f"mean, eta {gan.recipe.average_eta:g}": player.mean}
        sampler = partial(Sampler, gan.ops, gan.generator, prior=gan.game.prior, data=gan.data)
        return {name: sampler(params=params) for name, params in found.items()}

    def on_iteration_end(self, loop: Loop, line: Line) -> None:
        self.means.take()
        done = self.trainer.gan.iteration
        if time.monotonic() > self.until or done == EARLY[-1] and failures(self.trainer):
            loop.stop()
        if done in EARLY or done % self.every_curve == 0 or done == loop.total:
            nats = {name: self.measure(sampler) for name, sampler in self.samplers().items()}
            self.points.append({"iteration": done} | nats)


def failures(trainer: Trainer) -> list[str]:
    return symptoms_at_end(lines_of(trainer.folder))


class Watched(Trainer):
    """A run that `Watching` watches."""

    def __init__(self, config: Config, until: float, curve: int):
        super().__init__(config, "benchmarks/gpu/side_by_side.py")
        self.watching = Watching(self, until, curve)

    def callbacks(self) -> list[Callback]:
        return [*super().callbacks(), self.watching]


def made(setting: str, config: Config, until: float, curve: int) -> None:
    """Play it to its end, or to the time's, measure it and print that."""
    trainer, start = Watched(config, until, curve), time.perf_counter()
    gan, failed = trainer.gan, ["diverged"]
    with suppress(DivergedError):
        trainer.run()
        failed = failures(trainer)
    row = {"setting": setting, "seed": config.seed, "iterations": gan.iteration, "of": trainer.total}
    row |= {"seconds": time.perf_counter() - start, "failed": failed, "curve": trainer.watching.points}
    if not failed and gan.iteration > EARLY[-1]:
        validation, test = (trainer.data.scaled(part, np.float64) for part in held_out(trainer.data, config.data))
        for name, sampler in trainer.watching.samplers().items():
            draws = [partial(sampler.sample, parzen.SAMPLES, number) for number in range(DRAWS)]
            found = parzen_table.measured(gan.ops, name, draws, validation, test, None)
            row.setdefault("test", {})[name] = {"mean": found.mean, "spread": found.spread, "finer": found.finer_mean}
    print(json.dumps(row), flush=True)


def configs(out: Path, data: str, settings: dict) -> list[tuple[str, Config]]:
    """[(setting, options), ...], the first seed of all settings first."""
    found = []
    for setting, asked in settings.items():
        own = {name: tuple(value) if isinstance(value, list) else value for name, value in asked.items()}
        seeds, named = own.pop("seeds"), own.pop("preset")
        base = replace(preset(named), backend="cupy", data=data, keep_last=1)
        base = replace(base, log_every=500, sample_every=50_000, checkpoint_every=50_000)
        base = replace(base, **own)
        for at, seed in enumerate(seeds):
            folder = out / folder_name(setting) / f"seed-{seed}"
            found.append((at, setting, replace(base, seed=seed, out=str(folder))))
    return [one for _, *one in sorted(found, key=lambda one: one[0])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("rate")
    several = kinds.add_parser("runs")
    several.add_argument("out", type=Path)
    several.add_argument("data")
    several.add_argument("seconds", type=float)
    several.add_argument("settings", type=Path)
    several.add_argument("--at-once", type=int, default=8)
    several.add_argument("--curve", type=int, default=25_000)
    options = parser.parse_args()
    if options.kind == "rate":
        rate()
        return
    until, settings = time.monotonic() + options.seconds, json.loads(options.settings.read_text())
    jobs = [partial(made, *one, until, options.curve) for one in configs(options.out, options.data, settings)]
    failed = at_once(jobs, options.at_once)
    for error in failed:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
