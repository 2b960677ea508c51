"""The nearest training example of a sample, in pixels: figure 2 of the paper shows it to rule out memorised images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from minigan.backends import Ops
from minigan.metrics.distances import Frame, squared

Scaled: TypeAlias = Callable[[np.ndarray, DTypeLike], np.ndarray]
TILE = 2000


def nearest(ops: Ops, samples: np.ndarray, examples: np.ndarray, scaled: Scaled) -> tuple[np.ndarray, np.ndarray]:
    """argmin_i |s - x_i| and its distance, for each sample s.

    samples   (n, d) floats
    examples  (N, d), as stored; `scaled(rows, dtype)` makes rows of it comparable to samples (`Dataset.scaled`)
    returns   (n,) int64 indices, the lowest of a tie, and (n,) float64 distances

    In float64, by one product in tiles of 2000 examples; what it leaves undecided by differences
    (`minigan.metrics.distances`).
    """
    frame = Frame.around(scaled(examples[:TILE], np.float64), samples)
    s = frame.normalised(samples)
    there = ops.asarray(s.there)
    best, index = np.full(len(samples), np.inf), np.zeros(len(samples), np.int64)
    with ops.session():
        for start in range(0, len(examples), TILE):
            x = frame.normalised(scaled(examples[start : start + TILE], np.float64))
            shape = len(samples), len(x.rows)
            products = ops.gemm(there, ops.asarray(x.there), ops.empty(shape, np.float64), trans_b=True)
            distance = squared(s, x, ops.to_host(products))
            here = distance.argmin(axis=1)
            closest = distance[np.arange(len(samples)), here]
            index = np.where(closest < best, start + here, index)
            best = np.minimum(best, closest)
    return index, np.ldexp(np.sqrt(best), frame.exponent)
