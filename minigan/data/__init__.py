"""Where x comes from: `load` finds a data set, `minibatches` cuts it up."""

from __future__ import annotations

import os
from pathlib import Path

from minigan.backends import Ops
from minigan.data.arrays import load_array
from minigan.data.batches import ExampleBatches
from minigan.data.dataset import DataError, Dataset
from minigan.data.describe import describe
from minigan.data.digits import load_digits
from minigan.data.download import download_mnist
from minigan.data.idx import find_idx_folder, load_mnist
from minigan.data.images import find_images, load_image_folder
from minigan.data.mixtures import Mixture, MixtureBatches

MIXTURES = {"gaussian": Mixture.gaussian, "ring": Mixture.ring, "grid": Mixture.grid}
SOURCES = ("digits", "mnist", *MIXTURES)
OWN = f"{', '.join(SOURCES)}, a folder with the MNIST files, a folder of pictures, or a .npy or .npz file"


def load(source: str) -> Dataset | Mixture:
    """The data set of this name (`SOURCES`), or the user's own data at this path.

    MNIST is looked for in MINIGAN_DATA, then downloaded once.  Raises DataError for data that cannot be found or read.
    """
    if source in MIXTURES:
        return MIXTURES[source]()
    if source == "digits":
        return load_digits()
    if source == "mnist":
        return load_mnist(given_mnist() or download_mnist())
    return load_own(Path(os.path.expanduser(source)))


def load_own(path: Path) -> Dataset:
    """The data at a path, by what is found there."""
    if os.path.isdir(path):
        if folder := find_idx_folder(path):
            return load_mnist(folder)
        if find_images(path):
            return load_image_folder(path)
    elif os.path.isfile(path) and path.suffix.lower() in (".npy", ".npz"):
        return load_array(path)
    elif not os.path.exists(path):
        raise DataError(f"--data {path}: not found, expected {OWN}")
    raise DataError(f"--data {path}: unknown kind of data, expected {OWN}")


def given_mnist() -> Path | None:
    """The MNIST folder under MINIGAN_DATA, if that is set and has one."""
    root = os.environ.get("MINIGAN_DATA")
    if not root:
        return None
    if not os.path.isdir(root):
        raise DataError(f"MINIGAN_DATA={root}: not a folder, expected one with data sets")
    return find_idx_folder(root)


def minibatches(
    ops: Ops, data: Dataset | Mixture, batch_size: int, seed: int, dtype
) -> ExampleBatches | MixtureBatches:
    """Minibatches of the data on a backend, in float32 or float64."""
    kind = MixtureBatches if isinstance(data, Mixture) else ExampleBatches
    return kind(ops, data, batch_size, seed, dtype)
