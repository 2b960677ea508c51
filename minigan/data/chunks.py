"""Some rows at a time, so that computing in float64 needs no second copy of all examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

CHUNK = 1 << 20


def chunks(examples: np.ndarray) -> Iterator[slice]:
    """Slices that cover the rows of an (N, F) array in turn, of at most `CHUNK` values, but at least one row, each."""
    step = max(1, CHUNK // examples.shape[1])
    for start in range(0, len(examples), step):
        yield slice(start, start + step)
