"""Counter-based random numbers: each is a function of the seed and of its position in the run, on every backend.

Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3") turns a counter of
four 32-bit words and a key of two into four random words.  The key is the seed, and the counter says which number of
the run is meant:

    counter = (block, iteration, substep, stream)        key = (seed mod 2^32, seed div 2^32)

Entry (r, c) of a draw of shape (rows, width) is word c mod 4 of block  row[r] * ceil(width / 4) + c div 4, where
row[r] is the row's number in the *whole* batch.  So a part of a batch draws exactly the numbers that it would have had
in the whole, and a stopped run goes on from its iteration alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
MASK = np.uint64(0xFFFFFFFF)
BLOCKS_AT_ONCE = 8192
"""so that what ten rounds read and write stays in cache"""


class Stream:
    """The last word of the counter: what the numbers are for.  Dropout adds the layer's index to its stream."""

    LATENT = 0
    MINIBATCH = 1
    MIXTURE_MODE = 2
    MIXTURE_NOISE = 3
    SAMPLE = 4
    COMPARISON = 5
    LABEL = 6
    INFERENCE = 7
    INITIAL_WEIGHTS = 64
    DROPOUT_GENERATOR = 1024
    DROPOUT_DISCRIMINATOR = 2048


@dataclass(frozen=True)
class Draw:
    """Which random numbers are meant: a position in the run, and the global number of each local row.

    seed       64-bit integer
    iteration  scalar: an int, or an array of shape () that the backend's clock keeps up to date
    substep    which of the iteration's D- and G-steps, from 0
    stream     one of `Stream`
    rows       (B,) uint32 array of the backend that draws
    """

    seed: int
    iteration: Any
    substep: int
    stream: int
    rows: Any

    def __getitem__(self, part: slice) -> Draw:
        """The draw of some of the rows: they keep their numbers."""
        return Draw(self.seed, self.iteration, self.substep, self.stream, self.rows[part])

    def layer(self, index: int) -> Draw:
        """The draw of layer `index` within a network's pass."""
        return Draw(self.seed, self.iteration, self.substep, self.stream + index, self.rows)


def key_of(seed: int) -> tuple[int, int]:
    """The two key words of a 64-bit seed, low word first."""
    seed = int(seed)  # a narrower integer of NumPy's has no room for the mask
    return seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF


def philox(counter: Sequence[ArrayLike], key: tuple[int, int]) -> list[np.ndarray]:
    """Ten rounds of Philox4x32.

    counter  four uint64 arrays (or integers) that broadcast together, each < 2^32
    key      two integers < 2^32
    returns  four uint64 arrays, each < 2^32

    One round, with (hi, lo) the halves of a 64-bit product:
        (hi0, lo0) = M0 c0    (hi1, lo1) = M1 c2    c <- (hi1 ^ c1 ^ k0, lo1, hi0 ^ c3 ^ k1, lo0)    k <- k + W
    """
    c0, c1, c2, c3 = (np.asarray(c, dtype=np.uint64) for c in counter)
    k0, k1 = key
    shift = np.uint64(32)
    for _ in range(ROUNDS):
        product0 = c0 * np.uint64(MULTIPLIERS[0])
        product1 = c2 * np.uint64(MULTIPLIERS[1])
        c0, c1, c2, c3 = (
            (product1 >> shift) ^ (c1 ^ np.uint64(k0)),
            product1 & MASK,
            (product0 >> shift) ^ (c3 ^ np.uint64(k1)),
            product0 & MASK,
        )
        k0 = (k0 + WEYL[0]) & 0xFFFFFFFF
        k1 = (k1 + WEYL[1]) & 0xFFFFFFFF
    return [c0, c1, c2, c3]


def words(draw: Draw, width: int) -> np.ndarray:
    """The random words of a draw: (rows, width) uint32."""
    blocks = -(-width // 4)
    out = np.empty((len(draw.rows), blocks, 4), dtype=np.uint32)
    rows = 1 + BLOCKS_AT_ONCE // max(1, blocks)
    for start in range(0, len(out), rows):
        part = slice(start, start + rows)
        block = draw.rows[part].astype(np.uint64)[:, None] * np.uint64(blocks) + np.arange(blocks, dtype=np.uint64)
        counter = [block & MASK, int(draw.iteration), draw.substep, draw.stream]
        for i, word in enumerate(philox(counter, key_of(draw.seed))):
            out[part, :, i] = word
    return out.reshape(len(draw.rows), 4 * blocks)[:, :width]


def unit_uniform(word: np.ndarray, dtype: type[np.floating] | np.dtype[np.floating] = np.float64) -> np.ndarray:
    """u = (word >> 8) 2^-24, in [0, 1): exact in float32 and in float64."""
    return (word >> 8).astype(dtype) * np.dtype(dtype).type(2.0**-24)


def standard_normal(word: np.ndarray) -> np.ndarray:
    """Box and Muller (1958): (B, n) words, n even, to (B, n) float64 values of N(0, 1).

    A pair of neighbours (a, b) makes  r = sqrt(-2 ln u1),  (r cos 2 pi u2, r sin 2 pi u2)
    with  u1 = ((a >> 8) + 1) 2^-24 in (0, 1]  and  u2 = (b >> 8) 2^-24.
    """
    u1 = unit_uniform(word[:, 0::2]) + 2.0**-24
    angle = 2.0 * np.pi * unit_uniform(word[:, 1::2])
    radius = np.sqrt(-2.0 * np.log(u1))
    out = np.empty(word.shape, dtype=np.float64)
    out[:, 0::2] = radius * np.cos(angle)
    out[:, 1::2] = radius * np.sin(angle)
    return out


def keep_threshold(keep: float) -> int:
    """A unit is kept where word < floor(keep 2^32); keep is in (0, 1)."""
    return int(keep * 2.0**32)


def permutation(seed: int, epoch: int, n: int) -> np.ndarray:
    """The order of the n examples in an epoch: (n,) int32, a stable argsort of one 64-bit draw an example.

    Raises ValueError where n does not fit the counter's first word.
    """
    if not 0 < n < 2**31:
        raise ValueError(f"a permutation of {n} examples: expected 1 to 2^31 - 1")
    rows = np.arange(n, dtype=np.uint32)
    word = words(Draw(seed, epoch, 0, Stream.MINIBATCH, rows), 2).astype(np.uint64)
    return np.argsort(word[:, 0] | (word[:, 1] << np.uint64(32)), kind="stable").astype(np.int32)
