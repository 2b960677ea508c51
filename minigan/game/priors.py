"""The prior p_z on the latent vector z: uniform, normal or spherical, as in the authors' code."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

from minigan.backends import Array, Ops
from minigan.rng import Draw

BOUNDS = {"uniform": sqrt(3), "normal": inf, "spherical": 1.0}
"""no entry of z is larger, nor smaller than minus that"""
NAMES = tuple(BOUNDS)


@dataclass(frozen=True)
class Prior:
    """z (B, n).  "uniform" on (-sqrt 3, sqrt 3), of variance 1; "normal" N(0, 1); "spherical" on the unit sphere.

    Raises ValueError for another name.
    """

    name: str
    n: int

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise ValueError(f"prior {self.name!r}: expected one of {', '.join(NAMES)}")

    def draw(self, ops: Ops, draw: Draw, out: Array) -> Array:
        """Fill out (B, n) with latent vectors."""
        return ops.uniform(draw, self.bound, out) if self.name == "uniform" else getattr(ops, self.name)(draw, out)

    @property
    def bound(self) -> float:
        """No entry of z is larger, nor smaller than minus that; inf where there is no such number."""
        return BOUNDS[self.name]
