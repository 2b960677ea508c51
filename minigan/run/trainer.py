"""The training loop with its input and output: data in; metrics, pictures and checkpoints out."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from minigan import data as datasets
from minigan.data.batches import ExampleBatches
from minigan.data.describe import nameless
from minigan.data.mixtures import MixtureBatches
from minigan.data.ranges import far_apart
from minigan.errors import CheckpointError, ConfigError, DivergedError
from minigan.files import checkpoint, record
from minigan.files.background import Background
from minigan.files.plots import displayable, save_samples
from minigan.files.run_folder import RunFolder
from minigan.options.config import Config
from minigan.options.console import tell
from minigan.run.second_stage import end_in
from minigan.run.start import DRAWN_POINTS, drawn, iterations_of, loaded, make_gan
from minigan.run.symptoms import Reading
from minigan.run.terminal import Progress
from minigan.run.validation import Validation
from minigan.run.watching import Watching, stop_signals

SAMPLES_SHOWN = 100


class Trainer:
    """One run, from its options to its files.

    command   how it was called, for its record
    progress  what a person sees of it, from `run` on

    Raises ConfigError, DataError or CheckpointError for what it cannot begin with; OSError where the disk refuses.
    """

    progress: Progress

    def __init__(self, config: Config, command: str = "Trainer, from Python"):
        self.config, self.command = config.checked, command
        self.data = loaded(config)
        self.gan = make_gan(config, self.data)
        self.source = self._source()
        self.total = iterations_of(config, self.gan)
        self.validation = None if config.validate_every is None else Validation(self.data, "--validate-every")
        self.real = None if self.data.image_shape else drawn(self.data)
        self.best = -np.inf
        self.saved_at: int | None = None
        self.stop_signal: int | None = None
        self.watch = Watching(self._watching_failed)
        self.background = Background()
        begun = config.resume and config.out and RunFolder(Path(config.out)).begun
        if config.generator_from is not None and not begun:
            end_in(self.gan, config.generator_from)
        self.folder = self._claimed()
        try:
            self._begin()
        except BaseException:
            self.folder.release()
            raise

    def _source(self) -> ExampleBatches | MixtureBatches:
        """The data as minibatches on the backend, the GAN set up for them at iteration 0."""
        recipe = self.gan.recipe
        source = datasets.minibatches(self.gan.ops, self.data, recipe.batch_size, recipe.seed, recipe.dtype)
        self.gan.begin(source.batches_per_epoch, datasets.describe(self.data))
        source.prepare(0, recipe.k)
        return source

    def _claimed(self) -> RunFolder:
        """The run's folder, in which nothing else may write until it is released."""
        config = self.config
        return RunFolder(Path(config.out)).claimed() if config.resume and config.out else RunFolder.create(config)

    def _begin(self) -> None:
        """Go on from the folder's newest checkpoint, or begin at iteration 0 where it has none."""
        if self.folder.begun:
            self._resume()
        else:
            self.folder.forget_after(0)
        self.folder.begin(self.config)
        self.folder.remember(record.made_with(self.command, self.gan.ops, self.gan.iteration))

    def run(self) -> None:
        """Train to the total, or until Ctrl-C or SIGTERM asks to stop; both leave a checkpoint."""
        self.progress = Progress(self.gan.iteration, self.total)
        try:
            # Numbers that are not finite end the run at the next logged iteration, with an error.
            with stop_signals(self._stop), self.gan.ops.session(), np.errstate(over="ignore", invalid="ignore"):
                self._loop()
        finally:
            self.watch("progress", self.progress.close)
            self.folder.release()

    def _loop(self) -> None:
        config, gan = self.config, self.gan
        busy, since, reading = 0.0, gan.iteration, Reading(gan.iteration)
        while gan.iteration < self.total and self.stop_signal is None:
            start = time.perf_counter()
            last = gan.iteration + 1 == self.total
            due = config.validate_every is not None and (gan.iteration + 1) % config.validate_every == 0
            validation = self.validation if due else None
            logged = (gan.iteration + 1) % config.log_every == 0 or due or last
            gan.game.watch(logged)
            gan.step(self.source)
            if logged:
                measured = self._measured() | gan.game.vital_signs()
                busy += time.perf_counter() - start
                line = self._line(measured, (gan.iteration - since) / busy)
                busy, since = 0.0, gan.iteration
                if validation is not None:
                    line["validation"] = validation(gan.sampler())
                self.folder.log(line)
                if validation is not None:
                    self._keep_if_best(line["validation"])
                self.watch("progress", self.progress.say, line)
                for text in reading.of(line):
                    self.watch("progress", self.progress.warn, f"iteration {gan.iteration}: {text}")
            else:
                busy += time.perf_counter() - start
            self.watch("progress", self.progress.step)
            if gan.iteration % config.sample_every == 0 or last:
                self.watch("picture", self._picture)
            if gan.iteration % config.checkpoint_every == 0:
                self.save()
        if self.saved_at != gan.iteration:
            self.save()
        self.background.wait()

    def _measured(self) -> dict[str, Any]:
        """The losses of the iteration just done.  Raises DivergedError where they, or any weight, are not finite."""
        measured = self.gan.game.measure()
        if not np.isfinite([seen for seen in measured.values() if seen is not None]).all() or self.gan.not_finite():
            self.background.wait()
            kept = f"earlier checkpoints are in {self.folder.checkpoints}" if self.folder.begun else "no checkpoint yet"
            advice = far_apart(self.data) or "try a smaller --lr, or --optimizer adam with --lr .0002"
            raise DivergedError(f"iteration {self.gan.iteration}: {self._origin()}; {advice} ({kept})")
        return measured

    def _origin(self) -> str:
        """Where numbers that are not finite began: the run is repeated from its last checkpoint, looking each time.

        A repeated run is the same to the last bit, so it is found exactly.
        """
        found_at = self.gan.iteration
        self.gan.begin(self.source.batches_per_epoch, self.gan.data)
        if self.folder.begun:
            self.gan.restore(*checkpoint.newest(self.folder.checkpoints))
        elif self.config.generator_from is not None:
            end_in(self.gan, self.config.generator_from)
        again = f"the run is repeated from iteration {self.gan.iteration} to find out where it began"
        self.watch("progress", self.progress.warn, f"iteration {found_at}: not finite; {again}")
        while self.gan.iteration < found_at:
            self.gan.step(self.source)
            if where := self.gan.not_finite():
                return f"not finite since iteration {self.gan.iteration}, first in {where}"
        return "the losses are not finite"

    def _keep_if_best(self, validation: float) -> None:
        """Write checkpoints/best.safetensors where the run has not been better before."""
        if validation > self.best:
            self.best = validation
            self._write(self.folder.best)

    def _line(self, measured: dict[str, Any], speed: float) -> dict[str, Any]:
        """A line of metrics.jsonl; lr and momentum are those of the iteration just done."""
        clock, done = self.gan.game.clock, self.gan.iteration - 1
        return {
            "iteration": self.gan.iteration,
            "epoch": round(self.gan.iteration / self.gan.iterations_per_epoch, 4),
            **measured,
            "lr": clock.lr_schedule(done),
            "momentum": clock.momentum_schedule(done),
            "iterations_per_second": round(speed, 3),
            "time": record.now(),
        }

    def _picture(self) -> None:
        shape = self.data.image_shape
        samples = self.gan.sample(SAMPLES_SHOWN if shape else DRAWN_POINTS, self.gan.recipe.seed)
        contrast = self.config.contrast is not None
        self.watch("progress", self.progress.show, displayable(samples) if contrast else samples, shape)
        save_samples(self.folder.picture(self.gan.iteration), samples, shape, self.real, contrast=contrast)

    def save(self) -> None:
        """Begin to write the checkpoint of this iteration, if its losses are finite."""
        self._measured()
        path = self.folder.checkpoint(self.gan.iteration)
        self._write(path, partial(self._keep_newest, path))
        self.saved_at = self.gan.iteration

    def _write(self, path: Path, then: Callable[[], None] = lambda: None) -> None:
        """Begin to write a checkpoint, once the one before is there: one copy of all weights at a time."""
        self.background.wait()
        snapshot = self.gan.snapshot()

        def write() -> None:
            snapshot.write(path)
            then()

        self.background.begin(write)

    def _keep_newest(self, newest: Path) -> None:
        if self.config.keep_last is not None:
            self.folder.keep_newest(self.config.keep_last, newest)

    def _resume(self) -> None:
        """Go on from the newest checkpoint that verifies, if it is of this run."""
        path, tensors, header = checkpoint.newest(self.folder.checkpoints)
        self._kept("contrast", header["data"].get("contrast"), self.config.contrast)
        self._kept("standardise", "standard" in header["data"], self.config.standardise)
        self._kept("generator_from", self.folder.saved_config().generator_from, self.config.generator_from)
        if nameless(header["data"]) != nameless(self.gan.data):
            raise CheckpointError(f"{path}: trained on other data ({header['data']['name']}, by SHA-256)")
        for name, value in asdict(self.gan.recipe).items():
            self._kept(name, header["recipe"].get(name), value)
        self.gan.restore(path, tensors, header)
        if self.gan.iteration > self.total:
            raise ConfigError(f"{path}: {self.gan.iteration} iterations are done, more than the {self.total} asked for")
        self.saved_at = self.gan.iteration
        self._keep_newest(path)
        for line in self.folder.forget_after(self.gan.iteration):
            self.best = max(self.best, line.get("validation", -np.inf))

    def _kept(self, name: str, saved: object, asked: object) -> None:
        """Raise ConfigError where a resumed run is asked for another value of an option that decides its numbers."""
        if saved != asked:
            raise ConfigError(
                f"--{name.replace('_', '-')} {asked}: the run in {self.folder.path} has {saved}, "
                "and a resumed run keeps what decides its numbers"
            )

    def _watching_failed(self, name: str, why: str) -> None:
        """Say so, and keep it in the run's record, if the disk takes it: a full one ends the run at its checkpoint."""
        tell(f"iteration {self.gan.iteration}: {name} failed, and the run goes on without: {why}")
        with suppress(OSError):
            failed = {"time": record.now(), "iteration": self.gan.iteration, "failed": name, "why": why}
            self.folder.remember(failed)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_signal = number
