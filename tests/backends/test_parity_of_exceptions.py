"""What NumPy's kernels refuse, Numba's refuse too, with the same error, before anything compiled runs."""

import numpy as np
import pytest
from kernel_calls import KERNELS, NUMPY, WRONG_CALLS, called, right_call, spoilt_call, written

from minigan.backends.numba import numba_ops
from minigan.backends.numba.numba_ops import NumbaOps

pytestmark = pytest.mark.rounding


@pytest.fixture(params=[np.float32, np.float64])
def dtype(request):
    return request.param


BY_UNIT = {(kernel, "in Fortran order") for kernel in ("gemm", "affine", "copy", "limit_column_norms")}
"""Numba's backend takes these: it keeps weights so."""


class NoKernels:
    """Stands for the compiled kernels, none of which may run."""

    def __getattr__(self, name):
        def kernel(*arguments):
            raise AssertionError(f"the kernel {name} ran")

        kernel.__name__ = name
        return kernel


@pytest.fixture
def uncompiled(monkeypatch):
    """Numba's backend without anything compiled: what it refuses, it refuses before."""
    monkeypatch.setattr(numba_ops, "kernels", NoKernels())
    return NumbaOps(1)


@pytest.mark.parametrize("kernel, argument, how", WRONG_CALLS)
def test_parity_of_exceptions(kernel, argument, how, uncompiled):
    for ops in (NUMPY,) if (kernel, how) in BY_UNIT else (NUMPY, uncompiled):
        with pytest.raises(ValueError):
            called(ops, kernel, **spoilt_call(kernel, argument, how))


@pytest.mark.parametrize("change", [{"batch_size": 0}, {"batch_size": 15}])
def test_parity_of_exceptions_for_a_batch_size(change, uncompiled):
    for ops in (NUMPY, uncompiled):
        with pytest.raises(ValueError, match="batches of"):
            ops.gather(**right_call("gather") | change)


@pytest.mark.parametrize("kernel", KERNELS)
def test_parity_of_exceptions_for_a_read_only_out(kernel, uncompiled):
    for ops in (NUMPY, uncompiled):
        arguments = right_call(kernel)
        arguments[written(kernel)[0]].flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            called(ops, kernel, **arguments)


def test_parity_of_gemm_over_nothing(dtype):
    a, b = np.ones((3, 0), dtype), np.ones((0, 4), dtype)
    got, expected = (o.gemm(a, b, np.ones((3, 4), dtype), beta=0.5) for o in (NumbaOps(1), NUMPY))
    assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize("kernel, argument, how", [call for call in WRONG_CALLS if (call[0], call[2]) in BY_UNIT])
def test_parity_of_weights_by_unit(kernel, argument, how, dtype):
    expected, given = (right_call(kernel, dtype) for _ in "ab")
    given[argument] = np.asfortranarray(given[argument])
    called(NUMPY, kernel, **expected)
    assert called(NumbaOps(1), kernel, **given) is given[written(kernel)[0]]
    for name in written(kernel):
        np.testing.assert_allclose(
            given[name], expected[name], rtol=30 * np.finfo(dtype).eps, atol=30 * np.finfo(dtype).eps
        )
