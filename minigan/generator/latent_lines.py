"""Lines in z between pairs of draws: what G makes along them is figure 3 of the paper."""

from __future__ import annotations

import numpy as np

PARALLEL = 1e-6


def straight_lines(ends: np.ndarray, columns: int) -> np.ndarray:
    """(1 - t) a + t b  from a = ends[2 i] to b = ends[2 i + 1], t evenly spaced.

    ends (2 rows, latent) to (rows * columns, latent), row after row
    """
    t = np.linspace(0, 1, columns, dtype=ends.dtype)[:, None]
    return np.concatenate([(1 - t) * a + t * b for a, b in zip(ends[0::2], ends[1::2])])


def great_circles(ends: np.ndarray, columns: int) -> np.ndarray:
    """Spherical lines:  (sin((1 - t) w) a + sin(t w) b) / sin w,  w the angle between a and b; shapes as above.

    White (2016, arXiv 1609.04468): points in between keep lengths that the prior makes likely.  Vectors within 1e-6 of
    one line have no one circle between them: the straight line joins them.
    """
    t = np.linspace(0, 1, columns, dtype=ends.dtype)[:, None]
    rows = []
    for a, b in zip(ends[0::2], ends[1::2]):
        lengths = np.linalg.norm(a) * np.linalg.norm(b)
        angle = np.arccos(np.clip(np.dot(a, b) / lengths, -1, 1)) if lengths else 0.0
        if np.sin(angle) < PARALLEL:
            rows.append((1 - t) * a + t * b)
        else:
            rows.append((np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle))
    return np.concatenate(rows)
