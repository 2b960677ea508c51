"""2-D data drawn by hand: examples around the points of a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minigan.data import Mixture
from minigan.errors import DataError

EXAMPLES, DEVIATION = 4096, 0.02
FEWEST, MOST, FARTHEST = 2, 4000, 100.0


def write(path: Path, points: Sequence[Sequence[float]]) -> None:
    """Write a .npy of (4096, 2) float32: normal noise around points [[x, y], ...], each as often as any other.

    The noise is a fiftieth of half the drawing's width.  Raises DataError for what is no drawing.
    """
    try:
        drawn = np.array(points, np.float64)
    except (TypeError, ValueError):
        drawn = np.empty(0)
    if drawn.ndim != 2 or drawn.shape[1] != 2 or not FEWEST <= len(drawn) <= MOST:
        raise DataError(f"a drawing of shape {drawn.shape}: expected {FEWEST} to {MOST} points of two numbers")
    if not (np.abs(drawn) <= FARTHEST).all():
        raise DataError(f"a drawing with a point beyond {FARTHEST:.0f}: expected numbers from -{FARTHEST:.0f} to it")
    half = float(np.ptp(drawn, axis=0).max()) / 2 or 1.0
    np.save(path, Mixture("drawn", drawn, DEVIATION * half).sample(EXAMPLES).astype(np.float32))
