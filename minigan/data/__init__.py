"""Where x comes from: `load` finds a data set, `minibatches` cuts it up."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from minigan.backends import Ops
from minigan.data.arrays import load_array
from minigan.data.batches import ExampleBatches
from minigan.data.cifar10 import ARCHIVES, find_cifar10, load_cifar10
from minigan.data.dataset import Dataset
from minigan.data.describe import describe
from minigan.data.digits import load_digits
from minigan.data.download import download_cifar10, download_mnist
from minigan.data.idx import find_idx_folder, load_mnist
from minigan.data.images import find_images, load_image_folder
from minigan.data.mixtures import Mixture, MixtureBatches
from minigan.data.tfd import find_tfd, load_tfd
from minigan.errors import DataError, did_you_mean

MIXTURES = {"gaussian": Mixture.gaussian, "ring": Mixture.ring, "grid": Mixture.grid}
SOURCES = ("digits", "mnist", "cifar10", "tfd", *MIXTURES)
IN_FOLDERS = {
    "MNIST": (find_idx_folder, load_mnist),
    "CIFAR-10": (find_cifar10, load_cifar10),
    "TFD": (find_tfd, load_tfd),
}
"""What is looked for in a folder, and what reads the place where it is found."""
OWN = (
    f"{', '.join(SOURCES)}, a folder with the MNIST or CIFAR-10 files, CIFAR-10's .tar.gz, TFD_48x48.mat, "
    "a folder of pictures, or a .npy or .npz file"
)


def load(source: str, contrast: float | None = None) -> Dataset | Mixture:
    """The data set of this name (`SOURCES`), or the user's own data at this path.

    contrast  the length that global contrast normalisation gives to each example, or None

    MNIST, CIFAR-10 and TFD are looked for in MINIGAN_DATA; the first two are then downloaded once.  Raises DataError
    for data that cannot be found, read or normalised.
    """
    data = load_named(source) if source in SOURCES else load_own(Path(os.path.expanduser(source)))
    if contrast is None:
        return data
    if isinstance(data, Mixture):
        raise DataError(f"--contrast {contrast}: {source} is a density that is drawn from, expected a set of examples")
    return replace(data, contrast=contrast)


def load_named(name: str) -> Dataset | Mixture:
    """The data set of one of the names in `SOURCES`."""
    match name:
        case "digits":
            return load_digits()
        case "mnist":
            return load_mnist(given(find_idx_folder) or download_mnist())
        case "cifar10":
            return load_cifar10(given(find_cifar10) or find_cifar10(download_cifar10()))
        case "tfd":
            if path := given(find_tfd):
                return load_tfd(path)
            raise DataError("--data tfd: not public, expected TFD_48x48.mat in MINIGAN_DATA, or --data with its path")
        case _:
            return MIXTURES[name]()


def load_own(path: Path) -> Dataset:
    """The data at a path, by what is found there."""
    if os.path.isdir(path):
        found = {kind: place for kind, (find, _) in IN_FOLDERS.items() if (place := find(path))}
        if len(found) > 1:
            raise DataError(f"--data {path}: {' and '.join(found)} are there, expected the folder of one")
        for kind, place in found.items():
            return IN_FOLDERS[kind][1](place)
        if find_images(path):
            return load_image_folder(path)
    elif os.path.isfile(path):
        if path.suffix.lower() in (".npy", ".npz"):
            return load_array(path)
        if path.suffix.lower() == ".mat":
            return load_tfd(path)
        if path.name in ARCHIVES:
            return load_cifar10(path)
    elif not os.path.exists(path):
        raise DataError(f"--data {path}: not found, expected {OWN}{did_you_mean(str(path), SOURCES)}")
    raise DataError(f"--data {path}: unknown kind of data, expected {OWN}")


def given(find: Callable[[str], Path | None]) -> Path | None:
    """What `find` finds under MINIGAN_DATA; None where that is not set."""
    root = os.environ.get("MINIGAN_DATA")
    if not root:
        return None
    if not os.path.isdir(root):
        raise DataError(f"MINIGAN_DATA={root}: not a folder, expected one with data sets")
    return find(root)


def minibatches(
    ops: Ops, data: Dataset | Mixture, batch_size: int, seed: int, dtype
) -> ExampleBatches | MixtureBatches:
    """Minibatches of the data on a backend, in float32 or float64."""
    kind = MixtureBatches if isinstance(data, Mixture) else ExampleBatches
    return kind(ops, data, batch_size, seed, dtype)
