"""The CUDA kernels where they do something else by the shape: no rows, many rows, five pieces, many updates."""

import numpy as np
import pytest
from gpu_machines import uploaded
from kernel_calls import KERNELS, NUMPY, called, right_call, written
from test_cuda_parity import CANCELLED
from test_parity import normal, without_rows

from minigan.backends.clock import Count
from minigan.game.schedules import ExponentialDecay, LinearRamp


@pytest.fixture(params=[np.float32, np.float64])
def dtype(request):
    return request.param


@pytest.mark.parametrize("kernel", KERNELS)
def test_cuda_kernels_of_no_rows_have_nothing_to_do(kernel, dtype, gpu):
    """A grid of 0 blocks, which CuPy would launch as 1: the stand-in refuses it."""
    call = without_rows(right_call(kernel, dtype, 17, 5), 17)
    there = uploaded(gpu, call)
    assert called(gpu, kernel, **there) is there[written(kernel)[0]]
    expected = np.zeros(5, dtype) if kernel == "colsum" else call[written(kernel)[0]]
    assert gpu.to_host(there[written(kernel)[0]]).tobytes() == expected.tobytes()


@pytest.mark.parametrize("weighted", [True, False])
def test_cuda_sums_of_many_rows_are_made_in_one_order(weighted, dtype, gpu):
    """Blocks of rows, each in 32 runs that are merged pairwise; then, in the same way, the blocks' sums."""
    a, weights = normal((1000, 40), 1, dtype), normal((1000, 1), 2, dtype)

    def summed(terms):
        runs = [terms[run::32].cumsum(axis=0, dtype=dtype)[-1] if run < len(terms) else 0 for run in range(32)]
        for half in (16, 8, 4, 2, 1):
            runs = [runs[i] + runs[i + half] for i in range(half)]
        return runs[0]

    there, out = (gpu.asarray(a), gpu.asarray(weights)), gpu.empty((40, 1), dtype)
    for _ in range(2):
        got = gpu.gemm(*there, out, trans_a=True) if weighted else gpu.colsum(there[0], out.reshape(40))
        expected = summed(np.stack([summed(block) for block in np.split(a * weights if weighted else a, 4)]))
        if weighted:  # fused with its product, a sum rounds once less
            np.testing.assert_allclose(gpu.to_host(got)[:, 0], expected, atol=400 * np.finfo(dtype).eps)
        else:
            assert gpu.to_host(got).tobytes() == expected.tobytes()


@pytest.mark.parametrize("k", [1, 3, 40])
def test_cuda_adam_of_every_update_at_every_iteration(k, dtype, gpu):
    """The clock keeps 1 - beta^t of D's k updates and of G's one."""
    clocks = [ops.clock(ExponentialDecay(0.1), LinearRamp(0.5, 0.5, 1, 1)) for ops in (gpu, NUMPY)]
    start = right_call("adam", dtype, 3, 5)
    buffers = [[start[name] for name in ("theta", "gradient", "first", "second")] for _ in clocks]
    buffers[0] = [gpu.asarray(a) for a in buffers[0]]
    for iteration in (0, 1, 700):
        for ops, clock, its in zip((gpu, NUMPY), clocks, buffers):
            if iteration == 700:
                ops.set_clock(clock, iteration)
            counts = *((Count(clock, k, s), 0.9, 0.999) for s in range(k)), (Count(clock), 0.5, 0.99)
            for count, *betas in counts:
                ops.adam(*its, count, clock, *betas, 1e-8)
            ops.tick(clock)
        bound = 8 * (k + 1) * (np.finfo(dtype).eps + CANCELLED * np.finfo(np.float64).eps)
        np.testing.assert_allclose(gpu.to_host(buffers[0][0]), buffers[1][0], rtol=bound, atol=bound)


@pytest.mark.parametrize("width", [1, 3, 4, 7, 32])
@pytest.mark.parametrize("pieces", [4, 5, 6])
def test_cuda_maxout_of_so_many_pieces_to_the_last_bit(pieces, width, dtype, gpu):
    """Five are read ahead."""
    host = right_call("maxout", dtype, 17, width)
    host |= {"z": normal((17, pieces * width), 1, dtype), "bias": normal(pieces * width, 2, dtype)}
    host["z"][3, ::2] = np.nan
    there = uploaded(gpu, host)
    gpu.maxout(**there)
    NUMPY.maxout(**host)
    np.testing.assert_array_equal(gpu.to_host(there["winner"]), host["winner"])
    np.testing.assert_array_equal(gpu.to_host(there["out"]), host["out"])
