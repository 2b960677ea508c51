"""What section 4 of the paper proves, by quadrature: D*, V and C(G), the divergences, and densities that G makes.

A density is given by its values p (N,) on the cells of a grid, so that an integral is a sum,

    integral f(x) dx = v sum_i f(x_i)          v the volume of a cell, or 1 where p is a table of probabilities

and D by its logits l (N,), D = sigmoid(l), as everywhere.  All in float64; entropies in nats.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, log, sqrt

import numpy as np

from minigan.game.losses import softplus

LOG_4 = log(4)
NORMAL_REACH = 8.0
"""N(0, 1) has 1e-15 of its mass beyond."""


@dataclass(frozen=True)
class Grid:
    """The midpoint rule on the box [low, high]^n, `cells` to a side."""

    low: float
    high: float
    cells: int
    n: int = 1

    @property
    def edges(self) -> np.ndarray:
        """(cells + 1,) along one side"""
        return np.linspace(self.low, self.high, self.cells + 1)

    @property
    def side(self) -> np.ndarray:
        """(cells,) the midpoints along one side"""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def points(self) -> np.ndarray:
        """(cells^n, n) the midpoints of all cells, the last coordinate running fastest"""
        return np.stack(np.meshgrid(*[self.side] * self.n, indexing="ij"), axis=-1).reshape(-1, self.n)

    @property
    def volume(self) -> float:
        """v"""
        return ((self.high - self.low) / self.cells) ** self.n


# ---- D and V ---------------------------------------------------------------------------------------------------


def optimal_logits(p_data: np.ndarray, p_g: np.ndarray) -> np.ndarray:
    """D*(x) = p_data(x) / (p_data(x) + p_g(x)),  so  logit D* = log p_data - log p_g.      (proposition 1)

    NaN where both are 0: there D need not be defined.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(p_data) - np.log(p_g)


def implied_density(p_data: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """p_data e^-l: what p_g would be if this D were D*."""
    return p_data * np.exp(-logits)


def value(logits: np.ndarray, p_data: np.ndarray, p_g: np.ndarray, v: float = 1.0) -> float:
    """V(D, G) = integral p_data log D + p_g log(1 - D) dx.      (equation 3)"""
    return -v * float(np.sum(_product(p_data, softplus(-logits)) + _product(p_g, softplus(logits))))


def criterion(p_data: np.ndarray, p_g: np.ndarray, v: float = 1.0) -> float:
    """C(G) = max_D V(D, G) = -log 4 + 2 JSD(p_data, p_g).      (theorem 1)"""
    return -LOG_4 + 2 * jensen_shannon(p_data, p_g, v)


def criterion_gradient(p_data: np.ndarray, p_g: np.ndarray) -> np.ndarray:
    """dC / dp_g(x) = log(1 - D*(x)) = log p_g / (p_data + p_g).      (proposition 2)

    D* moves with p_g, yet only the derivative at a fixed D* remains: V is stationary in D there.
    """
    return -softplus(optimal_logits(p_data, p_g))


# ---- Divergences -----------------------------------------------------------------------------------------------


def kullback_leibler(p: np.ndarray, q: np.ndarray, v: float = 1.0) -> float:
    """KL(p || q) = integral p log(p / q) dx, infinite where q is 0 and p is not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return v * float(np.sum(_product(p, np.log(p) - np.log(q))))


def jensen_shannon(p: np.ndarray, q: np.ndarray, v: float = 1.0) -> float:
    """JSD(p, q) = (1/2) KL(p || (p + q)/2) + (1/2) KL(q || (p + q)/2), from 0 (p = q) to log 2 (disjoint).

    Rounding that would put it below 0 is cut off; NaN stays NaN.
    """
    middle = (p + q) / 2
    return float(np.maximum(0.0, (kullback_leibler(p, middle, v) + kullback_leibler(q, middle, v)) / 2))


def _product(p: np.ndarray, f: np.ndarray) -> np.ndarray:
    """p f, and 0 where p is 0, even where f is infinite."""
    return np.where(p == 0, 0.0, p * np.where(p == 0, 0.0, f))


# ---- Densities -------------------------------------------------------------------------------------------------


def gaussian(x: np.ndarray, mean: float, deviation: float) -> np.ndarray:
    """N(x; mean, deviation^2), x of any shape."""
    return np.exp(-(((x - mean) / deviation) ** 2) / 2) / (deviation * sqrt(2 * np.pi))


def uniform(x: np.ndarray, limit: float) -> np.ndarray:
    """The uniform density on (-limit, limit), x of any shape."""
    return (np.abs(x) < limit) / (2 * limit)


def latent_cells(prior: str, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """The line of z cut up: edges (cells + 1,), and the mass (cells,) of p_z, "uniform" or "normal", in each cell."""
    if prior == "uniform":
        return np.linspace(-sqrt(3), sqrt(3), cells + 1), np.full(cells, 1 / cells)
    edges = np.linspace(-NORMAL_REACH, NORMAL_REACH, cells + 1)
    return edges, np.diff([erf(z / sqrt(2)) / 2 for z in edges])


def pushed_forward(x: np.ndarray, mass: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The density of G(z) on a line: for a monotone G, p_g(x) = p_z(z) / |G'(z)| at x = G(z), as means over cells.

    x      (N + 1,) G at the edges of N cells of z, G taken as linear in each (a network of relus is so throughout)
    mass   (N,) of p_z in each cell
    edges  (M + 1,) of the cells of x
    returns  (M,)

    The mass of a cell of z spreads evenly between its two x, so P(G(z) <= e) is a sum over cells and p_g its slope.
    Where G turns back, cells lie on top of each other and their densities add up.
    """
    low, high = np.minimum(x[1:], x[:-1]), np.maximum(x[1:], x[:-1])
    width = np.maximum(high - low, np.finfo(np.float64).tiny)
    cumulative = np.array([mass @ np.clip((edge - low) / width, 0, 1) for edge in edges])
    return np.diff(cumulative) / np.diff(edges)
