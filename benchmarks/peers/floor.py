"""The floor: an iteration's matrix products alone, in NumPy, into memory that is already there."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.recipe import Recipe, products


class Floor:
    """The products of `recipe` in their order, on buffers shared as a real iteration shares them.

    No product adds to its output (beta is ignored), so the inputs never change.
    """

    def __init__(self, recipe: Recipe, seed: int = 0):
        rng = np.random.default_rng(seed)
        rows, columns = {}, {}
        for p in products(recipe):
            for name, (r, c) in _stored(p):
                rows[name], columns[name] = max(r, rows.get(name, 0)), c
        memory = {name: rng.standard_normal((rows[name], columns[name]), np.float32) for name in rows}
        self.calls = []
        for p in products(recipe):
            a, b, out = (memory[name][:r] for name, (r, _) in _stored(p))
            self.calls.append((a.T if p.trans_a else a, b.T if p.trans_b else b, out))

    def iterate(self, n: int = 1) -> None:
        """n iterations' products."""
        for _ in range(n):
            for a, b, out in self.calls:
                np.matmul(a, b, out=out)


def _stored(p):
    """The name and the shape in memory of a product's three buffers."""
    a = (p.K, p.M) if p.trans_a else (p.M, p.K)
    b = (p.N, p.K) if p.trans_b else (p.K, p.N)
    return (p.a, a), (p.b, b), (p.out, (p.M, p.N))
