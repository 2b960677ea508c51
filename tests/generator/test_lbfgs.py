"""L-BFGS over rows against SciPy's L-BFGS-B, row by row."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from minigan.generator.lbfgs import LBFGS


def quadratics(m: int, n: int, seed: int):
    """m strictly convex functions of n numbers: f(z) -> losses (m,), gradients (m, n)."""
    random = np.random.default_rng(seed)
    root, middle = random.standard_normal((m, n, n)), 2 * random.standard_normal((m, n))
    curvature = root @ root.transpose(0, 2, 1) + np.eye(n)

    def f(z):
        gradient = np.einsum("mij,mj->mi", curvature, z - middle)
        return np.sum((z - middle) * gradient, axis=1) / 2, gradient

    return f


@pytest.mark.parametrize("bound", [np.inf, 1.0, 0.3])
def test_the_minima_are_those_of_scipy(bound):
    f, m, n = quadratics(7, 5, seed=3), 7, 5
    z = np.zeros((m, n))
    search = LBFGS(z, *f(z), bound)
    for _ in range(300):
        z = search.proposal()
        assert np.all(np.abs(z) <= bound)
        before = search.loss.copy()
        search.take(z, *f(z))
        assert np.all(search.loss <= before)
    for row in range(m):

        def one(z, row=row):
            losses, gradients = f(np.tile(z, (m, 1)))
            return losses[row], gradients[row]

        found = minimize(one, np.zeros(n), jac=True, method="L-BFGS-B", bounds=[(-bound, bound)] * n, tol=1e-14)
        np.testing.assert_allclose(search.z[row], found.x, atol=1e-5)
        assert search.loss[row] <= found.fun + 1e-9


def test_a_row_is_as_if_it_were_alone():
    f, z = quadratics(4, 6, seed=1), np.zeros((4, 6))
    together = LBFGS(z, *f(z), 1.0)
    alone = [LBFGS(z[:1], *(a[r : r + 1] for a in f(z)), 1.0) for r in range(4)]
    for _ in range(40):
        for r, one in enumerate(alone):
            there = np.zeros((4, 6))
            there[r] = one.proposal()[0]
            one.take(there[r : r + 1], *(a[r : r + 1] for a in f(there)))
        z = together.proposal()
        together.take(z, *f(z))
    np.testing.assert_allclose(together.z, np.concatenate([one.z for one in alone]), rtol=1e-9, atol=1e-12)


def test_a_row_that_is_at_its_minimum_stays():
    f = quadratics(2, 3, seed=0)
    z = np.zeros((2, 3))
    _, gradient = f(z)
    search = LBFGS(z, np.zeros(2), np.zeros_like(gradient), np.inf)
    assert np.array_equal(search.proposal(), z)
