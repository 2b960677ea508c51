"""What a run begins with: its data, both networks around them, and how many iterations it has."""

from __future__ import annotations

import warnings

import numpy as np

from minigan import data as datasets
from minigan.data import Dataset, Mixture, PictureOptions
from minigan.data.ranges import far_apart, out_of_reach
from minigan.errors import ConfigError, DataError, DataWarning
from minigan.gan import GAN
from minigan.layers.activations import ACTIVATIONS
from minigan.layers.models import build
from minigan.options.config import Config

DRAWN_POINTS = 2500


def loaded(config: Config) -> Dataset | Mixture:
    """The data of --data.  Raises DataError, which says of a run that goes on that its data may have moved."""
    try:
        return datasets.load(config.data, config.contrast, config.standardise, PictureOptions.of(config))
    except DataError as error:
        if config.resume:
            raise DataError(f"{error}; the run was trained on it, and --data says where it is now") from None
        raise


def make_gan(config: Config, data: Dataset | Mixture) -> GAN:
    """The networks of --generator and --discriminator around the data.  Raises ConfigError, naming the option."""
    last = "".join(config.generator[-1:]).strip().partition(" ")[0]
    if outside := out_of_reach(data, ACTIVATIONS.get(last)):
        culprit = f"--data {config.data}" if config.contrast is None else f"--contrast {config.contrast}"
        culprit = "--standardise" if config.standardise else culprit
        raise ConfigError(f"{culprit}: {outside}")
    try:
        means = data.means() if isinstance(data, Dataset) and data.in_unit_interval else None
        generator = build(config.generator, config.latent, data.n_features, means)
    except ValueError as error:
        raise ConfigError(f"--generator: {error}") from None
    try:
        discriminator = build(config.discriminator, data.n_features, 1)
    except ValueError as error:
        raise ConfigError(f"--discriminator: {error}") from None
    if apart := far_apart(data):
        warnings.warn(f"--data {config.data}: {apart}", DataWarning, stacklevel=2)
    return GAN(generator, discriminator, config.recipe, config.backend, config.threads, config.device)


def drawn(data: Dataset | Mixture) -> np.ndarray:
    """Points of p_data for a drawing: (n, features)."""
    if isinstance(data, Dataset):
        return data.plain(data.train[:DRAWN_POINTS], np.float64)
    return data.sample(DRAWN_POINTS, seed=0)


def iterations_of(config: Config, gan: GAN) -> int:
    """How many iterations the run has in all.  Raises ConfigError for too many to count, or too few to validate."""
    total = config.iterations or gan.iterations_in(config.epochs)
    if total >= 2**32:
        raise ConfigError(f"--epochs {config.epochs}: {total} iterations, expected fewer than 2^32")
    if config.validate_every is not None and config.validate_every > total:
        raise ConfigError(f"--validate-every {config.validate_every}: expected at most the run's {total} iterations")
    return total
