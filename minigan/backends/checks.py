"""Shape, dtype and layout checks that every backend shares, so that all of them refuse the same calls."""

from __future__ import annotations


def same(kernel: str, *arrays) -> None:
    """Raise ValueError unless all arrays have one shape, one dtype and C order."""
    first = arrays[0]
    for a in arrays:
        if a.shape != first.shape:
            raise ValueError(f"{kernel}: shapes {first.shape} and {a.shape}, expected equal ones")
        if a.dtype != first.dtype:
            raise ValueError(f"{kernel}: dtypes {first.dtype} and {a.dtype}, expected equal ones")
        contiguous(kernel, a)


def contiguous(kernel: str, a) -> None:
    """Raise ValueError unless the array is in C order."""
    if not a.flags.c_contiguous:
        raise ValueError(f"{kernel}: an array of shape {a.shape} and strides {a.strides}, expected C order")


def shaped(kernel: str, a, shape: tuple[int, ...], dtype=None) -> None:
    """Raise ValueError unless the array has this shape, this dtype (None: any) and C order."""
    if a.shape != shape:
        raise ValueError(f"{kernel}: shape {a.shape}, expected {shape}")
    if dtype is not None and a.dtype != dtype:
        raise ValueError(f"{kernel}: dtype {a.dtype}, expected {dtype}")
    contiguous(kernel, a)


def biased(kernel: str, z, out, bias) -> None:
    """The arrays of an activation with an optional bias: z, out (B, O), bias (O,) or None."""
    same(kernel, z, out)
    if bias is not None:
        shaped(kernel, bias, z.shape[1:], z.dtype)


def product(a, b, out, trans_a: bool, trans_b: bool) -> None:
    """op(a) (M, K), op(b) (K, N), out (M, N), all of one dtype."""
    m, k = a.shape[::-1] if trans_a else a.shape
    k_b, n = b.shape[::-1] if trans_b else b.shape
    if k != k_b or out.shape != (m, n):
        raise ValueError(f"gemm: ({m}, {k}) times ({k_b}, {n}) into {out.shape}")
    if not a.dtype == b.dtype == out.dtype:
        raise ValueError(f"gemm: dtypes {a.dtype}, {b.dtype} and {out.dtype}, expected equal ones")
    for array in (a, b, out):
        contiguous("gemm", array)


def pieces(kernel: str, z, out, winner) -> int:
    """z (B, P O), out (B, O), winner (B, O) int8: the number of pieces P."""
    rows, width = out.shape
    shaped(kernel, winner, out.shape, "int8")
    contiguous(kernel, out)
    if z.shape[0] != rows or width == 0 or z.shape[1] % width or not 0 < z.shape[1] // width < 128:
        raise ValueError(f"{kernel}: {z.shape} is no row of pieces for each of {out.shape}")
    shaped(kernel, z, z.shape, out.dtype)
    return z.shape[1] // width


def drawn(kernel: str, draw, out) -> None:
    """A draw has one global row number for each row of out."""
    shaped(f"{kernel}: rows of the draw", draw.rows, out.shape[:1], "uint32")
    contiguous(kernel, out)


def minibatch(examples, order, batch_size: int, rows, scale, shift, out) -> None:
    """The arrays of a gather, as `Ops.gather` has them."""
    n = len(examples)
    shaped("gather: order", order, (2, n), "int32")
    shaped("gather: rows", rows, out.shape[:1], "uint32")
    shaped("gather", out, (len(rows), examples.shape[1]))
    if not 0 < batch_size <= n:
        raise ValueError(f"gather: batches of {batch_size} from {n} examples")
    for a in (scale, shift):
        if a is not None:
            shaped("gather: scale and shift", a, (n,), out.dtype)
