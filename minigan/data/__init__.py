"""Where x comes from: `load` finds a data set, `minibatches` cuts it up."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from inspect import signature
from pathlib import Path
from pkgutil import iter_modules

from numpy.typing import DTypeLike

from minigan.backends import Ops
from minigan.data.batches import ExampleBatches
from minigan.data.cifar10 import ARCHIVES, find_cifar10, load_cifar10
from minigan.data.dataset import Dataset as Dataset
from minigan.data.describe import describe as describe
from minigan.data.digits import load_digits
from minigan.data.download import MNIST_FILES, MNIST_LABELLED, download_cifar10, download_mnist
from minigan.data.examples import dataset_of as dataset_of
from minigan.data.idx import find_idx_folder, find_mnist, load_mnist
from minigan.data.images import entries, find_parts, kinds_of, load_image_folder
from minigan.data.mixtures import Mixture as Mixture
from minigan.data.mixtures import MixtureBatches
from minigan.data.picture import PictureOptions as PictureOptions
from minigan.data.tfd import CONVERSION, TFD_FILES, find_tfd, load_tfd
from minigan.errors import DataError, DataWarning, did_you_mean

MIXTURES = {"gaussian": Mixture.gaussian, "ring": Mixture.ring, "grid": Mixture.grid}
SOURCES = ("digits", "mnist", "cifar10", "tfd", *MIXTURES)
IN_FOLDERS: dict[str, tuple[Callable[[str | Path], Path | None], Callable[..., Dataset]]] = {
    "MNIST": (find_idx_folder, load_mnist),
    "CIFAR-10": (find_cifar10, load_cifar10),
    "TFD": (find_tfd, load_tfd),
}
"""What is looked for in a folder, and what reads it there."""


def readers() -> dict[str, Callable[[Path], Dataset]]:
    """{suffix: what reads such a file}: the `READS` of every module of this package that has them."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return {suffix: read for module in modules for suffix, read in getattr(module, "READS", {}).items()}


READERS = readers()
BY_NAME = dict.fromkeys(ARCHIVES, load_cifar10) | dict.fromkeys(TFD_FILES, load_tfd)
OWN = (
    f"{', '.join(SOURCES)}, a folder with the MNIST or CIFAR-10 files, CIFAR-10's .tar.gz, TFD_48x48.npz, "
    f"a folder of pictures or of subfolders of them, or a file of examples ({', '.join(READERS)})"
)


def load(
    source: str,
    contrast: float | None = None,
    standardise: bool = False,
    pictures: PictureOptions = PictureOptions(),
    labels: bool = False,
) -> Dataset | Mixture:
    """The data set of this name (`SOURCES`), or the user's own data at this path.

    contrast     the L2 norm that global contrast normalisation gives to each example, or None; applied as they are read
    standardise  whether to standardise each feature, after contrast normalisation
    pictures     how a folder of pictures is read
    labels       whether to read the training examples' labels too

    A density to draw from (ring, grid, gaussian) is a `Mixture`, all else a `Dataset`.  MNIST, CIFAR-10 and TFD are
    looked for in MINIGAN_DATA; MNIST and CIFAR-10 are downloaded if missing.  Raises DataError for data that cannot be
    found, read or normalised, for labels that are missing, and for options that are not for such data.  Warns,
    DataWarning, of skipped files and of a name that is also a local path.
    """
    if source in SOURCES:
        if os.path.exists(source):
            here = f"what lies here is --data ./{source}"
            warnings.warn(f"--data {source}: the data set of that name is taken; {here}", DataWarning, stacklevel=2)
        no_pictures(source, pictures)
        data = load_named(source, labels)
    else:
        data = load_own(Path(os.path.expanduser(source)), pictures, labels)
    if isinstance(data, Mixture):
        if labels:
            raise no_labels(source)
        if contrast is not None or standardise:
            option = "--standardise" if contrast is None else f"--contrast {contrast}"
            raise DataError(f"{option}: {source} is a density that is drawn from, expected a set of examples")
        return data
    if contrast is not None:
        data = replace(data, contrast=contrast)
    return data.standardised() if standardise else data


def load_named(name: str, labels: bool = False) -> Dataset | Mixture:
    """The data set of one of the names in `SOURCES`."""
    match name:
        case "digits":
            return load_digits(labels)
        case "mnist":
            files = MNIST_LABELLED if labels else MNIST_FILES
            return named("mnist", load_mnist(given(find_mnist) or download_mnist(files=files), labels))
        case "cifar10":
            return load_cifar10(given(find_cifar10) or find_cifar10(folder := download_cifar10()) or folder, labels)
        case _ if labels:
            raise no_labels(name)
        case "tfd":
            if path := given(find_tfd):
                return load_tfd(path)
            there = "TFD_48x48.npz in MINIGAN_DATA, or --data with its path"
            raise DataError(f"--data tfd: not public, expected {there}; what makes it of TFD's file: {CONVERSION}")
        case _:
            return MIXTURES[name]()


def named(name: str, data: Dataset) -> Dataset:
    """The data.  Warns, DataWarning, where they are others than those of this name."""
    if data.name != name:
        found = f"its files hold other pictures, called {data.name} here"
        warnings.warn(f"--data {name}: {found}", DataWarning, stacklevel=4)
    return data


def load_own(path: Path, pictures: PictureOptions = PictureOptions(), labels: bool = False) -> Dataset:
    """The data at a path, by what is found there."""
    read, found = reader_of(path)
    if labels and "labels" not in signature(read).parameters:
        raise no_labels(path)
    told = {"labels": True} if labels else {}
    if read is load_image_folder:
        return read(found, pictures, **told)
    no_pictures(path, pictures)
    return read(found, **told)


def no_labels(source: str | Path) -> DataError:
    """What to raise for data of a kind that has no labels."""
    labelled = "MNIST's or CIFAR-10's files, digits, a folder of class folders, or an .npz with 'train' and 'y'"
    return DataError(f"--condition labels: there are none with --data {source}, expected {labelled}")


def reader_of(path: Path) -> tuple[Callable[..., Dataset], Path]:
    """What reads the data at a path, and the path that it is given.  Raises DataError for what nothing reads."""
    if os.path.isdir(path):
        found = {kind: inside for kind, (find, _) in IN_FOLDERS.items() if (inside := find(path))}
        if len(found) > 1:
            raise DataError(f"--data {path}: {' and '.join(found)} are there, expected the folder of one")
        for kind, inside in found.items():
            return IN_FOLDERS[kind][1], inside
        if any(find_parts(path)):
            return load_image_folder, path
    elif os.path.isfile(path):
        if read := BY_NAME.get(path.name) or READERS.get(path.suffix.lower()):
            return read, path
        if path.suffix.lower() == ".mat":
            raise DataError(f"--data {path}: MATLAB's format, expected arrays; of TFD's file makes them: {CONVERSION}")
    elif not os.path.exists(path):
        raise DataError(f"--data {path}: not found, expected {OWN}{did_you_mean(str(path), SOURCES)}")
    raise DataError(f"--data {path}: unknown kind of data{what_lies_in(path)}, expected {OWN}")


def what_lies_in(folder: Path) -> str:
    """The kinds of files in a folder, or that it has none, for an error; nothing where it is no folder."""
    if not os.path.isdir(folder):
        return ""
    found = list(entries(folder))
    files = [path for path in found if path.is_file()]
    if files:
        return f" ({kinds_of(files)})"
    return " (folders alone; pictures may lie in it, or in a folder a class)" if found else " (an empty folder)"


def no_pictures(source: str | Path, pictures: PictureOptions) -> None:
    """Raise DataError where data that are no folder of pictures are to be read as one."""
    if pictures != PictureOptions():
        options = "--size, --background and --skip-unreadable"
        raise DataError(f"{options} are for a folder of pictures, expected them without --data {source}")


def given(find: Callable[[str], Path | None]) -> Path | None:
    """What `find` finds under MINIGAN_DATA; None where that is not set."""
    root = os.environ.get("MINIGAN_DATA")
    if not root:
        return None
    if not os.path.isdir(root):
        raise DataError(f"MINIGAN_DATA={root}: not a folder, expected one with data sets")
    return find(root)


def minibatches(
    ops: Ops, data: Dataset | Mixture, batch_size: int, seed: int, dtype: DTypeLike
) -> ExampleBatches | MixtureBatches:
    """Minibatches of the data on a backend, in float32 or float64."""
    if isinstance(data, Mixture):
        return MixtureBatches(ops, data, batch_size, seed, dtype)
    return ExampleBatches(ops, data, batch_size, seed, dtype)
