"""The data to hold beside a trained generator: for evaluation, and for the nearest neighbours of samples."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from minigan.data import Dataset, Mixture, PictureOptions, load
from minigan.data.describe import describe, nameless, standard_of
from minigan.errors import ConfigError, DataError, DataWarning
from minigan.files.run_folder import RunFolder
from minigan.generator.sampler import Sampler

SIGMA_POINTS = 1000
"""The authors choose sigma on so many validation images."""


def data_of(sampler: Sampler, run: str | None, source: str | None) -> tuple[str, Dataset | Mixture]:
    """The data's name or path as given, and the data.

    source  --data; without it what the run's config.toml has, or else the data's name in G's file

    Raises DataError where they cannot be read, ConfigError where they are not of the size that G makes.
    """
    given = source is not None
    pictures = PictureOptions()
    if run is not None and RunFolder(Path(run)).config.exists():
        config = RunFolder(Path(run)).saved_config()
        source = config.data if source is None else source
        pictures = PictureOptions.of(config) if not given or os.path.isdir(source) else pictures
    source = source or sampler.data["name"]
    try:
        labels = not given and sampler.classes is not None
        data = load(source, sampler.data.get("contrast"), pictures=pictures, labels=labels)
    except DataError as error:
        raise error if given else DataError(f"{error}; G was trained on it, and --data says where it is now") from None
    found = size(data.image_shape, data.n_features)
    made = size(sampler.data["image_shape"], sampler.generator.n_out)
    if found != made:
        raise ConfigError(f"--data {source}: {found}, expected {made} as G makes them")
    if isinstance(data, Dataset):
        data = replace(data, standard=standard_of(sampler.data))
    if not given and nameless(describe(data)) != nameless(sampler.data):
        warnings.warn(f"--data {source}: has changed since G was trained on it", DataWarning, stacklevel=2)
    return source, data


def size(image_shape: tuple[int, ...] | list[int] | None, n_features: int) -> str:
    """The size of one example, as a text."""
    return f"images of {' x '.join(map(str, image_shape))}" if image_shape else f"rows of {n_features} values"


def held_out(data: Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The images to choose sigma on and those to measure on, as stored.

    The first 1,000 validation images, and all test images.  Without validation images the first third of the test
    images is for sigma alone.  Raises ConfigError, naming the data set `name`, where there are no test images.
    """
    if data.test is None or len(data.test) < 3:
        raise ConfigError(f"--data {name}: no test images there, expected some to measure on")
    if data.validation is not None:
        return data.validation[:SIGMA_POINTS], data.test
    third = len(data.test) // 3
    return data.test[:third][:SIGMA_POINTS], data.test[third:]
