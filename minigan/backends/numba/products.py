"""A matrix product shared among threads: tiles, each multiplied by BLAS on the thread that claims it."""

from __future__ import annotations

from numba import njit
from numba.core import types
from numba.extending import intrinsic, overload

from minigan.backends.numba.atomics import slot
from minigan.backends.numba.blas import NO_TRANSPOSE, ROW_MAJOR, TRANSPOSE, dgemm, sgemm
from minigan.backends.numba.pool import shared

COLUMN_UNIT = 16


@njit(inline="always")
def share(n, part, parts):
    """The part-th of `parts` equal runs of n: (start, stop)."""
    return n * part // parts, n * (part + 1) // parts


@intrinsic
def address(typing_context, array, offset):
    """A pointer to the flat entry `offset` of an array."""

    def codegen(context, builder, signature, values):
        pointer = slot(context, builder, signature.args[0], *values)
        return builder.bitcast(pointer, context.get_value_type(types.voidptr))

    return types.voidptr(array, types.intp), codegen


def blas_gemm(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    """BLAS's own product on one thread, in row-major order; inside compiled kernels only."""


@overload(blas_gemm)
def _blas_gemm(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    product = sgemm if alpha == types.float32 else dgemm

    def call(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
        product(ROW_MAJOR, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)

    return call


@shared
def gemm(part, parts, a, b, out, trans_a, trans_b, alpha, beta, row_parts):
    """One tile of  out (M, N) <- alpha op(a) op(b) + beta out,  cut into row_parts times parts / row_parts tiles."""
    m, n = out.shape
    k = a.shape[0] if trans_a else a.shape[1]
    lda, ldb = a.shape[1], b.shape[1]
    column_parts = parts // row_parts
    top, bottom = share(m, part // column_parts, row_parts)
    left, right = share(-(-n // COLUMN_UNIT), part % column_parts, column_parts)
    left, right = left * COLUMN_UNIT, min(right * COLUMN_UNIT, n)
    if bottom > top and right > left:
        blas_gemm(
            TRANSPOSE if trans_a else NO_TRANSPOSE,
            TRANSPOSE if trans_b else NO_TRANSPOSE,
            bottom - top,
            right - left,
            k,
            alpha,
            address(a, top if trans_a else top * lda),
            lda,
            address(b, left * ldb if trans_b else left),
            ldb,
            beta,
            address(out, top * n + left),
            n,
        )
