"""The kernels of `numba_ops.py`, compiled by Numba: the formulas of `numpy_ops.py` as loops, one pass over memory each.

Rows are shared among threads in equal runs (`share`), so a fixed number of threads gives one result, bit for bit; only
`gemm` depends on that number.  Numbers that a kernel multiplies by arrive in the arrays' dtype.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numba import njit, prange
from numba.core import types
from numba.extending import intrinsic, overload

from minigan.backends.blas import NO_TRANSPOSE, ROW_MAJOR, TRANSPOSE, dgemm, sgemm
from minigan.rng import MULTIPLIERS, WEYL

M0, M1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
W0, W1 = np.uint64(WEYL[0]), np.uint64(WEYL[1])
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
COLUMN_UNIT = 16


def compiled(parallel: bool = False):
    """njit without the GIL, kept on disk where a cache folder can be written."""

    def decorate(function):
        try:
            return njit(nogil=True, parallel=parallel, cache=True)(function)
        except RuntimeError:
            return njit(nogil=True, parallel=parallel)(function)

    return decorate


@njit(inline="always")
def share(n, part, parts):
    """The part-th of `parts` equal runs of n rows: (start, stop)."""
    return n * part // parts, n * (part + 1) // parts


# ---- Products --------------------------------------------------------------------------------------------------


@intrinsic
def address(typing_context, array, offset):
    """A pointer to the flat entry `offset` of an array."""

    def codegen(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.bitcast(builder.gep(data, [arguments[1]]), context.get_value_type(types.voidptr))

    return types.voidptr(array, types.intp), codegen


def blas_gemm(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    """BLAS's own product on one thread, in row-major order; inside compiled kernels only."""


@overload(blas_gemm)
def _blas_gemm(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    product = sgemm if alpha == types.float32 else dgemm

    def call(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
        product(ROW_MAJOR, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)

    return call


@compiled(parallel=True)
def gemm(a, b, out, trans_a, trans_b, alpha, beta, row_parts, column_parts):
    """out (M, N) <- alpha op(a) op(b) + beta out, a tile of out a thread."""
    m, n = out.shape
    k = a.shape[0] if trans_a else a.shape[1]
    lda, ldb = a.shape[1], b.shape[1]
    for tile in prange(row_parts * column_parts):
        top, bottom = share(m, tile // column_parts, row_parts)
        left, right = share(-(-n // COLUMN_UNIT), tile % column_parts, column_parts)
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


# ---- Random numbers --------------------------------------------------------------------------------------------


@njit(inline="always")
def philox(block, iteration, substep, stream, k0, k1):
    """Four words of Philox4x32-10 in uint64; `minigan.rng.philox` is the formula."""
    c0, c1, c2, c3 = block, iteration, substep, stream
    for _ in range(10):
        product0, product1 = c0 * M0, c2 * M1
        c0, c1 = (product1 >> HALF) ^ c1 ^ k0, product1 & LOW
        c2, c3 = (product0 >> HALF) ^ c3 ^ k1, product0 & LOW
        k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
    return c0, c1, c2, c3


@njit(inline="always")
def draw_kept(kept, row, iteration, substep, stream, k0, k1, threshold):
    """kept (I,) <- [word < threshold] for one row of a draw."""
    width = kept.shape[0]
    blocks = (width + 3) // 4
    first = np.uint64(row) * np.uint64(blocks)
    whole = width // 4
    for block in range(whole):
        w0, w1, w2, w3 = philox((first + np.uint64(block)) & LOW, iteration, substep, stream, k0, k1)
        kept[4 * block] = w0 < threshold
        kept[4 * block + 1] = w1 < threshold
        kept[4 * block + 2] = w2 < threshold
        kept[4 * block + 3] = w3 < threshold
    if whole < blocks:
        words = philox((first + np.uint64(whole)) & LOW, iteration, substep, stream, k0, k1)
        for i in range(width - 4 * whole):
            kept[4 * whole + i] = words[i] < threshold


@compiled()
def uniform(rows, iteration, substep, stream, k0, k1, limit, out):
    """out = limit (2 u - 1)"""
    width = out.shape[1]
    blocks = (width + 3) // 4
    one, unit = out.dtype.type(1), out.dtype.type(2.0**-23)
    for r in range(out.shape[0]):
        for block in range(blocks):
            counter = (np.uint64(rows[r]) * np.uint64(blocks) + np.uint64(block)) & LOW
            words = philox(counter, iteration, substep, stream, k0, k1)
            for i in range(min(4, width - 4 * block)):
                out[r, 4 * block + i] = limit * (out.dtype.type(words[i] >> np.uint64(8)) * unit - one)


# ---- Activations -----------------------------------------------------------------------------------------------


@compiled(parallel=True)
def activate(z, bias, out, squash, parts):
    """y = sigmoid(z + b) if `squash`, else max(0, z + b)"""
    zero, one = out.dtype.type(0), out.dtype.type(1)
    for part in prange(parts):
        start, stop = share(out.shape[0], part, parts)
        for r in range(start, stop):
            if squash:
                for c in range(out.shape[1]):
                    x = z[r, c] + bias[c]
                    e = math.exp(-abs(x))
                    out[r, c] = (one if x >= zero else e) / (one + e)
            else:
                for c in range(out.shape[1]):
                    x = z[r, c] + bias[c]
                    out[r, c] = x if x > zero or x != x else zero


@compiled(parallel=True)
def activate_backward(dy, y, out, squash, parts):
    """dz = dy y (1 - y) if `squash`, else dy [y > 0]"""
    one = out.dtype.type(1)
    for part in prange(parts):
        start, stop = share(out.shape[0], part, parts)
        for r in range(start, stop):
            if squash:
                for c in range(out.shape[1]):
                    out[r, c] = dy[r, c] * (y[r, c] * (one - y[r, c]))
            else:
                for c in range(out.shape[1]):
                    out[r, c] = dy[r, c] * out.dtype.type(y[r, c] > 0)


@compiled(parallel=True)
def maxout(z, bias, out, winner, rows, iteration, substep, stream, k0, k1, threshold, scale, parts):
    """y[:, o] = max_p (z[:, p O + o] + b[p O + o]), times `scale` where kept; threshold 2^32 keeps all."""
    width = out.shape[1]
    pieces = z.shape[1] // width
    zero = out.dtype.type(0)
    drop = threshold <= LOW
    for part in prange(parts):
        start, stop = share(out.shape[0], part, parts)
        for r in range(start, stop):
            for o in range(width):
                out[r, o] = z[r, o] + bias[o]
                winner[r, o] = 0
            for p in range(1, pieces):
                for o in range(width):
                    x = z[r, p * width + o] + bias[p * width + o]
                    better = x > out[r, o]
                    winner[r, o] = np.int8(p) if better else winner[r, o]
                    out[r, o] = x if better or x != x else out[r, o]
            if drop:
                kept = z[r, :width]
                draw_kept(kept, rows[r], iteration, substep, stream, k0, k1, threshold)
                for o in range(width):
                    winner[r, o] = winner[r, o] if kept[o] != zero else np.int8(-1)
                    out[r, o] = out[r, o] * scale if kept[o] != zero else zero


@compiled(parallel=True)
def maxout_backward(dy, winner, scale, out, parts):
    """dz[:, p O + o] = scale dy[:, o] [winner[:, o] = p]"""
    width = dy.shape[1]
    pieces = out.shape[1] // width
    for part in prange(parts):
        start, stop = share(out.shape[0], part, parts)
        for r in range(start, stop):
            for p in range(pieces):
                for o in range(width):
                    out[r, p * width + o] = scale * dy[r, o] * out.dtype.type(winner[r, o] == p)


@compiled(parallel=True)
def dropout(x, out, kept, rows, iteration, substep, stream, k0, k1, threshold, scale, parts):
    """y = x scale where kept, else 0"""
    zero = out.dtype.type(0)
    for part in prange(parts):
        start, stop = share(out.shape[0], part, parts)
        for r in range(start, stop):
            draw_kept(kept[r], rows[r], iteration, substep, stream, k0, k1, threshold)
            for c in range(out.shape[1]):
                out[r, c] = x[r, c] * scale if kept[r, c] else zero


@compiled(parallel=True)
def dropout_backward(dy, kept, scale, out, parts):
    """dx = dy scale where kept, else 0"""
    zero = out.dtype.type(0)
    for part in prange(parts):
        start, stop = share(out.shape[0], part, parts)
        for r in range(start, stop):
            for c in range(out.shape[1]):
                out[r, c] = dy[r, c] * scale if kept[r, c] else zero


# ---- Updates and data ------------------------------------------------------------------------------------------


@compiled(parallel=True)
def add(theta, step, parts):
    """theta <- theta + step"""
    for part in prange(parts):
        start, stop = share(theta.shape[0], part, parts)
        for i in range(start, stop):
            theta[i] += step[i]


@compiled(parallel=True)
def gather(examples, chosen, scale, shift, out, parts):
    """out[j] = scale[i] examples[i] + shift[i],  i = chosen[j]; an empty scale or shift is left out."""
    for part in prange(parts):
        start, stop = share(out.shape[0], part, parts)
        for j in range(start, stop):
            i = chosen[j]
            for c in range(out.shape[1]):
                out[j, c] = out.dtype.type(examples[i, c])
            if scale.shape[0]:
                for c in range(out.shape[1]):
                    out[j, c] *= scale[i]
            if shift.shape[0]:
                for c in range(out.shape[1]):
                    out[j, c] += shift[i]
