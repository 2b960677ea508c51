"""What several tests of the data room share."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from minigan.data import DataError
from minigan.data.idx import find_idx_folder

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The real MNIST files."""
    places = [os.environ.get("MINIGAN_DATA"), REPOSITORY.parent / "shared" / "data"]
    for place in filter(None, places):
        if folder := find_idx_folder(place):
            return folder
    pytest.skip("no MNIST files in MINIGAN_DATA or ../shared/data")


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
    """Call and expect a DataError of one line in which every one of `words` occurs; returns the message."""

    def expect(call: Callable[[], object], *words: object) -> str:
        with pytest.raises(DataError) as caught:
            call()
        message = str(caught.value)
        assert "\n" not in message
        assert "expected" in message
        for word in words:
            assert str(word) in message
        return message

    return expect
