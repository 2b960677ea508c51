"""How good G is on data that it does not train on: the best checkpoint is kept, and a fit that gets no better ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minigan.data import Dataset, Mixture
from minigan.errors import ConfigError
from minigan.generator.reference_data import SIGMA_POINTS
from minigan.generator.sampler import Sampler
from minigan.loop.callback import Callback, Line
from minigan.loop.checkpoints import Checkpoint
from minigan.metrics import parzen
from minigan.metrics.modes import SAMPLES, coverage

if TYPE_CHECKING:
    from minigan.loop.loop import Loop


class Measure:
    """How good a generator is; more is better.

    A data set   the Parzen estimate of its first 1,000 validation examples, in nats, at the best sigma of the authors'
                 grid: 10,000 samples with seed 0
    A mixture    the share of its modes that 2,500 samples capture, times the share of samples of high quality

    Raises ConfigError where there are no validation examples.
    """

    def __init__(self, data: Dataset | Mixture, option: str = "validation"):
        if isinstance(data, Dataset) and data.validation is None:
            raise ConfigError(
                f"{option}: {data.name} has no validation examples, expected some (`validation` in an .npz)"
            )
        self.data = data

    def __call__(self, sampler: Sampler) -> float:
        data = self.data
        if isinstance(data, Mixture):
            found = coverage(sampler.sample(SAMPLES), data.centres, data.deviation)
            return found.captured / len(data.centres) * found.high_quality
        examples = data.scaled(data.validation[:SIGMA_POINTS], np.float64)  # type: ignore[index]  # there, see above
        samples = sampler.scaled_sample(parzen.SAMPLES)
        return float(parzen.log_likelihood(sampler.ops, examples, samples, parzen.SIGMAS).mean(axis=1).max())


class Validation(Callback):
    """Measures G (`Measure`) as "validation" of the line, and keeps the best one.

    every       iterations between measurements
    checkpoint  writes checkpoints/best.safetensors of its folder where G has not been better before; or None
    best        the best measure so far
    """

    every: int
    keeps = True

    def __init__(self, every: int, checkpoint: Checkpoint | None = None, best: float = -np.inf):
        self.every, self.checkpoint, self.best = every, checkpoint, best
        self.better_at: int | None = None

    def on_fit_begin(self, loop: Loop) -> None:
        self._measure = Measure(loop.data)

    def on_iteration_end(self, loop: Loop, line: Line) -> None:
        if loop.gan.iteration % self.every:
            return  # the last iteration, out of turn
        line["validation"] = self._measure(loop.gan.sampler())
        if line["validation"] > self.best:
            self.best, self.better_at = line["validation"], loop.gan.iteration
            if self.checkpoint is not None:
                self.checkpoint.write(loop.gan, self.checkpoint.folder.best)


class EarlyStopping(Validation):
    """Stops once so many measurements in a row, `patience`, have been no better than the best before."""

    def __init__(self, every: int, patience: int = 5, checkpoint: Checkpoint | None = None):
        super().__init__(every, checkpoint)
        self.patience, self._worse = patience, 0

    def on_iteration_end(self, loop: Loop, line: Line) -> None:
        super().on_iteration_end(loop, line)
        if "validation" not in line:
            return
        self._worse = 0 if self.better_at == loop.gan.iteration else self._worse + 1
        if self._worse >= self.patience:
            loop.stop()
