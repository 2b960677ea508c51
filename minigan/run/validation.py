"""The measure by which a run keeps its best checkpoint, taken on data that it does not train on."""

from __future__ import annotations

import numpy as np

from minigan.data import Dataset, Mixture
from minigan.errors import ConfigError
from minigan.generator.reference_data import SIGMA_POINTS
from minigan.generator.sampler import Sampler
from minigan.metrics import parzen
from minigan.metrics.modes import SAMPLES, coverage


class Validation:
    """How good a generator is; more is better.

    A data set   the Parzen estimate of its first 1,000 validation examples, in nats, at the best sigma of the authors'
                 grid: 10,000 samples with seed 0
    A mixture    the share of its modes that 2,500 samples capture, times the share of samples of high quality

    Raises ConfigError where there are no validation examples.
    """

    def __init__(self, data: Dataset | Mixture, option: str):
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
        examples = data.scaled(data.validation[:SIGMA_POINTS], np.float64)
        samples = sampler.forward(sampler.draw_z(parzen.SAMPLES))
        return float(parzen.log_likelihood(sampler.ops, examples, samples, parzen.SIGMAS).mean(axis=1).max())
