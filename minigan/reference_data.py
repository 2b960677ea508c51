"""The data to hold beside a trained generator: for evaluation, and for the nearest neighbours of samples."""

from __future__ import annotations

from pathlib import Path

from minigan.data import Dataset, load
from minigan.errors import ConfigError
from minigan.run_folder import RunFolder
from minigan.sampler import Sampler


def data_of(sampler: Sampler, run: str | None, source: str | None) -> tuple[str, Dataset]:
    """The data's name or path as given, and the set.

    source  --data; without it what the run's config.toml has, or else the data's name in G's file

    Raises DataError where they cannot be read, ConfigError where they are not of the size that G makes.
    """
    if source is None and run is not None and RunFolder(Path(run)).config.exists():
        source = RunFolder(Path(run)).saved_config().data
    source = source or sampler.data["name"]
    data = load(source, sampler.data.get("contrast"))
    if not isinstance(data, Dataset):
        raise ConfigError(f"--data {source}: a density that is drawn from, expected a set of examples")
    found = size(data.image_shape, data.n_features)
    made = size(sampler.data["image_shape"], sampler.generator.n_out)
    if found != made:
        raise ConfigError(f"--data {source}: {found}, expected {made} as G makes them")
    return source, data


def size(image_shape: tuple[int, ...] | list[int] | None, n_features: int) -> str:
    """The size of one example, in words."""
    return f"images of {' x '.join(map(str, image_shape))}" if image_shape else f"rows of {n_features} values"
