"""The CUDA kernels against NumPy's: compiled for the CPU everywhere, and on a GPU where there is one.

Rounding.  Where a kernel adds, multiplies, divides or compares, its bits are NumPy's.  Sums in another order differ by
at most (K + 4) eps sum |terms|.  Exponentials, logarithms, sines and powers of CUDA's are within a few units in the
last place of those of the C library: `gpu` in the table of `kernel_calls`.
"""

import numpy as np
import pytest
from gpu_machines import uploaded
from kernel_calls import (
    IN_PLACE,
    KERNELS,
    NUMPY,
    SPECIAL,
    TABLE,
    WRONG_CALLS,
    bits,
    called,
    draw_of,
    poisoned,
    right_call,
    spoilt_call,
    written,
)
from test_parity import STRANGE, assert_alike, normal

from minigan import rng
from minigan.backends.clock import Count
from minigan.errors import ConfigError
from minigan.game.schedules import ExponentialDecay, LinearRamp

SHAPES = [(1, 1), (1, 7), (5, 1), (3, 5), (17, 33), (40, 131), (40, 64), (2, 2056), (1, 4111), (300, 1)]
CANCELLED = 2000
"""units in the last place of a float64 power that 1 - beta2^t, .004 at t = 4, makes of one"""


@pytest.fixture(params=[np.float32, np.float64])
def dtype(request):
    return request.param


def bound_of(kernel, arguments, expected):
    """How far from NumPy a result may be; 0 asks for equal bits."""
    if TABLE[kernel].gpu:
        ulps = TABLE[kernel].gpu * np.finfo(expected.dtype).eps
        ulps += CANCELLED * np.finfo(np.float64).eps * (kernel == "adam")
        return ulps * np.maximum(1, np.abs(expected))
    return TABLE[kernel].apart(arguments, expected)


@pytest.mark.parametrize("kernel", KERNELS)
def test_cuda_parity_of_results(kernel, dtype, gpu):
    for shape in SHAPES:
        expected = right_call(kernel, dtype, *shape)
        called(NUMPY, kernel, **expected)
        got = uploaded(gpu, right_call(kernel, dtype, *shape))
        assert called(gpu, kernel, **got) is got[written(kernel)[0]]
        bound = bound_of(kernel, right_call(kernel, dtype, *shape), expected[written(kernel)[0]])
        for i, name in enumerate(written(kernel)):
            assert_alike(gpu.to_host(got[name]), expected[name], bound if i == 0 or kernel == "adam" else 0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_cuda_kernels_change_nothing_that_they_only_read(kernel, dtype, gpu):
    host = right_call(kernel, dtype, 17, 33)
    there = uploaded(gpu, host)
    called(gpu, kernel, **there)
    for name in bits(host).keys() - written(kernel) - {"draw", "modes", "noise"}:
        assert gpu.to_host(there[name]).tobytes() == host[name].tobytes(), name


@pytest.mark.parametrize("trans_a", [False, True])
@pytest.mark.parametrize("trans_b", [False, True])
def test_cuda_parity_of_gemm(trans_a, trans_b, dtype, gpu):
    clock = gpu.clock(ExponentialDecay(0.2, 1.05), LinearRamp(0.5, 0.7, epochs=4, iterations_per_epoch=2))
    gpu.set_clock(clock, 3)
    sizes = [(1, 1, 1), (3, 7, 5), (50, 49, 161), (21, 64, 17), (1, 130, 257), (300, 65, 1), (5, 1, 411), (7, 1, 1)]
    for m, k, n in sizes:
        a, b = normal((k, m) if trans_a else (m, k), 1, dtype), normal((n, k) if trans_b else (k, n), 2, dtype)
        there_a, there_b = gpu.asarray(a), gpu.asarray(b)
        products = np.abs(a.T if trans_a else a).astype(float) @ np.abs(b.T if trans_b else b)
        numbers = (1.0, 0.0), (-0.3, 0.0), (0.7, 1.0), (clock.minus_lr, clock.momentum)
        for alpha, beta in (*numbers, (clock.minus_lr, 0.0)):
            fixed = [x if isinstance(x, float) else float(gpu.to_host(x)) for x in (alpha, beta)]
            start = poisoned((m, n), dtype) if fixed[1] == 0 else normal((m, n), 3, dtype)
            got = gpu.to_host(gpu.gemm(there_a, there_b, gpu.asarray(start), trans_a, trans_b, alpha, beta))
            terms = abs(fixed[0]) * products + (abs(fixed[1] * start) if fixed[1] else 0)
            expected = NUMPY.gemm(a, b, start.copy(), trans_a, trans_b, *fixed)
            assert_alike(got, expected, (k + 4) * np.finfo(dtype).eps * terms)


@pytest.mark.parametrize("rows", [0, 1, 6, 256, 257, 4001, 70_000])
def test_cuda_parity_of_colsum(rows, dtype, gpu):
    a = normal((rows, 13), 1, dtype)
    clock = gpu.clock(ExponentialDecay(0.3), LinearRamp(0.6, 0.6, 1, 1))
    for alpha, beta in ((-0.3, 0.0), (0.7, 1.0), (clock.minus_lr, clock.momentum)):
        fixed = [x if isinstance(x, float) else float(gpu.to_host(x)) for x in (alpha, beta)]
        start = poisoned(13, dtype) if fixed[1] == 0 else normal(13, 3, dtype)
        terms = abs(fixed[0]) * np.abs(a).astype(float).sum(axis=0) + (abs(fixed[1] * start) if fixed[1] else 0)
        got = gpu.to_host(gpu.colsum(gpu.asarray(a), gpu.asarray(start), alpha, beta))
        expected = NUMPY.colsum(a, start.copy(), *fixed)
        assert_alike(got, expected, (rows + 4) * np.finfo(dtype).eps * terms)


@pytest.mark.parametrize("kernel", IN_PLACE)
def test_cuda_kernels_in_place(kernel, dtype, gpu):
    apart, same = (uploaded(gpu, right_call(kernel, dtype, 129, 131)) for _ in "ab")
    same["out"] = same[IN_PLACE[kernel]]
    results = [gpu.to_host(called(gpu, kernel, **call)).tobytes() for call in (apart, same)]
    assert results[0] == results[1]


@pytest.mark.parametrize("kernel, argument, how", WRONG_CALLS)
def test_cuda_parity_of_exceptions(kernel, argument, how, gpu):
    with pytest.raises(ValueError):
        called(gpu, kernel, **uploaded(gpu, spoilt_call(kernel, argument, how)))


def test_cuda_says_that_an_activation_has_no_kernel(gpu):
    z = gpu.zeros((2, 3), np.float32)
    with pytest.raises(ConfigError, match="cupy has no kernel softsign_forward: expected one in the .cu files"):
        gpu.activation("softsign", z, gpu.empty((2, 3), np.float32))


# ---- Random numbers and data -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed, iteration", [(0, 0), (2**64 - 1, 2**32 - 1), (2**40 + 3, 9)])
@pytest.mark.parametrize("kernel", ["uniform", "dropout", "maxout"])
def test_cuda_draws_at_every_width_and_past_the_last_block_to_the_last_bit(kernel, seed, iteration, dtype, gpu):
    for width in range(1, 10):
        draw = draw_of(6, 2**32 - 6, seed=seed, iteration=iteration)[1:]
        host = right_call(kernel, dtype, 5, width) | {"draw": draw}
        there = uploaded(gpu, host)
        called(gpu, kernel, **there)
        called(NUMPY, kernel, **host)
        for name in written(kernel):
            assert gpu.to_host(there[name]).tobytes() == host[name].tobytes()


@pytest.mark.parametrize("keep", [0.0001, 0.5, 0.8])
def test_cuda_masks_to_the_last_bit(keep, dtype, gpu):
    kept = rng.words(draw_of(129), 131) < rng.keep_threshold(keep)
    there = uploaded(gpu, right_call("dropout", dtype, 129, 131) | {"keep": keep})
    gpu.dropout(**there)
    assert (gpu.to_host(there["kept"]) == kept).all() and ((gpu.to_host(there["out"]) != 0) == kept).all()
    there = uploaded(gpu, right_call("maxout", dtype, 129, 131) | {"keep": keep})
    gpu.maxout(**there)
    assert ((gpu.to_host(there["winner"]) >= 0) == kept).all()


def test_cuda_draws_by_a_clock_are_those_of_its_iteration(dtype, gpu):
    clock = gpu.clock(ExponentialDecay(0.1), LinearRamp(0.5, 0.5, 1, 1))
    rows = gpu.asarray(draw_of(5).rows)
    for iteration in (0, 1, 2):
        got = gpu.uniform(draw_of(5, iteration=clock.iteration, rows=rows), 1.5, gpu.empty((5, 7), dtype))
        expected = NUMPY.uniform(draw_of(5, iteration=iteration), 1.5, np.empty((5, 7), dtype))
        assert gpu.to_host(got).tobytes() == expected.tobytes()
        gpu.tick(clock)


@pytest.mark.parametrize("change", [{"draw": None}, {"keep": 1.0}])
def test_cuda_maxout_without_dropout(change, dtype, gpu):
    host = right_call("maxout", dtype, 17, 33) | change
    there = uploaded(gpu, host)
    gpu.maxout(**there)
    NUMPY.maxout(**host)
    assert all(gpu.to_host(there[name]).tobytes() == host[name].tobytes() for name in ("out", "winner"))


@pytest.mark.parametrize("pieces", [1, 2, 5, 127])
def test_cuda_ties_go_to_the_lowest_piece(pieces, dtype, gpu):
    z = np.random.default_rng(pieces).integers(-1, 2, (40, pieces * 7)).astype(dtype)
    out, winner = gpu.empty((40, 7), dtype), gpu.empty((40, 7), np.int8)
    gpu.maxout(gpu.asarray(z), gpu.zeros((pieces * 7,), dtype), 1.0, None, out, winner)
    piece = z.reshape(40, pieces, 7)
    assert (gpu.to_host(winner) == piece.argmax(axis=1)).all() and (gpu.to_host(out) == piece.max(axis=1)).all()


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_cuda_minibatches_to_the_last_bit(kind, scaled, dtype, gpu):
    g = np.random.default_rng(4)
    examples = g.integers(0, 256, (60, 401)).astype(kind)
    order = np.stack([g.permutation(60), g.permutation(60)]).astype(np.int32)
    scale, shift = (normal(60, seed, dtype) if scaled else None for seed in (5, 6))
    rows = np.arange(50, dtype=np.uint32)[3:]
    clocks = [ops.clock(ExponentialDecay(0.1), LinearRamp(0.5, 0.5, 1, 1)) for ops in (gpu, NUMPY)]
    for iteration in range(4):
        for ops, clock in zip((gpu, NUMPY), clocks):
            ops.set_clock(clock, iteration)
        for size, count in ((50, {}), (20, {"per_iteration": 2, "offset": 1})):
            local = rows[rows < size]
            host = (examples, order, Count(clocks[1], **count), size, local, scale, shift)
            there = [gpu.asarray(a) if isinstance(a, np.ndarray) else a for a in host]
            there[2] = Count(clocks[0], **count)
            got = gpu.gather(*there, gpu.empty((len(local), 401), dtype))
            assert gpu.to_host(got).tobytes() == NUMPY.gather(*host, np.empty((len(local), 401), dtype)).tobytes()


@pytest.mark.parametrize("n", [1, 5, 1000])
def test_the_order_of_an_epoch_on_the_gpu_is_the_hosts(n, gpu):
    out = gpu.empty((n,), np.int32)
    for seed, epoch in ((0, 0), (2**40 + 3, 7)):
        assert (gpu.to_host(gpu.permutation(seed, epoch, out)) == rng.permutation(seed, epoch, n)).all()


def test_the_norm_of_a_difference(dtype, gpu):
    a, b = normal(70001, 1, dtype), normal(70001, 2, dtype)
    there = gpu.asarray(a), gpu.asarray(b)
    assert gpu.norm(there[0]) == pytest.approx(NUMPY.norm(a), rel=1e-12)
    assert gpu.norm(*there, 0.3) == pytest.approx(NUMPY.norm(a, b, 0.3), rel=1e-12)


# ---- The clock -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.0, 1.000004])
def test_the_gpus_clock_shows_the_hosts_numbers(factor, gpu):
    """To two units in the last place, since CUDA's power is not the C library's."""
    lr, mu = ExponentialDecay(0.1, factor, 1e-6), LinearRamp(0.5, 0.7, epochs=250, iterations_per_epoch=500)
    clock = gpu.clock(lr, mu)
    for t in (0, 1, 499, 500, 124_499, 124_500, 2_878_000, 3_000_000, 2**31):
        gpu.set_clock(clock, t)
        for _ in range(2):
            assert int(gpu.to_host(clock.iteration)) == t
            shown = [float(gpu.to_host(c)) for c in (clock.lr, clock.minus_lr, clock.momentum)]
            assert shown[0] == -shown[1] and shown == pytest.approx([lr(t), -lr(t), mu(t)], rel=1e-15)
            gpu.tick(clock)
            t += 1


# ---- Special values --------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:invalid|overflow")
@pytest.mark.parametrize("kernel", SPECIAL)
def test_cuda_parity_of_nan_infinities_and_zeros(kernel, dtype, gpu):
    """The sign of a zero or of a NaN is not promised."""
    g = np.random.default_rng(1)
    host = right_call(kernel, dtype, 40, 33)
    for value in host.values():
        if isinstance(value, np.ndarray) and value.dtype == dtype:
            value[...] = g.choice(STRANGE, value.shape)
    there = uploaded(gpu, host)
    called(gpu, kernel, **there)
    called(NUMPY, kernel, **host)
    for name in written(kernel):
        tolerance = TABLE[kernel].ulps * np.finfo(dtype).eps
        np.testing.assert_allclose(gpu.to_host(there[name]), host[name], rtol=tolerance)


def test_cuda_a_column_with_nan_or_infinity_is_limited_as_by_numpy(dtype, gpu):
    W = np.arange(12, dtype=dtype).reshape(4, 3)
    W[1, 1], W[2, 2] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        expected = NUMPY.limit_column_norms(W.copy(), 2.0)
    assert np.isnan(expected[:, 1]).all()
    np.testing.assert_allclose(gpu.to_host(gpu.limit_column_norms(gpu.asarray(W), 2.0)), expected, rtol=1e-6)


def test_cuda_log_sum_exp_of_nan_is_nan(dtype, gpu):
    host = right_call("log_sum_exp", dtype, 3, 700)
    host["product"][1, 300] = np.nan
    there = uploaded(gpu, host)
    assert np.isnan(gpu.to_host(gpu.log_sum_exp(**there))).tolist() == [[False, True, False]] * 2


def test_cuda_log_sum_exp_of_a_squared_distance_below_zero(dtype, gpu):
    host = right_call("log_sum_exp", dtype, 3, 700)
    host["product"][1, 300] = 1000
    expected = {name: array.copy() for name, array in host.items()}
    NUMPY.log_sum_exp(**expected)
    there = uploaded(gpu, host)
    gpu.log_sum_exp(**there)
    assert (gpu.to_host(there["peak"])[:, 1] == 0).all() and (expected["peak"][:, 1] == 0).all()
    np.testing.assert_allclose(gpu.to_host(there["total"]), expected["total"], rtol=1e-5)
