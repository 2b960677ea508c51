"""A run as its folder has it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from minigan.errors import CheckpointError, ConfigError, one_line
from minigan.files import checkpoint
from minigan.files.run_folder import RunFolder
from minigan.layers import models
from minigan.options.phases import recipe_before
from minigan.options.recipe import Recipe
from minigan.run.start import phases_of


class SavedRun:
    """What a run's folder tells of it.

    name         the folder as it was given
    config       its options; their recipe is the one after all phases
    header       of its newest checkpoint
    checkpoints  {iteration: file}, the oldest first

    Raises ConfigError where there is no run, CheckpointError where none of its checkpoints can be trusted.
    """

    def __init__(self, path: Path):
        self.name, self.folder = str(path), RunFolder(path)
        self.config = self.folder.saved_config()
        self.phases = phases_of(self.config)
        _, _, self.header = checkpoint.newest(self.folder.checkpoints)
        self.checkpoints = {checkpoint.number(file): file for file in checkpoint.numbered(self.folder.checkpoints)}

    @property
    def last(self) -> int:
        """The iteration of its newest checkpoint."""
        return int(self.header["iteration"])

    def recipe_of(self, iteration: int) -> Recipe:
        """By which this iteration was played, the first being 1; 0: by which the run began."""
        return recipe_before(self.config.recipe, self.phases, iteration)

    def read(self, iteration: int) -> tuple[dict[str, np.ndarray], checkpoint.Header]:
        """The checkpoint of an iteration.  Raises CheckpointError where it is damaged."""
        return checkpoint.read(self.checkpoints[iteration])

    def header_after(self, iteration: int) -> checkpoint.Header:
        """That of the first checkpoint after an iteration that can be trusted: what played on from there."""
        for number in self.checkpoints:
            if number > iteration:
                with suppress(CheckpointError):
                    return self.read(number)[1]
        return self.header

    def sessions(self) -> list[dict[str, Any]]:
        """The lines of its record that say with what it began and went on."""
        return [line for line in self.folder.remembered() if "versions" in line]


def check_networks(one: SavedRun, other: SavedRun) -> None:
    """Raise ConfigError where the weights of one have no place in the other's networks."""
    for player in ("generator", "discriminator"):
        widths = [shapes_of(run, player) for run in (one, other)]
        if widths[0] != widths[1]:
            sizes = " and ".join(", ".join("x".join(map(str, shape)) for shape in found) for found in widths)
            raise ConfigError(f"{one.name} and {other.name}: two runs of different networks ({player}s of {sizes})")


def shapes_of(run: SavedRun, player: str) -> list[tuple[int, ...]]:
    """Of the matrices W of a player, the lowest first.  Raises CheckpointError."""
    try:
        shapes = models.from_json(run.header[player]).shapes()
    except ValueError as error:
        raise CheckpointError(f"{run.name}: its header describes no {player} ({one_line(error)})") from None
    return [shape for name, shape in shapes.items() if name.endswith(".W")]


def common(one: SavedRun, other: SavedRun) -> list[int]:
    """The iterations of which both have a checkpoint, in order."""
    return sorted(one.checkpoints.keys() & other.checkpoints.keys())


def first_metrics_apart(one: SavedRun, other: SavedRun) -> tuple[int, str, float, float] | None:
    """(iteration, name, one's number, the other's) in the first lines of metrics.jsonl that differ; None: none do."""
    lines = [{line["iteration"]: line for line in run.folder.logged()} for run in (one, other)]
    for iteration in sorted(lines[0].keys() & lines[1].keys()):
        a, b = lines[0][iteration], lines[1][iteration]
        for name in measured(a.keys() & b.keys()):
            if isinstance(a[name], float) and isinstance(b[name], float) and a[name] != b[name]:
                return iteration, name, a[name], b[name]
    return None


def measured(names: Iterable[str]) -> list[str]:
    """Those of a line that the game decides, and not a clock on the wall or an option."""
    return sorted(set(names) - {"iteration", "epoch", "time", "iterations_per_second", "lr", "lr_d", "momentum"})
