"""What a run begins with: its data, both networks around them, and how many iterations it has."""

from __future__ import annotations

from math import prod

import numpy as np

from minigan import backends
from minigan import data as datasets
from minigan.data import Dataset
from minigan.errors import ConfigError, DataError
from minigan.gan import GAN
from minigan.layers import Sequential
from minigan.layers.models import build
from minigan.options.config import Config

WORTH_COMPILING = 2e7
DRAWN_POINTS = 2500


def loaded(config: Config):
    """The data of --data.  Raises DataError, which says of a run that goes on that its data may have moved."""
    try:
        return datasets.load(config.data, config.contrast)
    except DataError as error:
        if config.resume:
            raise DataError(f"{error}; the run was trained on it, and --data says where it is now") from None
        raise


def make_gan(config: Config, data) -> GAN:
    """The networks of --generator and --discriminator around the data.  Raises ConfigError, naming the option."""
    in_unit_interval = isinstance(data, Dataset) and data.in_unit_interval
    if config.generator and config.generator[-1].startswith("sigmoid") and not in_unit_interval:
        culprit = f"--data {config.data}" if config.contrast is None else f"--contrast {config.contrast}"
        raise ConfigError(f"{culprit}: values outside [0, 1], where --generator ends in a sigmoid; expected 'linear'")
    try:
        means = data.means() if in_unit_interval else None
        generator = build(config.generator, config.latent, data.n_features, means)
    except ValueError as error:
        raise ConfigError(f"--generator: {error}") from None
    try:
        discriminator = build(config.discriminator, data.n_features, 1)
    except ValueError as error:
        raise ConfigError(f"--discriminator: {error}") from None
    backend = choose_backend(config, generator, discriminator) if config.backend == "auto" else config.backend
    return GAN(generator, discriminator, config.recipe, backend, config.threads, config.device)


def choose_backend(config: Config, generator: Sequential, discriminator: Sequential) -> str:
    """Where an iteration's products outweigh what its kernels cost to start, a GPU if there is one, else numba; for
    less work, or where Numba does not work, numpy.

    An iteration multiplies about 5 m (weights of G + k weights of D) pairs: two passes through each player.
    """
    weights = [sum(prod(shape) for shape in network.shapes().values()) for network in (generator, discriminator)]
    pairs = 5 * config.batch_size * (weights[0] + config.k * weights[1])
    if config.precision == "tf32" or config.device != 0:
        return backends.GPU
    if pairs < WORTH_COMPILING:
        return "numpy"
    if config.threads is None and backends.why_no_gpu(config.device) is None:
        return backends.GPU
    return "numba" if backends.why_no_numba() is None else "numpy"


def drawn(data) -> np.ndarray:
    """Points of p_data for a drawing: (n, features)."""
    if isinstance(data, Dataset):
        return data.scaled(data.train[:DRAWN_POINTS], np.float64)
    return data.sample(DRAWN_POINTS, seed=0)


def iterations_of(config: Config, gan: GAN) -> int:
    """How many iterations the run has in all.  Raises ConfigError for too many to count, or too few to validate."""
    total = config.iterations or gan.iterations_in(config.epochs)
    if total >= 2**32:
        raise ConfigError(f"--epochs {config.epochs}: {total} iterations, expected fewer than 2^32")
    if config.validate_every is not None and config.validate_every > total:
        raise ConfigError(f"--validate-every {config.validate_every}: expected at most the run's {total} iterations")
    return total
