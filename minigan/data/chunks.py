"""Some rows at a time: what is computed of all examples in float64 never needs a second copy of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

CHUNK = 1 << 20


def chunks(examples: np.ndarray) -> Iterator[slice]:
    """Slices that cover the rows of an (N, F) array in turn, of at most `CHUNK` values, but at least one row, each."""
    step = max(1, CHUNK // examples.shape[1])
    for start in range(0, len(examples), step):
        yield slice(start, start + step)
