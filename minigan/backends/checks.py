"""Shape, dtype and layout checks that every backend shares, so that all of them refuse the same calls."""

from __future__ import annotations

REAL = ("float32", "float64")
EXAMPLES = ("uint8", *REAL)


def shaped(kernel: str, a, shape: tuple[int, ...], dtype=None) -> None:
    """Raise ValueError unless the array has this shape, this dtype (None: float32 or float64) and C order."""
    if a.shape != shape:
        raise ValueError(f"{kernel}: shape {a.shape}, expected {shape}")
    if (a.dtype not in REAL) if dtype is None else (a.dtype != dtype):
        raise ValueError(f"{kernel}: dtype {a.dtype}, expected {dtype or ' or '.join(REAL)}")
    if not a.flags.c_contiguous:
        raise ValueError(f"{kernel}: an array of shape {a.shape} and strides {a.strides}, expected C order")


def matrix(kernel: str, a, dtype=None) -> None:
    """Raise ValueError unless the array has two axes, this dtype (None: float32 or float64) and C order."""
    if len(a.shape) != 2:
        raise ValueError(f"{kernel}: shape {a.shape}, expected a matrix")
    shaped(kernel, a, a.shape, dtype)


def alike(kernel: str, *arrays) -> None:
    """Raise ValueError unless all arrays have one shape and one dtype, float32 or float64, and C order."""
    first = arrays[0]
    shaped(kernel, first, first.shape)
    for a in arrays[1:]:
        shaped(kernel, a, first.shape, first.dtype)


def matrices(kernel: str, *arrays) -> None:
    """Raise ValueError unless all arrays are matrices, alike."""
    matrix(kernel, arrays[0])
    alike(kernel, *arrays)


def writeable(kernel: str, *arrays) -> None:
    """Raise ValueError for a host array that may only be read: compiled code would write to it all the same."""
    for a in arrays:
        if not a.flags.writeable:
            raise ValueError(f"{kernel}: an array of shape {a.shape} is read-only, expected one to write to")


def copied(source, out) -> None:
    """Two arrays of one shape and dtype, in C order."""
    for a in (source, out):
        shaped("copy", a, out.shape, out.dtype)


def beside(left, right, out) -> None:
    """left (B, n) and right (B, C) beside each other in out (B, n + C)."""
    matrix("beside", out)
    rows, width = out.shape
    shaped("beside: left", left, (rows, min(width, left.shape[-1])), out.dtype)
    shaped("beside: right", right, (rows, width - left.shape[-1]), out.dtype)


def leading(a, out) -> None:
    """a (B, n + C) and its first columns, out (B, n)."""
    matrix("leading", out)
    shaped("leading", a, (len(out), max(a.shape[-1], out.shape[1])), out.dtype)


def vectors(kernel: str, a, other) -> None:
    """A vector (n,), and another one like it or None."""
    shaped(kernel, a, (a.size,))
    if other is not None:
        shaped(kernel, other, a.shape, a.dtype)


def order(out) -> None:
    """A vector (n,) of int32, with 0 < n: the order of n examples."""
    shaped("permutation", out, (out.size,), "int32")
    if out.size == 0:
        raise ValueError("permutation: of no example, expected at least one")


def biased(kernel: str, z, out, bias) -> None:
    """The arrays of an activation with an optional bias: z, out (B, O), bias (O,) or None."""
    matrices(kernel, z, out)
    if bias is not None:
        shaped(f"{kernel}: bias", bias, z.shape[1:], z.dtype)


def product(a, b, out, trans_a: bool, trans_b: bool) -> None:
    """op(a) (M, K), op(b) (K, N), out (M, N), all of one dtype."""
    matrix("gemm", out)
    for array in (a, b):
        matrix("gemm", array, out.dtype)
    m, k = a.shape[::-1] if trans_a else a.shape
    k_b, n = b.shape[::-1] if trans_b else b.shape
    if k != k_b or out.shape != (m, n):
        raise ValueError(f"gemm: ({m}, {k}) times ({k_b}, {n}) into {out.shape}")


def summed(a, out) -> None:
    """A matrix (B, O) and the sum of its rows (O,)."""
    matrix("colsum", a)
    shaped("colsum", out, a.shape[1:], a.dtype)


def pieces(kernel: str, z, out, winner) -> int:
    """z (B, P O), out (B, O), winner (B, O) int8: the number of pieces P."""
    matrix(kernel, out)
    matrix(kernel, z, out.dtype)
    shaped(kernel, winner, out.shape, "int8")
    rows, width = out.shape
    if z.shape[0] != rows or width == 0 or z.shape[1] % width or not 0 < z.shape[1] // width < 128:
        raise ValueError(f"{kernel}: {z.shape} is no row of pieces for each of {out.shape}")
    return z.shape[1] // width


def drawn(kernel: str, draw, out) -> None:
    """A matrix to draw, and one global row number for each row of it."""
    matrix(kernel, out)
    shaped(f"{kernel}: rows of the draw", draw.rows, out.shape[:1], "uint32")


def minibatch(examples, order, batch_size: int, rows, scale, shift, out) -> None:
    """The arrays of a gather, as `Ops.gather` has them."""
    if examples.dtype not in EXAMPLES:
        raise ValueError(f"gather: examples of dtype {examples.dtype}, expected {', '.join(EXAMPLES)}")
    matrix("gather: examples", examples, examples.dtype)
    matrix("gather", out)
    n = len(examples)
    shaped("gather: order", order, (2, n), "int32")
    shaped("gather: rows", rows, out.shape[:1], "uint32")
    shaped("gather", out, (len(rows), examples.shape[1]))
    if not 0 < batch_size <= n:
        raise ValueError(f"gather: batches of {batch_size} from {n} examples")
    for a in (scale, shift):
        if a is not None:
            shaped("gather: scale and shift", a, (n,), out.dtype)


def gaussians(product, x_norms, s_norms, precisions, peak, total) -> None:
    """The arrays of a streaming log-sum-exp, as `Ops.log_sum_exp` has them."""
    matrix("log_sum_exp", product)
    shaped("log_sum_exp: x_norms", x_norms, product.shape[:1], product.dtype)
    shaped("log_sum_exp: s_norms", s_norms, product.shape[1:], product.dtype)
    shaped("log_sum_exp: precisions", precisions, (len(precisions),), product.dtype)
    for a in (peak, total):
        shaped("log_sum_exp", a, (len(precisions), len(product)), product.dtype)
