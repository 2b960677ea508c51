"""Numba's products of a minibatch in tiles, and the kernels whose loops are vectors, against the dense formulas.

Whole numbers have exact sums, so results are equal to the last bit in any order of summing.  Every array lies between
rows of NaN: what is read outside shows in a sum, what is written outside is no NaN afterwards.
"""

import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_calls import NUMPY, poisoned

from minigan.backends.numba import numba_ops, tiles
from minigan.backends.numba.numba_ops import NumbaOps
from minigan.backends.ops import ByUnit

pytestmark = pytest.mark.rounding

ENDS = [
    *[(rows, 100, 100) for rows in (1, 2, 3, 4, 5, 6, 7, 11, 12, 13)],
    *[(7, inputs, 33) for inputs in (39, 40, 41, 79, 80, 81, 127, 128, 129, 159, 160, 161)],
    *[(7, 99, outputs) for outputs in (1, 2, 3, 4, 5, 7, 8, 9, 80, 127, 128, 129)],
    *[(100, 784, 1200), (100, 1200, 784), (101, 1200, 1201), (513, 200, 131)],
]
"""rows, inputs and outputs at the ends of tiles and of the authors' layers"""
DTYPES = [np.float32, np.float64]


def tile_all(patch):
    """Every product of weights by unit that tiles can make is made in tiles."""
    for name in ("MOST_ROWS", "MOST_ROWS_OF_DX", "MOST_TWICE"):
        patch.setattr(numba_ops.tiles, name, sys.maxsize)
    patch.setattr(numba_ops.tiles, "LEAST_VECTORS", 0)


@pytest.fixture
def always_tiled(monkeypatch):
    tile_all(monkeypatch)


class Fence:
    """Arrays between numbers that may be neither read nor written."""

    WIDTH = 64

    def __init__(self):
        self._memories = []

    def around(self, array, ops=NUMPY, by_unit=False):
        """A copy of the array; weights as the backend keeps them."""
        memory = poisoned(array.size + 2 * self.WIDTH, array.dtype)
        self._memories.append(memory)
        inside = ops.view(memory[self.WIDTH : -self.WIDTH], ByUnit(array.shape) if by_unit else array.shape)
        inside[...] = array
        return inside

    def stands(self):
        return all(np.isnan(m[: self.WIDTH]).all() and np.isnan(m[-self.WIDTH :]).all() for m in self._memories)


def products(ops, x, W, dy, dW, beta):
    """y = x W, dx = dy W^T, dW <- -x^T dy / 2 + beta dW, the weights as the backend keeps them."""
    fence = Fence()
    x, dy = fence.around(x), fence.around(dy)
    W, dW = (fence.around(array, ops, by_unit=True) for array in (W, dW))
    y, dx = (fence.around(poisoned(array.shape, array.dtype)) for array in (dy, x))
    assert ops.gemm(x, W, y) is y
    assert ops.gemm(dy, W, dx, trans_b=True) is dx
    assert ops.gemm(x, dy, dW, trans_a=True, alpha=-0.5, beta=beta) is dW
    assert fence.stands()
    return {"y": y, "dx": dx, "dW": np.array(dW, order="C")}


def check(rows, inputs, outputs, dtype, threads=1, beta=0.5):
    rng = np.random.default_rng([rows, inputs, outputs])
    shapes = (rows, inputs), (inputs, outputs), (rows, outputs), (inputs, outputs)
    arrays = [rng.integers(-3, 4, shape).astype(dtype) for shape in shapes]
    got, expected = (products(ops, *arrays, beta) for ops in (NumbaOps(threads), NUMPY))
    for name, array in expected.items():
        assert (got[name] + 0).tobytes() == (array + 0).tobytes(), name


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 600),
    inputs=st.integers(1, 200),
    outputs=st.integers(1, 200),
    dtype=st.sampled_from(DTYPES),
    threads=st.integers(1, 2),
    beta=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_any_shape(rows, inputs, outputs, dtype, threads, beta):
    """As the rule has it, and with every product that can be one in tiles."""
    check(rows, inputs, outputs, dtype, threads, beta)
    with pytest.MonkeyPatch.context() as patch:
        tile_all(patch)
        check(rows, inputs, outputs, dtype, threads, beta)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_ends_of_tiles(dtype, always_tiled):
    for rows, inputs, outputs in ENDS:
        for threads in (1, 2):
            check(rows, inputs, outputs, dtype, threads)


ON_OTHER_VECTORS = """
import sys
sys.path[:0] = {path!r}
import pytest, test_tiles
assert test_tiles.tiles.BYTES == 32
with pytest.MonkeyPatch.context() as patch:
    test_tiles.tile_all(patch)
    for shape in test_tiles.ENDS:
        test_tiles.check(*shape, test_tiles.np.{dtype})
"""


@pytest.mark.skipif(tiles.BYTES == 32, reason="these are the processor's own")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_vectors_of_32_bytes(dtype):
    """In a process for which the processor is named: it then computes as those without AVX-512 do."""
    command = [sys.executable, "-c", ON_OTHER_VECTORS.format(path=sys.path, dtype=dtype)]
    environment = {**os.environ, "NUMBA_CPU_NAME": llvm.get_host_cpu_name()}
    done = subprocess.run(command, cwd=Path(__file__).parent, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_no_number_goes_where_it_goes_in_the_dense_formula(dtype, threads, always_tiled):
    """NaN and infinity in x and dy, in their last rows and columns too, and in W."""
    rng = np.random.default_rng(3)
    x, W, dy = (rng.standard_normal(shape).astype(dtype) for shape in ((41, 133), (133, 90), (41, 90)))
    for array in (x, dy):
        array[3, 20], array[5, 0], array[40, -1], array[7, 9] = np.nan, np.inf, -np.inf, 1e30
    W[7, 4], W[132, 89], W[100, 3], W[20, 8] = np.nan, np.inf, -np.inf, 0
    with np.errstate(invalid="ignore", over="ignore"):
        got, expected = (products(ops, x, W, dy, np.zeros_like(W), 0.0) for ops in (NumbaOps(threads), NUMPY))
    for name, array in expected.items():
        assert np.isnan(array).any() and np.isinf(array).any() and np.isfinite(array).any()
        finite = np.isfinite(array)
        np.testing.assert_array_equal(got[name][~finite], array[~finite], err_msg=name)
        assert np.isfinite(got[name]).tolist() == finite.tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_do_not_change_a_bit(dtype, always_tiled):
    rng = np.random.default_rng(1)
    shapes = (100, 333), (333, 205), (100, 205), (333, 205)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    one, two = (products(NumbaOps(threads), *arrays, 0.5) for threads in (1, 2))
    for name in ("y", "dx"):
        assert one[name].tobytes() == two[name].tobytes(), name


def test_the_rule():
    """By shape alone: BLAS where a minibatch has many rows, a sum is short, or a tile does not fit."""
    lanes = tiles.BYTES // 4

    def kernel(rows, width, units, along_rows):
        shape = (units, width) if along_rows else (width, units)
        return tiles.kernel(np.empty((rows, width), np.float32), np.empty(shape, np.float32), along_rows)

    least = tiles.LEAST_VECTORS * lanes
    assert kernel(100, 1200, 784, True) is tiles.product
    assert kernel(512, least, 4, True) is tiles.product
    for rows, width, units in ((0, 1200, 784), (513, 1200, 784), (100, least - 1, 784), (100, 1200, 3)):
        assert kernel(rows, width, units, True) is None
    of_dx = tiles.product_with_transpose if tiles.BYTES == 64 else None
    columns = tiles.VECTORS * lanes
    for rows, width, units in ((100, 1200, 784), (256, least, columns), (100, 1200, 2 * columns), (1, 1200, 410)):
        assert kernel(rows, width, units, False) is of_dx
    nothing = (0, 1200, 784), (257, 1200, 784), (100, least - 1, 784)
    for rows, width, units in (*nothing, (100, 1200, columns - 1), (100, 1200, columns + 1), (100, 1200, 256)):
        assert kernel(rows, width, units, False) is None


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_is_within_4_ulps_of_its_formula_over_the_whole_range(dtype, in_place):
    """Where e^-x is no longer a number of the type, its inverse may come out as 0."""
    limits, rng = np.finfo(dtype), np.random.default_rng(0)
    far = float(np.log(limits.max))
    x = np.concatenate(
        [
            np.linspace(-1.1 * far, 1.1 * far, 200_001),
            rng.uniform(-40, 40, 200_000),
            rng.standard_normal(100_000) * 10.0 ** rng.integers(-30, 1, 100_000),
            [0.0, -0.0, limits.tiny, -limits.tiny, limits.max, -limits.max, np.inf, -np.inf],
        ]
    ).astype(dtype)
    z = np.resize(x, (1009, 500))
    with np.errstate(over="ignore"):
        exact = 1 / (1 + np.exp(-z.astype(np.longdouble)))
    y = NumbaOps(2).activation("sigmoid", z, out=z if in_place else poisoned(z.shape, dtype))
    rounded = 4 * np.spacing(exact.astype(dtype)).astype(np.longdouble)
    lost = np.where(exact * limits.max < 1.001, exact, 0)
    assert (abs(y - exact) <= rounded + lost).all()
    assert y.min() == 0 and y.max() == 1
