"""MNIST and CIFAR-10 from the network: mirrors of the published files, each file checked against its SHA-256."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from minigan.data.dataset import DataError
from minigan.data.reading import one_line

MNIST_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
MNIST_FILES = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
}
CIFAR10_MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
CIFAR10_FILES = {"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"}
CHUNK = 1 << 16


def cache_folder() -> Path:
    """MINIGAN_CACHE, or the operating system's place for caches."""
    import pooch

    return Path(os.path.expanduser(os.environ.get("MINIGAN_CACHE") or pooch.os_cache("minigan")))


def download_mnist(mirrors: Sequence[str] = MNIST_MIRRORS, files: Mapping[str, str] = MNIST_FILES) -> Path:
    """The folder with MNIST's image files, as `download` gives it."""
    return download("mnist", mirrors, files, "a folder that has the IDX files")


def download_cifar10(mirrors: Sequence[str] = CIFAR10_MIRRORS, files: Mapping[str, str] = CIFAR10_FILES) -> Path:
    """The folder with CIFAR-10's archive, as `download` gives it."""
    return download("cifar10", mirrors, files, "a folder that has the archive or its files")


def download(name: str, mirrors: Sequence[str], files: Mapping[str, str], instead: str) -> Path:
    """The folder `name` of the cache with the files; what is there and whole already is not fetched again.

    mirrors  addresses that end in a slash, tried in turn for each file
    files    name to SHA-256
    instead  what a user without a network can point at

    Raises DataError where no mirror gives a file, and where the cache cannot be made.
    """
    folder = cache_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: {one_line(error)}, expected a folder to be made; MINIGAN_CACHE sets one") from error
    for file, digest in files.items():
        fetch(folder, file, digest, mirrors, instead)
    return folder


def fetch(folder: Path, name: str, digest: str, mirrors: Sequence[str], instead: str) -> None:
    """One file into the folder.  Pooch writes beside it and renames, so a part of a file never bears its name."""
    import pooch

    failures = []
    for mirror in mirrors:
        downloader = pooch.HTTPDownloader(progressbar=True, chunk_size=CHUNK)
        try:
            pooch.retrieve(mirror + name, f"sha256:{digest}", fname=name, path=folder, downloader=downloader)
            return
        except (OSError, ValueError) as error:
            failures.append(f"{urlsplit(mirror).netloc}: {reason(error)}")
    raise DataError(
        f"{name}: no mirror gave it ({'; '.join(failures)}), "
        f"expected a network, or --data DIR or MINIGAN_DATA with {instead}"
    )


def reason(error: Exception) -> str:
    """Why a mirror failed, in a few words."""
    import requests

    if isinstance(error, requests.HTTPError):
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.RequestException):
        # urllib3 wraps the cause in an error that repeats the address; what matters comes last.
        cause = getattr(error.args[0], "reason", error) if error.args else error
        return one_line(cause).rpartition(": ")[2]
    if isinstance(error, OSError):
        return one_line(error)
    return "other bytes than the published SHA-256"
