"""A finished run, looked through: its checkpoints one by one.  Nothing is written."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from minigan.comparing.saved_run import SavedRun
from minigan.data import MIXTURES, Dataset, Mixture
from minigan.errors import CheckpointError, ConfigError, DataError, one_line
from minigan.explaining.step import Step
from minigan.files.checkpoint import number, numbered
from minigan.files.run_folder import RunFolder
from minigan.gan import GAN
from minigan.living.curves import NAMES, Curves, references
from minigan.living.opened import Opened
from minigan.living.views import view_of
from minigan.options.config import Config
from minigan.run.start import loaded


class Finished(Opened):
    """The checkpoints of the run in a folder, the newest first to be seen.

    Raises ConfigError where there is no run, CheckpointError where it has no checkpoint.
    """

    COMMANDS = ("show", *Opened.COMMANDS)

    def __init__(self, run: Path):
        super().__init__()
        self._folder = RunFolder(run)
        self._config = self._folder.saved_config()
        self._checkpoints = [path for path in numbered(self._folder.checkpoints) if is_inside(path, run)]
        if not self._checkpoints:
            raise CheckpointError(f"{self._folder.checkpoints}: no checkpoint there, expected a run that has some")
        self._index = len(self._checkpoints) - 1
        self._data = data_at_hand(self._config)
        self._curves = Curves(1)
        self._lines = {line["iteration"]: line for line in self._folder.logged()}
        for iteration, line in self._lines.items():
            self._curves.add(iteration, {name: line.get(name) for name in NAMES})

    def run(self) -> None:
        """Until `stop`."""
        self.show(self._index)
        while not self._ended:
            self._do_next(None)

    def coming_step(self) -> Step:
        """The iteration after the checkpoint in view; of the last one, the run's last iteration."""
        after = number(self._checkpoints[self._index]) + 1
        return Step.of_run(self._folder.path, min(after, SavedRun(self._folder.path).last))

    def show(self, index: int) -> None:
        """Look at a checkpoint, 0 for the first; one that cannot be trusted is told."""
        if type(index) is not int or not 0 <= index < len(self._checkpoints):
            raise ConfigError(f"checkpoint {index}: expected 0 to {len(self._checkpoints) - 1}")
        self._index, path = index, self._checkpoints[index]
        seen: dict[str, Any] = {
            "mode": "finished",
            "run": self._folder.path.name,
            "checkpoints": list(map(number, self._checkpoints)),
            "index": index,
            "iteration": number(path),
            "preset": self._config.preset,
            "data": Path(self._config.data).name,
            "curves": self._curves.content(),
        }
        try:
            with warnings.catch_warnings(action="ignore"):
                gan = GAN.load(path)
            line = self._lines.get(gan.iteration, {})
            seen |= {
                "numbers": {name: line.get(name) for name in ("value", *NAMES)},
                "references": references(gan.recipe),
                "phases": [f"{phase.iteration}: {phase.said}" for phase in gan.phases],
                "epoch": gan.iteration / gan.iterations_per_epoch,
                **view_of(gan, self._data).content(),
            }
        except Exception as error:
            seen |= {"kind": "numbers", "failed": one_line(error)}
        self.newest.show(seen)


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path, links followed, lies in the folder."""
    return path.resolve().is_relative_to(folder.resolve())


def data_at_hand(config: Config) -> Dataset | Mixture | None:
    """A run's data, where no network is needed for them and they are there; None otherwise."""
    if config.data not in MIXTURES and not Path(config.data).suffix:
        return None
    try:
        return loaded(config)
    except DataError:
        return None
