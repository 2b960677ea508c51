"""A run: the loop with its input and output; data in; metrics, pictures and checkpoints out."""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from minigan.errors import DivergedError
from minigan.files import record
from minigan.files.run_folder import RunFolder
from minigan.game.state import not_finite
from minigan.loop.callback import Callback, Line
from minigan.loop.checkpoints import Checkpoint
from minigan.loop.loop import Loop
from minigan.loop.pictures import Pictures
from minigan.loop.progress import Progress
from minigan.loop.symptoms import Symptoms
from minigan.loop.tensorboard import TensorBoard
from minigan.loop.validation import Validation
from minigan.loop.watching import stop_signals
from minigan.options.config import Config
from minigan.options.console import tell
from minigan.run.start import Start


class Metrics(Callback):
    """Appends each line to metrics.jsonl."""

    keeps = follows = True

    def __init__(self, folder: RunFolder, every: int):
        self.folder, self.every = folder, every

    def on_iteration_end(self, loop: Loop, line: Line) -> None:
        self.folder.log(line)


class NotFinite(Callback):
    """Looks at every iteration of a run that is repeated, for where numbers that are not finite began."""

    every, measures, keeps = 1, False, True

    def on_iteration_end(self, loop: Loop, line: Line) -> None:
        if where := not_finite(loop.gan.game):
            raise DivergedError(f"not finite since iteration {loop.gan.iteration}, first in {where}")


class Trainer(Start):
    """One run, from its options to its files.

    command   how it was called, for its record
    progress  what a person sees of it, from `run` on

    Raises ConfigError, DataError or CheckpointError for what it cannot begin with; OSError where the disk refuses.
    """

    progress: Progress

    def __init__(self, config: Config, command: str = "Trainer, from Python"):
        super().__init__(config)
        self.command, self.best = command, -np.inf
        self.stop_signal: int | None = None
        self.ranks.first(self._take_folder)
        self.agree()

    def _take_folder(self) -> None:
        config = self.config
        resumed = RunFolder(Path(config.out)) if config.resume and config.out else None
        self.folder = resumed.claimed() if resumed else RunFolder.create(config)
        try:
            self.progress = Progress()
            self.checkpoint = Checkpoint(self.folder.path, config.checkpoint_every, config.keep_last)
            self._begin()
        except BaseException:
            self.folder.release()
            raise

    def _begin(self) -> None:
        """Go on from the folder's newest checkpoint, or begin at iteration 0 where it has none."""
        if self.folder.begun:
            path = self.go_on(self.folder)
            self.checkpoint.saved_at = self.gan.iteration
            self.checkpoint.keep_newest(path)
        for line in self.folder.forget_after(self.gan.iteration):
            self.best = max(self.best, line.get("validation", -np.inf))
        self.config = replace(self.config, phases=tuple(map(str, self.phases)) or None)
        self.folder.begin(self.config)
        self.folder.remember(record.made_with(self.command, self.gan.ops, self.gan.iteration))

    def callbacks(self) -> list[Callback]:
        """What is called on the way, in this order."""
        config, folder, progress = self.config, self.folder, self.progress
        validation = [Validation(config.validate_every, self.checkpoint, self.best)] if config.validate_every else []
        metrics, pictures = Metrics(folder, config.log_every), Pictures(folder.path, config.sample_every, progress.show)
        board = [TensorBoard(folder.path / "tensorboard", config.sample_every)] if config.tensorboard else []
        return [*validation, metrics, progress, Symptoms(progress.warn), pictures, *board, self.checkpoint]

    def run(self) -> None:
        """Train to the total, or until Ctrl-C or SIGTERM asks to stop; both leave a checkpoint."""
        try:
            loop = self._loop(self.total, self.callbacks())
            with stop_signals(loop.stop) as received:
                loop.run()
            self.stop_signal = received[0] if received else None
            if self.stop_signal is None and self.gan.iteration < self.total:
                self.stop_signal = signal.SIGTERM  # another rank got it
        except DivergedError as error:
            found_at, advice = self.gan.iteration, str(error).partition("; ")[2]
            kept = f"earlier checkpoints are in {self.folder.checkpoints}" if self.folder.begun else "no checkpoint yet"
            origin = self._origin()
            with suppress(OSError):
                self.folder.remember({"time": record.now(), "iteration": found_at, "diverged": origin})
            raise DivergedError(f"iteration {found_at}: {origin}; {advice} ({kept})") from None
        finally:
            self.folder.release()

    def _loop(self, total: int, callbacks: list[Callback]) -> Loop:
        return Loop(self.gan, self.data, self.source, total, callbacks, self.changes(), self._watching_failed)

    def _origin(self) -> str:
        """Where numbers that are not finite began: the run is repeated from its last checkpoint, looking each time.

        A repeated run is the same to the last bit, so it is found exactly.
        """
        found_at = self.gan.iteration
        self.go_back(self.folder)
        again = f"the run is repeated from iteration {self.gan.iteration} to find out where it began"
        tell(f"iteration {found_at}: not finite; {again}")
        try:
            self._loop(found_at, [NotFinite()]).run()
        except DivergedError as error:
            return str(error)
        return "the losses are not finite"

    def _watching_failed(self, name: str, why: str) -> None:
        """Say so, and keep it in the run's record, if the disk takes it: a full one ends the run at its checkpoint."""
        tell(f"iteration {self.gan.iteration}: {name} failed, and the run goes on without: {why}")
        with suppress(OSError):
            failed = {"time": record.now(), "iteration": self.gan.iteration, "failed": name, "why": why}
            self.folder.remember(failed)
