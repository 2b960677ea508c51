"""Philox inside compiled kernels: the same words as `minigan.rng`, drawn where they are used."""

from __future__ import annotations

import numpy as np
from numba import njit

from minigan.rng import MULTIPLIERS, WEYL

M0, M1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
W0, W1 = np.uint64(WEYL[0]), np.uint64(WEYL[1])
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@njit(inline="always")
def philox(block, draw):
    """Four words of Philox4x32-10 in uint64; `minigan.rng.philox` is the formula.

    draw  (iteration, substep, stream, key 0, key 1) uint64
    """
    c0, (c1, c2, c3, k0, k1) = block & LOW, draw
    for _ in range(10):
        product0, product1 = c0 * M0, c2 * M1
        c0, c1 = (product1 >> HALF) ^ c1 ^ k0, product1 & LOW
        c2, c3 = (product0 >> HALF) ^ c3 ^ k1, product0 & LOW
        k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
    return c0, c1, c2, c3


@njit(inline="always")
def first_block(row, width):
    """The number of a row's first block of four words."""
    return np.uint64(row) * np.uint64((width + 3) // 4)


@njit(inline="always")
def draw_kept(kept, row, draw, threshold):
    """kept (I,) <- [word < threshold] for one row of a draw; whole blocks first, a loop that vectorises."""
    width = kept.shape[0]
    first = first_block(row, width)
    for block in range(width // 4):
        w0, w1, w2, w3 = philox(first + np.uint64(block), draw)
        kept[4 * block] = w0 < threshold
        kept[4 * block + 1] = w1 < threshold
        kept[4 * block + 2] = w2 < threshold
        kept[4 * block + 3] = w3 < threshold
    if width % 4:
        words = philox(first + np.uint64(width // 4), draw)
        for i in range(width % 4):
            kept[width // 4 * 4 + i] = words[i] < threshold
