"""The contract's rules, held by the NumPy kernels: what is refused, returned, read, written and left alone."""

import inspect

import numpy as np
import pytest
from kernel_calls import (
    IN_PLACE,
    KERNELS,
    NOT_KERNELS,
    TABLE,
    WRONG_CALLS,
    bits,
    called,
    method_of,
    poisoned,
    right_call,
    spoilt_call,
    ticked,
    written,
)

from minigan import backends
from minigan.backends.numpy_ops import NumpyOps
from minigan.backends.ops import Ops
from minigan.layers.activations import ACTIVATIONS

OPS = NumpyOps()


@pytest.fixture(params=[np.float32, np.float64])
def dtype(request):
    return request.param


@pytest.mark.parametrize("name", backends.NAMES)
def test_every_backend_has_every_kernel_as_the_contract_writes_it(name):
    ops = backends.get(name, threads=1)
    assert ops.name == name and not type(ops).__abstractmethods__
    for method in (m for m in Ops.__abstractmethods__ if inspect.isfunction(getattr(Ops, m))):
        expected, got = (inspect.signature(getattr(c, method)).parameters.values() for c in (Ops, type(ops)))
        assert [(p.name, p.default) for p in got] == [(p.name, p.default) for p in expected], method


def test_the_table_has_every_kernel_of_the_contract_and_both_of_every_activation():
    assert {method_of(kernel) for kernel in TABLE} == Ops.__abstractmethods__ - NOT_KERNELS
    assert {name for kind in ACTIVATIONS for name in (kind, f"{kind}_backward")} <= set(TABLE)


@pytest.mark.parametrize("kernel, argument, how", WRONG_CALLS)
def test_a_wrong_array_is_refused_and_no_input_touched(kernel, argument, how):
    arguments = spoilt_call(kernel, argument, how)
    inputs = bits(arguments).keys() - written(kernel) - set(TABLE[kernel].scratch)
    before = bits(arguments)
    with pytest.raises(ValueError, match=f"gemm|{kernel}"):
        called(OPS, kernel, **arguments)
    after = bits(arguments)
    assert all(after[name] == before[name] for name in inputs)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_right_call_fills_and_returns_out_and_changes_nothing_else(kernel, dtype):
    arguments = right_call(kernel, dtype)
    before = bits(arguments)
    returned = called(OPS, kernel, **arguments)
    assert returned is arguments[written(kernel)[0]]
    for name in written(kernel):
        assert np.isfinite(arguments[name]).all() and not (arguments[name] == 77).any()
    after = bits(arguments)
    assert {name for name in after if after[name] != before[name]} - set(TABLE[kernel].scratch) == set(written(kernel))


@pytest.mark.parametrize("kernel", IN_PLACE)
def test_out_may_be_the_input_that_the_contract_names(kernel, dtype):
    apart, same = right_call(kernel, dtype), right_call(kernel, dtype)
    same["out"] = same[IN_PLACE[kernel]]
    called(OPS, kernel, **same)
    assert same["out"].tobytes() == called(OPS, kernel, **apart).tobytes()


@pytest.mark.parametrize("kernel", ACTIVATIONS)
def test_no_bias_is_a_bias_of_zeros(kernel, dtype):
    without, zeros = (right_call(kernel, dtype) | {"bias": bias} for bias in (None, np.zeros(5, dtype)))
    assert (called(OPS, kernel, **without) == called(OPS, kernel, **zeros)).all()


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_an_activation_is_its_formula(kind, dtype):
    x, dy = np.random.default_rng(3).standard_normal((2, 4, 6)).astype(dtype)
    x[0, 0], x[1, 1], x[2, 2] = 0.0, -0.0, 1e-30  # at a kink the slope is that below
    y = ACTIVATIONS[kind]().apply(OPS, x, np.empty_like(x))
    f, slope = (
        np.vectorize(TABLE[name].formula, otypes=[float])(x.astype(float)) for name in (kind, f"{kind}_backward")
    )
    slack = {"rtol": 2e-5, "atol": 2e-4} if dtype == np.float32 else {"rtol": 1e-13, "atol": 1e-12}
    np.testing.assert_allclose(y, f, **slack)
    np.testing.assert_allclose(ACTIVATIONS[kind]().derive(OPS, dy, y, np.empty_like(x)), dy * slope, **slack)
    assert y.dtype == dtype


def test_an_activation_stays_in_its_range_and_says_its_kink(dtype):
    """The slope at 1e-3 and at -1e-3 is far apart where `kinks` names y, and 0 there on the left where a unit dies."""
    far = np.array([[-np.finfo(dtype).max, -30, -1e-3, 1e-3, 30, np.finfo(dtype).max]], dtype)
    for layer in (make() for make in ACTIVATIONS.values()):
        y = layer.apply(OPS, far, np.empty_like(far))
        low, high = layer.range
        assert low <= y.min() and y.max() <= high
        assert np.allclose([low, high], [y.min(), y.max()]) or not np.isfinite([low, high]).all()
        slope = layer.derive(OPS, np.ones_like(far), y, np.empty_like(far))[0]
        assert (abs(slope[2] - slope[3]) > 0.1) == (layer.kinks == ("y",))
        assert (slope[1] == slope[2] == 0) == layer.dies


def test_spherical_rows_are_normal_rows_divided_by_their_lengths(dtype):
    arguments = right_call("spherical", dtype)
    z = OPS.normal(arguments["draw"], np.empty_like(arguments["out"]))
    expected = np.array([row / np.sqrt(sum(float(value) ** 2 for value in row)) for row in z])
    np.testing.assert_allclose(OPS.spherical(**arguments), expected, rtol=1e-5 if dtype == np.float32 else 1e-13)


@pytest.mark.parametrize("alpha, beta", [(-0.3, 0.7), (2.5, -1.5), (2.5, 0.0), (-0.3, 0.0), (1.0, 1.0)])
@pytest.mark.parametrize("kernel", ["gemm", "colsum"])
def test_alpha_and_beta_scale_the_result_and_what_was_there(kernel, alpha, beta, dtype):
    plain = called(OPS, kernel, **right_call(kernel, dtype))
    there = np.arange(plain.size, dtype=dtype).reshape(plain.shape)
    got = called(OPS, kernel, **right_call(kernel, dtype) | {"out": there.copy()}, alpha=alpha, beta=beta)
    np.testing.assert_allclose(got, alpha * plain + beta * there, rtol=1e-5 if dtype == np.float32 else 1e-13)


@pytest.mark.parametrize("alpha", [1.0, -0.3])
@pytest.mark.parametrize("kernel", ["gemm", "colsum"])
def test_beta_0_never_reads_out(kernel, alpha, dtype):
    arguments = right_call(kernel, dtype)
    assert np.isnan(arguments["out"]).all()
    beta = np.zeros(()) if alpha == 1 else 0.0
    assert np.isfinite(called(OPS, kernel, **arguments, alpha=alpha, beta=beta)).all()


@pytest.mark.parametrize("kernel", ["gemm", "colsum"])
def test_alpha_and_beta_of_a_clock_are_read_when_the_kernel_runs(kernel, dtype):
    clock, results = ticked(0), []
    for _ in range(4):
        arguments = right_call(kernel, dtype)
        arguments["out"][...] = 1
        by_clock = called(OPS, kernel, **arguments, alpha=clock.minus_lr, beta=clock.momentum).copy()
        arguments["out"][...] = 1
        numbers = {"alpha": -float(clock.lr), "beta": float(clock.momentum)}
        assert by_clock.tobytes() == called(OPS, kernel, **arguments, **numbers).tobytes()
        results.append(by_clock.tobytes())
        OPS.tick(clock)
    assert len(set(results)) == 4


@pytest.mark.parametrize("trans_a", [False, True])
@pytest.mark.parametrize("trans_b", [False, True])
def test_gemm_refuses_inner_sizes_that_differ(trans_a, trans_b):
    a, b = np.ones((4, 2) if trans_a else (2, 4)), np.ones((3, 5) if trans_b else (5, 3))
    with pytest.raises(ValueError, match="gemm"):
        OPS.gemm(a, b, np.ones((2, 3)), trans_a, trans_b)


@pytest.mark.parametrize("batch_size", [0, 15])
def test_gather_refuses_batches_that_the_examples_cannot_fill(batch_size):
    with pytest.raises(ValueError, match="batches of"):
        OPS.gather(**right_call("gather") | {"batch_size": batch_size})


@pytest.mark.parametrize("pieces", [0, 128])
@pytest.mark.parametrize("kernel", ["maxout", "maxout_backward"])
def test_maxout_refuses_more_pieces_than_a_winner_can_name(kernel, pieces):
    wide = poisoned((3, 5 * pieces), np.float64)
    change = {"z": wide, "bias": wide[0]} if kernel == "maxout" else {"out": wide}
    with pytest.raises(ValueError, match="row of pieces"):
        called(OPS, kernel, **right_call(kernel) | change)


def converted(kernel, kind):
    """The right call with every floating array of another kind."""
    arguments = right_call(kernel)
    floats = {n: v for n, v in arguments.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"}
    return arguments | {n: np.zeros(v.shape, kind) for n, v in floats.items()}


def flattened(kernel):
    """The right call with every matrix as a row of one rank less."""
    arguments = right_call(kernel)
    matrices = {n: v for n, v in arguments.items() if isinstance(v, np.ndarray) and v.ndim == 2}
    return arguments | {n: v[0].copy() for n, v in matrices.items()}


def refused(kernel, arguments):
    """Whether a call ends in a ValueError, and no other error."""
    try:
        called(OPS, kernel, **arguments)
    except ValueError:
        return True
    except (TypeError, IndexError):
        pass
    return False


@pytest.mark.filterwarnings("ignore:overflow|invalid")
@pytest.mark.parametrize("kind", [np.int64, np.float16])
def test_arrays_that_are_neither_float32_nor_float64_are_refused(kind):
    assert [kernel for kernel in KERNELS if kernel != "copy" and not refused(kernel, converted(kernel, kind))] == []


def test_vectors_in_the_place_of_matrices_are_refused():
    matrices = set(KERNELS) - {"copy", "add", "adam", "average"}
    assert [kernel for kernel in matrices if not refused(kernel, flattened(kernel))] == []
