"""Numba's maxout without the work that zeros save, against the dense formula of `Ops`, entry by entry.

Whole numbers have exact sums, so ties and winners are decided, and results are equal to the last bit, in any order of
summing.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_calls import NUMPY, draw_of, poisoned

from minigan.backends.numba import numba_ops
from minigan.backends.numba.numba_ops import NumbaOps
from minigan.backends.ops import ByUnit
from minigan.checks.gradients import gradient_checks

BLOCKS = [(200, 128, 1), (201, 129, 2), (401, 300, 1), (850, 143, 3)]
"""rows, inputs and units at the ends of what is taken at once"""


def spare_all(patch):
    """Zeros and dropped units are left out at any shape."""
    for name in ("MOST_KEPT", "LEAST_ROWS"):
        patch.setattr(numba_ops.sparse, name, 1)
    for name in ("LEAST_SPARSE", "LEAST_THRIFTY", "LISTS"):
        patch.setattr(numba_ops.sparse, name, 0)


@pytest.fixture(autouse=True)
def always_sparse(monkeypatch):
    spare_all(monkeypatch)


def by_unit(ops, array):
    """A backend's own view of the weights of a maxout."""
    view = ops.view(np.empty(array.size, array.dtype), ByUnit(array.shape))
    view[...] = array
    return view


def passed(ops, rows, inputs, units, pieces, keep, dtype, draw, beta, seed=0):
    """What a pass forward and a pass back leave: y, winner, dx, dW, db."""
    rng = np.random.default_rng(seed)

    def whole(*shape):
        return rng.integers(-3, 4, shape).astype(dtype)

    x, W, b, dy = whole(rows, inputs), whole(inputs, pieces * units), whole(pieces * units), whole(rows, units)
    W, dW = by_unit(ops, W), by_unit(ops, whole(inputs, pieces * units) if beta else poisoned(W.shape, dtype))
    z, y, winner = (poisoned((rows, n), kind) for n, kind in ((W.shape[1], dtype), (units, dtype), (units, np.int8)))
    grads = SimpleNamespace(W=dW, b=whole(len(b)) if beta else poisoned(b.shape, dtype), alpha=-0.5, beta=beta)
    dx, scale = poisoned(x.shape, dtype), 1 / keep if draw is not None else 1.0
    assert ops.affine_maxout(x, W, b, keep, draw, z, y, winner) is y
    assert ops.affine_maxout_backward(dy, winner, scale, x, W, z, grads, dx) is dx
    return {"y": y, "winner": winner, "dx": dx, "dW": np.array(dW, order="C"), "db": grads.b}


def check(rows, inputs, units, pieces, keep, dtype, beta=0.5, dropping=True, threads=1):
    draw = draw_of(rows) if dropping else None
    arguments = rows, inputs, units, pieces, keep, dtype, draw, beta
    got, expected = (passed(ops, *arguments) for ops in (NumbaOps(threads), NUMPY))
    exact = keep in (0.25, 0.5, 1) or draw is None
    for name, array in expected.items():
        if exact or name in ("y", "winner"):
            assert got[name].tobytes() == (array + 0).tobytes() or np.array_equal(got[name], array), name
        else:
            sizes = 9 * max(rows, pieces * units) / keep * np.finfo(dtype).eps
            np.testing.assert_allclose(got[name], array, rtol=8 * np.finfo(dtype).eps, atol=9 * sizes, err_msg=name)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(0, 300),
    inputs=st.integers(1, 67),
    units=st.integers(1, 67),
    pieces=st.integers(1, 8),
    keep=st.sampled_from([0.1, 0.25, 0.4, 0.5, 0.77, 1.0]),
    dtype=st.sampled_from([np.float32, np.float64]),
    beta=st.sampled_from([0.0, 0.5, 1.0]),
    dropping=st.booleans(),
    threads=st.integers(1, 2),
)
def test_any_shape(rows, inputs, units, pieces, keep, dtype, beta, dropping, threads):
    check(rows, inputs, units, pieces, keep, dtype, beta, dropping, threads)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows, inputs, units", BLOCKS)
def test_the_ends_of_blocks(rows, inputs, units, dtype):
    check(rows, inputs, units, 5, 0.5, dtype)


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_no_rows_leave_beta_times_what_was_there(beta):
    check(0, 7, 3, 5, 0.5, np.float32, beta)


@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_no_number_goes_where_it_goes_in_the_dense_formula(threads):
    """NaN in x, in W and in a bias; infinity in x.  A unit that is dropped is 0 whatever it would have been."""
    results = []
    for ops in (NumbaOps(threads), NUMPY):
        rng = np.random.default_rng(3)
        x, W, b = rng.standard_normal((40, 21)), rng.standard_normal((21, 12)), rng.standard_normal(12)
        x[3, 20], x[5, 0], W[7, 4], b[9] = np.nan, np.inf, np.nan, np.nan
        z, y, winner = np.empty((40, 12)), np.empty((40, 4)), np.empty((40, 4), np.int8)
        ops.affine_maxout(x, by_unit(ops, W), b, 0.5, draw_of(40), z, y, winner)
        results.append((np.isnan(y), np.where(np.isnan(y), 0, y), winner < 0))
    for got, expected in zip(*results):
        np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in gradient_checks() if "axout" in name])
def test_gradient_checks(name):
    assert all(row.passed for row in gradient_checks()[name](NumbaOps(1), name))


def test_threads_do_not_change_a_bit():
    found = []
    for threads in (1, 2):
        rng, ops = np.random.default_rng(1), NumbaOps(threads)
        x, W, b = (rng.standard_normal(s).astype(np.float32) for s in ((130, 333), (333, 35), (35,)))
        dy, dW, db = rng.standard_normal((130, 7)).astype(np.float32), by_unit(ops, W), b.copy()
        z, y, winner, dx = (
            np.empty((130, 35), np.float32),
            np.empty_like(dy),
            np.empty((130, 7), np.int8),
            np.empty_like(x),
        )
        ops.affine_maxout(x, by_unit(ops, W), b, 0.5, draw_of(130), z, y, winner)
        ops.affine_maxout_backward(
            dy, winner, 2.0, x, by_unit(ops, W), z, SimpleNamespace(W=dW, b=db, alpha=-0.1, beta=0.9), dx
        )
        found.append([a.tobytes() for a in (y, winner, dx, dW, db)])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "rows, keep, pieces, inputs, thrifty, sparse",
    [
        (30, 0.5, 5, 200, True, True),
        (15, 0.5, 5, 200, True, False),
        (30, 0.9, 5, 200, False, True),
        (30, 0.7, 5, 800, False, True),
        (30, 0.25, 2, 800, True, True),
        (30, 0.5, 2, 800, False, True),
        (30, 0.5, 2, 200, False, False),
        (30, 0.9, 2, 800, False, False),
        (30, 0.5, 1, 800, False, False),
    ],
)
def test_the_rule(rows, keep, pieces, inputs, thrifty, sparse, monkeypatch):
    """By pieces, keep and shape alone: the dense formula writes z and dz, the others leave them."""
    monkeypatch.undo()
    ops, x, dy = NumbaOps(1), np.ones((rows, inputs)), np.ones((rows, 8))
    W, b = by_unit(ops, np.ones((inputs, 8 * pieces))), np.ones(8 * pieces)
    z, y, winner = np.full((rows, 8 * pieces), np.nan), np.empty((rows, 8)), np.empty((rows, 8), np.int8)
    ops.affine_maxout(x, W, b, keep, draw_of(rows), z, y, winner)
    assert np.isnan(z).all() == thrifty
    z[...] = np.nan
    ops.affine_maxout_backward(dy, winner, 1 / keep, x, W, z, dx=np.empty_like(x))
    assert np.isnan(z).all() == sparse
