"""Many small minimisations side by side, each of a row by itself: L-BFGS (Nocedal and Wright 2006, algorithm 7.5).

    s_k = z_k+1 - z_k,   y_k = dz_k+1 - dz_k        the last pairs in which the slope grew: s . y > 0
    z_k+1 = z_k - t H dz_k                          H the inverse of the curvature that the pairs say

A z that would leave -bound .. bound stays on it, and what is held there and pushed outwards takes no part in a step
(Bertsekas 1982).  One evaluation a step: a move that does not lower a row's loss is not made, and that row's next is
shorter; rows differ in that, so a library's line search, of one problem, would evaluate G for the slowest of them.
"""

from __future__ import annotations

import numpy as np

PAIRS, FIRST, SHORTER, LONGER = 20, 0.5, 0.4, 2.0
"""remembered of each row; the length of the first move; and t times this after a move that failed, or was made"""


class LBFGS:
    """m minima under way.

    z         (m, n) where the rows are
    loss      (m,) there, gradient (m, n) there
    bound     no entry of z becomes larger, nor smaller than -bound
    s, y      (pairs, m, n) the last pairs of each row, the newest last; rho (pairs, m) 1 / s . y, 0 where there is none
    t, scale  (m,) of each row's next move: its share of H dz, and the H that the pairs correct
    """

    def __init__(self, z: np.ndarray, loss: np.ndarray, gradient: np.ndarray, bound: float, pairs: int = PAIRS):
        self.z, self.loss, self.gradient = (array.astype(float) for array in (z, loss, gradient))
        self.bound = bound
        self.s, self.y = np.zeros((2, pairs, *z.shape))
        self.rho = np.zeros((pairs, len(z)))
        self.t = np.ones(len(z))
        length = np.linalg.norm(self.gradient, axis=1)
        self.scale = FIRST / np.where(length > 0, length, 1)

    def proposal(self) -> np.ndarray:
        """z - t H dz, within the bounds: (m, n)"""
        held = (np.abs(self.z) >= self.bound) & (self.z * self.gradient < 0)
        return np.clip(self.z - self.t[:, None] * self.direction(~held), -self.bound, self.bound)

    def direction(self, free: np.ndarray) -> np.ndarray:
        """H dz of the entries that are free, by the two loops over the pairs: (m, n)"""
        q, alphas = self.gradient * free, np.empty_like(self.rho)
        for k in reversed(range(len(self.rho))):
            alphas[k] = self.rho[k] * np.sum(self.s[k] * q, axis=1)
            q -= alphas[k, :, None] * self.y[k] * free
        q *= self.scale[:, None]
        for k in range(len(self.rho)):
            beta = self.rho[k] * np.sum(self.y[k] * q, axis=1)
            q += (alphas[k] - beta)[:, None] * self.s[k] * free
        return q

    def take(self, z: np.ndarray, loss: np.ndarray, gradient: np.ndarray) -> None:
        """Move the rows whose loss has fallen at a proposal z (m, n)."""
        lower = loss < self.loss
        s, y = z - self.z, gradient - self.gradient
        sy, yy = np.sum(s * y, axis=1), np.sum(y * y, axis=1)
        grew = lower & (sy > 0)
        for pairs, newest in ((self.s, s), (self.y, y), (self.rho, 1 / np.where(grew, sy, 1))):
            pairs[:-1, grew] = pairs[1:, grew]
            pairs[-1, grew] = newest[grew]
        self.scale[grew] = sy[grew] / yy[grew]
        self.z[lower], self.gradient[lower], self.loss[lower] = z[lower], gradient[lower], loss[lower]
        self.t = np.where(lower, np.minimum(1, LONGER * self.t), SHORTER * self.t)
