"""Products of a minibatch with the weights of a layer, summed in the processor's registers.

BLAS first lays its factors out as its inner loop reads them, which takes a good part of its time where a minibatch has
a hundred rows.  Here nothing is laid out: a tile of the result, a few rows by a few columns, is summed in vectors over
the whole length of the sum.  W is kept by unit, as (O, I), so

    y = x W       runs along the rows of both factors: each vector holds one sum, in as many parts as it has lanes
    dx = dy W^T   adds rows of W, each times one number of dy: a vector holds the sums of neighbouring columns

The second needs more registers than processors with vectors of 32 bytes have.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba.core import types
from numba.extending import intrinsic

from minigan.backends.numba.pool import shared
from minigan.backends.numba.products import share
from minigan.backends.numba.vectors import BYTES, INDEX, Vectors, lanes, loop

UNITS = 4
ROWS = 6 if BYTES == 64 else 3
"""of W and of x in a tile of y = x W"""
ROWS_OF_DX, VECTORS = 5, 5
"""of dx in a tile of dx = dy W^T"""
AHEAD = 8
"""rows of W: so far ahead memory is asked for them, since they do not follow each other"""
MOST_ROWS, MOST_ROWS_OF_DX, LEAST_VECTORS = 512, 256, 8
"""of a minibatch, and of a sum: beyond these BLAS is as fast"""
MOST_TWICE = 1.2
"""columns of dx that tiles sum, the last one some of them twice, for each that there is"""


def kernel(x: np.ndarray, W: np.ndarray, along_rows: bool) -> Callable | None:
    """What multiplies a minibatch x by W: y = x W or, unless `along_rows`, dx = dy W^T; None where BLAS does."""
    number = BYTES // W.itemsize
    if not 0 < len(x) <= (MOST_ROWS if along_rows else MOST_ROWS_OF_DX) or x.shape[1] < LEAST_VECTORS * number:
        return None
    if along_rows:
        return product if len(W) >= UNITS else None
    width, columns = W.shape[1], VECTORS * number
    summed = -(-width // columns) * columns
    return product_with_transpose if BYTES == 64 and columns <= width and summed <= MOST_TWICE * width else None


def rows_from(builder, r, last, number: int) -> list:
    """The rows r, r + 1, ... as indices; the last one for those behind it."""
    rows = [builder.add(r, INDEX(i)) for i in range(number)]
    return [builder.select(builder.icmp_signed("<", row, last), row, last) for row in rows]


# ---- y = x W ---------------------------------------------------------------------------------------------------


@intrinsic
def tile_of_y(typing_context, x, r, last, W, o, width, y, units):
    """y[r + i, o + j] <- x[r + i] . W[o + j] for i < ROWS and j < UNITS; no row behind `last`

    x (B, width)   W (units, width)   y (B, units)
    """

    def codegen(context, builder, signature, values):
        x, W, y = (context.make_array(signature.args[i])(context, builder, values[i]).data for i in (0, 3, 6))
        r, last, o, width, units = (values[i] for i in (1, 2, 4, 5, 7))
        vectors = Vectors(context, builder, signature.args[0])
        rows = rows_from(builder, r, last, ROWS)
        x_rows = [builder.gep(x, [builder.mul(row, width)]) for row in rows]
        W_rows = [builder.gep(W, [builder.mul(builder.add(o, INDEX(j)), width)]) for j in range(UNITS)]

        def add_vector(step, sums, load):
            here = builder.mul(step, INDEX(vectors.lanes))
            weights = [load(builder.gep(row, [here])) for row in W_rows]
            numbers = [load(builder.gep(row, [here])) for row in x_rows]
            pairs = [(number, weight) for number in numbers for weight in weights]
            return [vectors.multiply_add(*pair, total) for pair, total in zip(pairs, sums)]

        sums = vectors.over(width, [vectors.zero] * ROWS * UNITS, add_vector)
        for i, row in enumerate(rows):
            to = builder.gep(y, [builder.add(builder.mul(row, units), o)])
            vectors.store(vectors.totals(sums[UNITS * i : UNITS * (i + 1)]), to)
        return context.get_dummy_value()

    i = types.int64
    return types.void(x, i, i, W, i, i, y, i), codegen


@shared
def product(part, parts, x, W, y):
    """y = x W      x (B, I)   W (O, I)   y (B, O), O >= UNITS: the last tile begins where it ends with y"""
    (n_rows, width), units = x.shape, y.shape[1]
    first, last = share(-(-units // UNITS), part, parts)
    for strip in range(first, last):
        o = min(strip * UNITS, units - UNITS)
        for r in range(0, n_rows, ROWS):
            tile_of_y(x, r, n_rows - 1, W, o, width, y, units)


# ---- dx = dy W^T -----------------------------------------------------------------------------------------------


@intrinsic
def tile_of_dx(typing_context, dy, r, last, units, W, c, width, dx):
    """dx[r + i, c : c + VECTORS lanes] <- sum_o dy[r + i, o] W[o, c : ...] for i < ROWS_OF_DX; no row behind `last`

    dy (B, units)   W (units, width)   dx (B, width)
    """

    def codegen(context, builder, signature, values):
        dy, W, dx = (context.make_array(signature.args[i])(context, builder, values[i]).data for i in (0, 4, 7))
        r, last, units, c, width = (values[i] for i in (1, 2, 3, 5, 6))
        vectors = Vectors(context, builder, signature.args[0])
        rows = rows_from(builder, r, last, ROWS_OF_DX)
        dy_rows = [builder.gep(dy, [builder.mul(row, units)]) for row in rows]
        columns = [INDEX(i * vectors.lanes) for i in range(VECTORS)]

        def add_unit(o, sums):
            here = builder.gep(W, [builder.add(builder.mul(o, width), c)])
            weights = [vectors.load(builder.gep(here, [column])) for column in columns]
            ahead = builder.gep(here, [builder.mul(INDEX(AHEAD), width)])
            for column in columns:
                vectors.prefetch(builder.gep(ahead, [column]))
            numbers = [vectors.splat(builder.load(builder.gep(row, [o]))) for row in dy_rows]
            pairs = [(number, weight) for number in numbers for weight in weights]
            return [vectors.multiply_add(*pair, total) for pair, total in zip(pairs, sums)]

        sums = loop(builder, INDEX(0), units, [vectors.zero] * ROWS_OF_DX * VECTORS, add_unit)
        for i, row in enumerate(rows):
            to = builder.gep(dx, [builder.add(builder.mul(row, width), c)])
            for j, column in enumerate(columns):
                vectors.store(sums[VECTORS * i + j], builder.gep(to, [column]))
        return context.get_dummy_value()

    i = types.int64
    return types.void(dy, i, i, i, W, i, i, dx), codegen


@shared
def product_with_transpose(part, parts, dy, W, dx):
    """dx = dy W^T      dy (B, O)   W (O, I)   dx (B, I), I >= VECTORS lanes: as in `product`"""
    (n_rows, units), width = dy.shape, dx.shape[1]
    columns = VECTORS * lanes(dx)
    first, last = share(-(-width // columns), part, parts)
    for strip in range(first, last):
        c = min(strip * columns, width - columns)
        for r in range(0, n_rows, ROWS_OF_DX):
            tile_of_dx(dy, r, n_rows - 1, units, W, c, width, dx)
