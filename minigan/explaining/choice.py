"""Which entries of a gradient a file holds: the largest, some at random, zeros, and those nearest to a kink."""

from __future__ import annotations

import zlib

import numpy as np

from minigan.explaining.chain import Chain
from minigan.explaining.links import Affine
from minigan.explaining.nodes import Index, Tensor

LARGEST, RANDOM, ZEROS, KINKS = 20, 20, 5, 5


def chosen(tensor: Tensor, chain: Chain, position: int) -> list[tuple[str, Index]]:
    """[(why, index), ...], none twice; the same for the same tensor each time."""
    array = tensor.array
    size = np.abs(np.nan_to_num(array)).ravel()
    random = np.random.default_rng(zlib.crc32(tensor.name.encode()))
    order = np.argpartition(-size, min(LARGEST, size.size) - 1)[:LARGEST]
    order = order[np.argsort(-size[order], kind="stable")]
    zeros = np.flatnonzero(size == 0)
    zeros = np.sort(random.choice(zeros, min(ZEROS, len(zeros)), replace=False))
    found: dict[Index, str] = {}

    def add(why: str, indices: list[Index]) -> None:
        for index in indices:
            found.setdefault(index, why)

    def unraveled(flat: np.ndarray) -> list[Index]:
        return [tuple(map(int, np.unravel_index(i, array.shape))) for i in flat]

    add("largest", unraveled(order[size[order] > 0]))
    add("at a kink", near_kinks(tensor, chain, position))
    add("zero", unraveled(zeros))
    others = dict.fromkeys(unraveled(random.integers(0, array.size, 4 * RANDOM)))
    add("random", [index for index in others if index not in found][:RANDOM])
    return [(why, index) for index, why in found.items()]


def near_kinks(tensor: Tensor, chain: Chain, position: int) -> list[Index]:
    """The entries of dq whose q is nearest to a kink, of itself or of what the affine layer above makes of it."""
    gradient = tensor.gradient
    assert gradient is not None
    link = chain.links[position] if position < len(chain.links) else None
    if gradient.what in ("x", "z") and link is not None:
        own = chain.margins(position)
        if own is not None:
            return smallest(own[:, : tensor.array.shape[1]])
    if not isinstance(link, Affine) or position + 1 >= len(chain.links):
        return []
    later = chain.margins(position + 1)
    if later is None:
        return []
    pairs, x, W = smallest(later), chain.x[position], link.parameters["W"]
    if gradient.what == "W":
        return [(int(np.abs(x[r]).argmax()), o) for r, o in pairs]
    if gradient.what == "b":
        return [(o,) for _, o in pairs]
    return [(r, int(np.abs(W[: tensor.array.shape[1], o]).argmax())) for r, o in pairs]


def smallest(margins: np.ndarray) -> list[Index]:
    """Where the smallest of them are."""
    flat = np.argpartition(margins, min(KINKS, margins.size) - 1, axis=None)[:KINKS]
    return [tuple(map(int, np.unravel_index(i, margins.shape))) for i in flat]
