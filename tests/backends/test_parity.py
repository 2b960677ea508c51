"""Numba's kernels against NumPy's, on one thread and on more: results, layout, special values.

Rounding.  Two orders of adding K products differ by at most (K + 4) eps sum |products|, elementwise; two ways to an
exponential by 4 units in the last place.  All else is the same arithmetic in the same order: equal bits.
"""

import time
import warnings
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from kernel_calls import (
    IN_PLACE,
    KERNELS,
    NUMPY,
    SPECIAL,
    TABLE,
    bits,
    called,
    draw_of,
    poisoned,
    right_call,
    ticked,
    written,
)

from minigan import rng
from minigan.backends.numba import numba_ops
from minigan.backends.numba.numba_ops import NumbaOps
from minigan.backends.numpy_ops import NumpyOps
from minigan.layers.activations import ACTIVATIONS
from minigan.rng import Draw

pytestmark = pytest.mark.rounding

CROWD = 7
# from far below to above the work that is worth sharing among threads, and no width a multiple of 4 but one
SHAPES = [(1, 1), (1, 7), (5, 1), (3, 5), (17, 33), (129, 131), (2, 8212), (1, 16411), (16411, 1)]
STRANGE = [-np.inf, -1e30, -1.0, -1e-30, -0.0, 0.0, 1e-30, 1.0, 1e30, np.inf, np.nan]


@pytest.fixture(params=[np.float32, np.float64])
def dtype(request):
    return request.param


@pytest.fixture(scope="module", params=[1, 2, CROWD], ids="threads={}".format)
def ops(request):
    """Numba's backend on so many threads, which may be more than there are cores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba_ops, "cores", lambda: CROWD)
        return NumbaOps(request.param)


@contextmanager
def awake(ops):
    """A session whose helping threads have had the time to wake up."""
    with ops.session():
        time.sleep(0.001)
        yield


def normal(shape, seed, dtype):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def assert_alike(got, expected, bound=0):
    """The same dtype, shape, layout and bits; or every entry within a bound."""
    assert (got.dtype, got.shape, got.flags.c_contiguous) == (expected.dtype, expected.shape, True)
    if np.any(bound):
        assert (np.abs(got.astype(np.float64) - expected) <= bound).all()
    else:
        assert got.tobytes() == expected.tobytes()


# ---- Kernels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", KERNELS)
def test_parity_of_results(kernel, dtype, ops):
    calls = [right_call(kernel, dtype, *shape) for shape in SHAPES]
    with awake(ops):
        for got in calls:
            assert called(ops, kernel, **got) is got[written(kernel)[0]]
    for shape, got in zip(SHAPES, calls):
        expected = right_call(kernel, dtype, *shape)
        called(NUMPY, kernel, **expected)
        bound = TABLE[kernel].apart(right_call(kernel, dtype, *shape), expected[written(kernel)[0]])
        for i, name in enumerate(written(kernel)):
            assert_alike(got[name], expected[name], bound if i == 0 else 0)


@pytest.mark.parametrize("trans_a", [False, True])
@pytest.mark.parametrize("trans_b", [False, True])
def test_parity_of_gemm(trans_a, trans_b, dtype, ops):
    clock = ticked()
    sizes = [(1, 1, 1), (3, 7, 5), (50, 49, 161), (67, 40, 17), (21, 64, 17), (1, 130, 257), (300, 65, 1), (5, 1, 4099)]
    for m, k, n in sizes:
        a, b = normal((k, m) if trans_a else (m, k), 1, dtype), normal((n, k) if trans_b else (k, n), 2, dtype)
        products = np.abs(a.T if trans_a else a).astype(float) @ np.abs(b.T if trans_b else b)
        for alpha, beta in ((1.0, 0.0), (-0.3, 0.0), (0.7, 1.0), (clock.minus_lr, clock.momentum)):
            there = poisoned((m, n), dtype) if np.all(beta == 0) else normal((m, n), 3, dtype)
            with awake(ops):
                got = ops.gemm(a, b, there.copy(), trans_a, trans_b, alpha, beta)
            terms = abs(float(alpha)) * products + (abs(beta * there) if float(beta) else 0)
            bound = (k + 4) * np.finfo(dtype).eps * terms
            assert_alike(got, NUMPY.gemm(a, b, there.copy(), trans_a, trans_b, alpha, beta), bound)
            numbers = float(alpha), float(beta)
            assert got.tobytes() == ops.gemm(a, b, there.copy(), trans_a, trans_b, *numbers).tobytes()


@pytest.mark.parametrize("rows", [1, 6, 4001])
def test_parity_of_colsum(rows, dtype, ops):
    a, clock = normal((rows, 13), 1, dtype), ticked()
    for alpha, beta in ((-0.3, 0.0), (0.7, 1.0), (clock.minus_lr, clock.momentum)):
        there = poisoned(13, dtype) if np.all(beta == 0) else normal(13, 3, dtype)
        terms = abs(float(alpha)) * np.abs(a).astype(float).sum(axis=0) + (abs(beta * there) if float(beta) else 0)
        got, expected = (o.colsum(a, there.copy(), alpha, beta) for o in (ops, NUMPY))
        assert_alike(got, expected, (rows + 4) * np.finfo(dtype).eps * terms)


def test_parity_of_gemm_where_no_blas_can_be_linked(dtype, monkeypatch):
    ops = NumbaOps(1)
    monkeypatch.setattr(ops.blas, "linked", False)
    a, b = normal((20, 30), 1, dtype), normal((30, 40), 2, dtype)
    got = ops.gemm(a, b, poisoned((20, 40), dtype), alpha=-0.3)
    assert_alike(got, NUMPY.gemm(a, b, poisoned((20, 40), dtype), alpha=-0.3))


@pytest.mark.parametrize("kernel", IN_PLACE)
def test_parity_in_place(kernel, dtype, ops):
    for shape in ((3, 5), (129, 131)):
        apart, same = right_call(kernel, dtype, *shape), right_call(kernel, dtype, *shape)
        same["out"] = same[IN_PLACE[kernel]]
        assert called(ops, kernel, **same).tobytes() == called(ops, kernel, **apart).tobytes()


@pytest.mark.parametrize("kernel", ACTIVATIONS)
def test_parity_without_bias(kernel, dtype, ops):
    calls = [right_call(kernel, dtype, 17, 33) | {"bias": None} for _ in "ab"]
    expected = called(NUMPY, kernel, **calls[1])
    assert_alike(called(ops, kernel, **calls[0]), expected, TABLE[kernel].apart(calls[1], expected))


def softsign(self, z, out):
    return np.divide(z, 1 + abs(z), out=out)


def softsign_backward(self, dy, y, out):
    return np.multiply(dy, (1 - abs(y)) ** 2, out=out)


def test_an_activation_without_a_kernel_is_numpys(dtype, ops, monkeypatch):
    monkeypatch.setattr(NumpyOps, "softsign", softsign, raising=False)
    monkeypatch.setattr(NumpyOps, "softsign_backward", softsign_backward, raising=False)
    z, b = normal((40, 33), 1, dtype), normal(33, 2, dtype)
    y = ops.activation("softsign", z, np.empty_like(z), b)
    assert y.tobytes() == ((z + b) / (1 + abs(z + b))).tobytes()
    assert (ops.activation_backward("softsign", z, y, np.empty_like(z)) == z * (1 - abs(y)) ** 2).all()


# ---- Random numbers and data -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed, iteration", [(0, 0), (2**64 - 1, 2**32 - 1), (2**40 + 3, np.array(9, np.uint64))])
@pytest.mark.parametrize("kernel", ["uniform", "dropout", "maxout"])
def test_parity_of_draws_at_every_width_and_past_the_last_block(kernel, seed, iteration, dtype, ops):
    for width in range(1, 10):
        draw = draw_of(6, 2**32 - 6, seed=seed, iteration=iteration)[1:]
        got, expected = (right_call(kernel, dtype, 5, width) | {"draw": draw} for _ in "ab")
        called(ops, kernel, **got)
        called(NUMPY, kernel, **expected)
        assert bits(got) | {"z": None} == bits(expected) | {"z": None}


@pytest.mark.parametrize("keep", [0.0001, 0.5, 0.8, 1.0])
def test_parity_of_masks(keep, dtype, ops):
    kept = rng.words(draw_of(129), 131) < rng.keep_threshold(keep)
    for o in (ops, NUMPY):
        arguments = right_call("dropout", dtype, 129, 131) | {"keep": keep}
        o.dropout(**arguments)
        assert (arguments["kept"] == kept).all() and ((arguments["out"] != 0) == kept).all()
        arguments = right_call("maxout", dtype, 129, 131) | {"keep": keep}
        o.maxout(**arguments)
        assert ((arguments["winner"] >= 0) == kept).all() and ((arguments["out"] != 0) == kept).all()
        assert (arguments["winner"][~kept] == -1).all()


@pytest.mark.parametrize("change", [{"draw": None}, {"keep": 1.0}, {"draw": None, "keep": 1.0}])
def test_parity_of_maxout_without_dropout(change, dtype, ops):
    got, expected = (right_call("maxout", dtype, 17, 33) | change for _ in "ab")
    assert_alike(ops.maxout(**got), NUMPY.maxout(**expected))
    assert got["winner"].tobytes() == expected["winner"].tobytes() and got["winner"].min() == 0


@pytest.mark.parametrize("pieces", [1, 2, 5, 127])
def test_parity_of_ties_which_go_to_the_lowest_piece(pieces, dtype, ops):
    z = np.random.default_rng(pieces).integers(-1, 2, (40, pieces * 7)).astype(dtype)
    z *= -0.0 if pieces == 2 else 1
    results = []
    for o in (ops, NUMPY):
        out, winner = poisoned((40, 7), dtype), poisoned((40, 7), np.int8)
        o.maxout(z.copy(), np.zeros(pieces * 7, dtype), 1.0, None, out, winner)
        piece = z.reshape(40, pieces, 7)
        assert (winner == piece.argmax(axis=1)).all() and (out == piece.max(axis=1)).all()
        results.append(winner.tobytes())
    assert results[0] == results[1]


@pytest.mark.parametrize("scaled, shifted", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("kind", [np.uint8, None])
def test_parity_of_gather_from_bytes_and_floats(kind, scaled, shifted, dtype, ops):
    g = np.random.default_rng(4)
    examples = g.integers(0, 256, (60, 400)).astype(kind or dtype)
    order = np.stack([g.permutation(60), g.permutation(60)]).astype(np.int32)
    scale, shift = (normal(60, seed, dtype) if given else None for seed, given in ((5, scaled), (6, shifted)))
    rows = np.arange(50, dtype=np.uint32)[3:]
    for batch_size, count in ((50, 0), (50, 1), (50, 2), (57, 3)):
        calls = [
            o.gather(examples, order, count, batch_size, rows, scale, shift, poisoned((47, 400), dtype))
            for o in (ops, NUMPY)
        ]
        chosen = order[count % 2, 3:50]
        direct = examples[chosen].astype(dtype)
        direct = direct * scale[chosen, None] if scaled else direct
        assert_alike(calls[0], calls[1])
        assert (calls[0] == (direct + shift[chosen, None] if shifted else direct)).all()


# ---- Special values --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", SPECIAL)
def test_parity_of_nan_infinities_and_zeros(kernel, dtype, ops):
    """The sign of a zero or of a NaN is not promised."""
    g = np.random.default_rng(1)
    got, expected = right_call(kernel, dtype, 40, 33), right_call(kernel, dtype, 40, 33)
    for name, value in got.items():
        if isinstance(value, np.ndarray) and value.dtype == dtype:
            value[...] = expected[name][...] = g.choice(STRANGE, value.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        called(ops, kernel, **got)
        called(NUMPY, kernel, **expected)
    assert all(comes_out(expected[written(kernel)[0]]).any() for comes_out in TABLE[kernel].special)
    for name in written(kernel):
        np.testing.assert_allclose(got[name], expected[name], rtol=TABLE[kernel].ulps * np.finfo(dtype).eps)


def test_parity_of_nan_and_infinities_in_gemm(dtype, ops):
    a, b = normal((40, 50), 1, dtype), normal((50, 60), 2, dtype)
    a[2, 3], a[5, 1], b[4, 6] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        got, expected = (o.gemm(a, b, poisoned((40, 60), dtype)) for o in (ops, NUMPY))
    assert np.isnan(expected).sum() >= 60 and np.isinf(expected).sum() >= 38 + 59
    np.testing.assert_allclose(got, expected, rtol=0, atol=500 * np.finfo(dtype).eps)


def test_parity_of_sigmoid_far_out_without_a_warning(dtype, ops):
    far = np.array(
        [[-np.inf, -np.finfo(dtype).max, -1e4, -700, -100, 100, 700, 1e4, np.finfo(dtype).max, np.inf]], dtype
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got, expected = (o.activation("sigmoid", far, np.empty_like(far)) for o in (ops, NUMPY))
    assert (got[:, [0, 1, 2, -3, -2, -1]] == [0, 0, 0, 1, 1, 1]).all()
    np.testing.assert_allclose(got, expected, rtol=4 * np.finfo(dtype).eps, atol=2 * np.finfo(dtype).smallest_subnormal)


def test_parity_of_a_squared_distance_that_rounding_makes_negative(dtype, ops):
    calls = [right_call("log_sum_exp", dtype, 3, 700) for _ in range(2)]
    for kernels, call in zip((NUMPY, ops), calls):
        call["product"][1, 300] = 1000
        kernels.log_sum_exp(**call)
        assert (call["peak"][:, 1] == 0).all() and (call["peak"] <= 0).all()
    np.testing.assert_allclose(calls[1]["total"], calls[0]["total"], rtol=1e-5)


def without_rows(call: dict, rows: int) -> dict:
    """The call on no rows: each array of so many rows, or of as many as a matrix of them has entries, has none."""

    def emptied(value):
        if isinstance(value, Draw):
            return replace(value, rows=value.rows[:0])
        for axis, n in enumerate(getattr(value, "shape", ())):
            if n % rows == 0:
                return np.ascontiguousarray(value.take([], axis))
        return value

    return {name: value if name == "centres" else emptied(value) for name, value in call.items()}


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_of_no_rows_have_nothing_to_do(kernel, dtype, ops):
    for each in (NUMPY, ops):
        call = without_rows(right_call(kernel, dtype, 17, 5), 17)
        expected = np.zeros(5, dtype) if kernel == "colsum" else call[written(kernel)[0]].copy()
        assert called(each, kernel, **call) is call[written(kernel)[0]]
        assert call[written(kernel)[0]].tobytes() == expected.tobytes()
