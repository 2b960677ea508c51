"""MNIST and CIFAR-10 from the network: mirrors of the published files, each file checked against its SHA-256.

A file is fetched into a folder of its own inside the cache, and moved to its place when it is whole.  Processes take
turns, so that what a killed one left can be told from what another is fetching, and is removed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from minigan.errors import DataError, is_web_page, one_line
from minigan.locks import locked, unlock

MNIST_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
MNIST_FILES = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
}
MNIST_LABELLED = MNIST_FILES | {
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
}
CIFAR10_MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
CIFAR10_FILES = {"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"}
CHUNK = 1 << 16
PART = ".part-"


def cache_folder() -> Path:
    """MINIGAN_CACHE, or the operating system's folder for caches."""
    import pooch

    return Path(os.path.expanduser(os.environ.get("MINIGAN_CACHE") or pooch.os_cache("minigan")))


def download_mnist(mirrors: Sequence[str] = MNIST_MIRRORS, files: Mapping[str, str] = MNIST_FILES) -> Path:
    """The folder with MNIST's files, as `download` gives it."""
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
    """One file into the folder, unless it is there and whole."""
    if is_whole(folder / name, digest):
        return
    try:
        with turn(folder):
            # Another process may have fetched it while this one waited.
            if not is_whole(folder / name, digest):
                fetch_now(folder, name, digest, mirrors, instead)
    except OSError as error:
        raise DataError(f"{folder}: {one_line(error)}, expected one to write to; MINIGAN_CACHE sets it") from error


def is_whole(path: Path, digest: str) -> bool:
    """Whether a file is there with this SHA-256."""
    import pooch

    return path.is_file() and pooch.file_hash(str(path)) == digest


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """One process at a time in a folder; a lock ends with its process.  What killed processes left is removed."""
    handle = locked(folder, wait=True)
    try:
        if handle is not None:  # without locks processes fetch side by side, and nothing is removed
            for left in folder.glob(f"{PART}*"):
                shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        unlock(handle)


def fetch_now(folder: Path, name: str, digest: str, mirrors: Sequence[str], instead: str) -> None:
    """One file from the first mirror that gives it.  Raises DataError where none does, OSError for a full disk."""
    import pooch

    failures = []
    with tempfile.TemporaryDirectory(prefix=PART, dir=folder) as part:
        for mirror in mirrors:
            try:
                pooch.retrieve(mirror + name, f"sha256:{digest}", fname=name, path=part, downloader=download_data)
            except (OSError, ValueError) as error:
                failures.append(f"{urlsplit(mirror).netloc}: {reason(error)}")
            else:
                os.replace(Path(part, name), folder / name)
                return
    raise DataError(
        f"{name}: no mirror gave it ({'; '.join(failures)}), "
        f"expected a network, or --data DIR or MINIGAN_DATA with {instead}"
    )


class WebPage(ValueError):
    """A server sent HTML and no file."""


def download_data(address: str, path: str, pooch_instance: object) -> None:
    """Pooch's way of fetching an address into a file, which has to be no web page."""
    import pooch

    pooch.HTTPDownloader(progressbar=True, chunk_size=CHUNK)(address, path, pooch_instance)
    if is_web_page(path):
        raise WebPage


def reason(error: Exception) -> str:
    """Why a mirror failed, in a few words."""
    import requests

    if isinstance(error, WebPage):
        return "a web page (HTML)"
    if isinstance(error, requests.HTTPError):
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.RequestException):
        # urllib3 wraps the cause in an error that repeats the address; what matters comes last.
        cause = getattr(error.args[0], "reason", error) if error.args else error
        return one_line(cause).rpartition(": ")[2]
    if isinstance(error, OSError):
        return one_line(error)
    return "other bytes than the published SHA-256"
