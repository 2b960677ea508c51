"""What several tests of the data room share."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from minigan.data import DataError
from minigan.data.cifar10 import find_cifar10
from minigan.data.idx import find_idx_folder

REPOSITORY = Path(__file__).resolve().parents[2]
ROOTS = [root for root in (os.environ.get("MINIGAN_DATA"), REPOSITORY.parent / "shared" / "data") if root]


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The real MNIST files."""
    for root in ROOTS:
        if folder := find_idx_folder(root):
            return folder
    pytest.skip("no MNIST files in MINIGAN_DATA or ../shared/data")


@pytest.fixture(scope="session")
def cifar10_folder() -> Path:
    """Real batches of CIFAR-10, binary: the first one, perhaps others, and test images."""
    for root in ROOTS:
        folder = find_cifar10(root)
        if folder and (folder / "data_batch_1.bin").is_file() and (folder / "test_batch.bin").is_file():
            return folder
    pytest.skip("no data_batch_1.bin and test_batch.bin of CIFAR-10 in MINIGAN_DATA or ../shared/data")


@pytest.fixture
def peak() -> Callable[[Callable[[], object]], int]:
    """The most bytes that Python and NumPy held at once during a call, beyond those held before."""

    def measure(call: Callable[[], object]) -> int:
        tracemalloc.start()
        try:
            call()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measure


@pytest.fixture
def refused() -> Callable[..., str]:
    """Call and expect a DataError of one line in which every one of `parts` occurs; returns the message."""

    def expect(call: Callable[[], object], *parts: object) -> str:
        with pytest.raises(DataError) as caught:
            call()
        message = str(caught.value)
        assert "\n" not in message
        assert "expected" in message
        for part in parts:
            assert str(part) in message
        return message

    return expect
