"""The data to hold beside a trained generator: for evaluation, and for the nearest neighbours of samples."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from minigan.data import Dataset, Mixture, PictureOptions, load
from minigan.data.arrays import load_part
from minigan.data.describe import Description, describe, nameless, standard_of
from minigan.errors import ConfigError, DataError, DataWarning
from minigan.files.run_folder import RunFolder
from minigan.generator.sampler import Sampler
from minigan.metrics.table1 import some_of

MOST = 10_000
"""So many training examples at most are measured on."""
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
    images is for sigma alone.  Raises ConfigError as `tested` does.
    """
    test = tested(data, name)
    if data.validation is not None:
        return data.validation[:SIGMA_POINTS], test
    third = len(test) // 3
    return test[:third][:SIGMA_POINTS], test[third:]


def tested(data: Dataset, name: str) -> np.ndarray:
    """The test images, as stored.  Raises ConfigError, naming the data set `name`, where there are fewer than three."""
    if data.test is None or len(data.test) < 3:
        advice = "--test-fraction .2, --part NAME of an .npz, or --part train takes others"
        raise ConfigError(f"--data {name}: no test images there, expected some to measure on ({advice})")
    return data.test


def measured_on(
    data: Dataset, source: str, described: Description, part: str | None, fraction: float | None, seed: int
) -> Dataset:
    """The data with other test examples: those of a part, or a share of the training examples that leaves them.

    source     the data's name or path as given
    described  the data that G was trained on
    part       "train" (10,000 of them at most), "validation", or a name in the .npz; None for the test examples
    fraction   of the training examples, drawn at random by `seed`; None for none

    Warns, DataWarning, where G has seen what it is measured on.  Raises ConfigError for a part that is not there, and a
    fraction that leaves no example on one side; DataError for a part that cannot be read.
    """
    if part == "train":
        told = "measured on training examples: where G learnt from them, its copies of them count as good"
        warnings.warn(f"--part train: {told}", DataWarning, stacklevel=2)
        return replace(data, test=some_of(data.train, MOST, seed), validation=None)
    if part == "validation":
        if data.validation is None:
            raise ConfigError(f"--part validation: --data {source} has no validation examples")
        return replace(data, test=data.validation, validation=None)
    if part not in (None, "test"):
        if not source.lower().endswith(".npz"):
            raise ConfigError(f"--part {part}: expected train, validation, test, or a name in a --data FILE.npz")
        return replace(data, test=load_part(source, part), validation=None)
    if fraction is not None:
        n = len(data.train)
        held = round(fraction * n)
        if not 3 <= held < n:
            raise ConfigError(f"--test-fraction {fraction}: {held} of {n} examples, expected from 3 to {n - 1}")
        if described.get("sha256") == describe(data)["sha256"]:
            told = "G was trained on all of them, so these are no held-out data to it"
            warnings.warn(f"--test-fraction {fraction}: {told}", DataWarning, stacklevel=2)
        mixed = some_of(np.arange(n), n, seed)
        return replace(
            data, test=data.train[np.sort(mixed[:held])], train=data.train[np.sort(mixed[held:])], labels=None
        )
    return data
