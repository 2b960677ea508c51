"""Checkpoints while a GAN trains."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from minigan.files.background import Background
from minigan.files.run_folder import RunFolder
from minigan.loop.callback import Callback, Line

if TYPE_CHECKING:
    from minigan.gan import GAN
    from minigan.loop.loop import Loop


class Checkpoint(Callback):
    """Writes OUT/checkpoints/iteration-00001000.safetensors, and one where the loop ends; `GAN.load(OUT)` finds them.

    out        a folder
    every      iterations between checkpoints
    keep_last  keep so many of the newest; None: all

    Each is written in the background, once the one before is there, and only where all weights are finite.  Raises
    OSError where the disk refuses.
    """

    every: int
    measures, keeps = False, True

    def __init__(self, out: str | Path, every: int = 1000, keep_last: int | None = None):
        self.folder, self.every, self.keep_last = RunFolder(Path(out)), every, keep_last
        self.background = Background()
        self.saved_at: int | None = None

    def on_fit_begin(self, loop: Loop) -> None:
        self.folder.checkpoints.mkdir(parents=True, exist_ok=True)

    def on_iteration_end(self, loop: Loop, line: Line) -> None:
        if loop.gan.iteration % self.every == 0:
            self.save(loop)

    def on_fit_end(self, loop: Loop) -> None:
        if self.saved_at != loop.gan.iteration:
            self.save(loop)
        self.background.wait()

    def on_exception(self, loop: Loop, error: BaseException) -> None:
        self.background.wait()

    def save(self, loop: Loop) -> None:
        """Begin to write the checkpoint of this iteration.  Raises DivergedError unless it is finite."""
        loop.check_finite()
        path = self.folder.checkpoint(loop.gan.iteration)
        self.write(loop.gan, path, partial(self.keep_newest, path))
        self.saved_at = loop.gan.iteration

    def write(self, gan: GAN, path: Path, then: Callable[[], None] = lambda: None) -> None:
        """Begin to write a checkpoint, once the one before is there: one copy of all weights at a time."""
        self.background.wait()
        snapshot = gan.snapshot()

        def write() -> None:
            snapshot.write(path)
            then()

        self.background.begin(write)

    def keep_newest(self, newest: Path) -> None:
        """Remove what `keep_last` does not keep."""
        if self.keep_last is not None:
            self.folder.keep_newest(self.keep_last, newest)
