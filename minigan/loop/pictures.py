"""Pictures of samples while a GAN trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from minigan.data import Dataset, Mixture
from minigan.data.labels import row_by_row
from minigan.files.plots import displayable, save_samples
from minigan.files.run_folder import RunFolder
from minigan.generator.sampler import Sampler
from minigan.loop.callback import Callback, Line

if TYPE_CHECKING:
    from minigan.loop.loop import Loop


SAMPLES, POINTS, COLUMNS = 100, 2500, 10
Show: TypeAlias = Callable[[np.ndarray, Sequence[int] | None], None]


class Pictures(Callback):
    """Writes OUT/samples/iteration-00001000.png: a grid of images, or a drawing of p_g beside p_data.

    Where G is told labels each row of the grid is of one class, up to a hundred of them.

    out    a folder
    every  iterations between pictures
    show   is called with the samples and their image shape, to show them elsewhere too
    """

    measures = False

    def __init__(
        self, out: str | Path, every: int = 1000, show: Callable[[np.ndarray, Sequence[int] | None], None] | None = None
    ):
        self.folder, self.every, self.show = RunFolder(Path(out)), every, show
        self._real: np.ndarray | None = None

    def on_fit_begin(self, loop: Loop) -> None:
        self.folder.samples.mkdir(parents=True, exist_ok=True)
        self._real = None if loop.data.image_shape else drawn(loop.data)

    def on_iteration_end(self, loop: Loop, line: Line) -> None:
        gan, shape = loop.gan, loop.data.image_shape
        samples = drawn_by(gan.sampler(), bool(shape), gan.recipe.seed)
        contrast = "contrast" in gan.data
        if self.show is not None:
            self.show(displayable(samples) if contrast else samples, shape)
        save_samples(self.folder.picture(gan.iteration), samples, shape, self._real, contrast=contrast)


def drawn_by(sampler: Sampler, images: bool, seed: int) -> np.ndarray:
    """Samples for a picture: (n, features)."""
    if sampler.classes is None or not images:
        return sampler.sample(SAMPLES if images else POINTS, seed)
    labels = row_by_row(sampler.classes.names, COLUMNS)[: COLUMNS * SAMPLES]
    return sampler.sample(len(labels), seed, labels)


def drawn(data: Dataset | Mixture) -> np.ndarray:
    """Points of p_data for a drawing: (n, features)."""
    if isinstance(data, Dataset):
        return data.plain(data.train[:POINTS], np.float64)
    return data.sample(POINTS, seed=0)
