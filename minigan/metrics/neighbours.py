"""The nearest training example of a sample, in pixels: figure 2 of the paper shows it to rule out memorised images."""

from __future__ import annotations

import numpy as np

from minigan.backends import Ops

TILE = 2000


def nearest(ops: Ops, samples: np.ndarray, examples, scaled) -> tuple[np.ndarray, np.ndarray]:
    """argmin_i |s - x_i| and its distance, for each sample s.

    samples   (n, d) floats
    examples  (N, d), as stored; `scaled(rows, dtype)` makes rows of it comparable to samples (`Dataset.scaled`)
    returns   (n,) int64 indices, the lowest of a tie, and (n,) float64 distances

    |s - x|^2 = |s|^2 + |x|^2 - 2 s.x  in float64: one product, in tiles of 2000 examples.
    """
    s = np.ascontiguousarray(samples, np.float64)
    best, index = np.full(len(s), np.inf), np.zeros(len(s), np.int64)
    with ops.session():
        for start in range(0, len(examples), TILE):
            x = scaled(examples[start : start + TILE], np.float64)
            product = ops.gemm(ops.asarray(s), ops.asarray(x), ops.empty((len(s), len(x)), np.float64), trans_b=True)
            distance = np.einsum("ij,ij->i", x, x) - 2 * ops.to_host(product)
            here = distance.argmin(axis=1)
            closest = distance[np.arange(len(s)), here]
            index = np.where(closest < best, start + here, index)
            best = np.minimum(best, closest)
    squared = best + np.einsum("ij,ij->i", s, s)
    return index, np.sqrt(np.maximum(squared, 0))
