"""Maxout with dropout, without the work that its zeros save.

Dropout takes a unit's result whatever it was, so a unit that is dropped in a row is not computed there.  And of a kept
unit one piece won: dz = scale dy [p won and was kept] is zero everywhere but in keep / P of its entries, one in ten at
the authors' five pieces and keep = 1/2.  So products with dz are sums over the few rows, or columns, that it names.

A unit's weights are a row here: W is kept as (P O, I), row p O + o the weights of piece p of unit o.  Sums over rows
are made in their order, so the number of threads does not change them.  Scratch comes from outside, and is flat: to
Numba each array that is made, cut or shaped inside is half a second of compiling.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from minigan.backends.numba.philox import draw_kept
from minigan.backends.numba.pool import compiled, run, shared, staged
from minigan.backends.numba.products import share
from minigan.backends.numba.vectors import ROWS, lanes, prefetch, products_of_rows, weighted_rows

FORWARD_ROWS, BACKWARD_ROWS, COLUMNS = 200, 400, 128
"""of x, or of W, at once: what the second-level cache holds"""
ROOM = FORWARD_ROWS + ROWS
MOST_COLUMNS = COLUMNS + 16
"""A block takes a rest of less than a vector along."""
AHEAD = 4
"""units: so far ahead memory is asked for the weights that are updated next"""

LEAST_SPARSE, LEAST_THRIFTY, MOST_KEPT = 3.4, 4.25, 2 / 3
LEAST_ROWS, LISTS = 16, 400
"""of a minibatch; and inputs: a list costs as much as so many, whatever the length of the sums"""


def few(rows: int, inputs: int, pieces: int, keep: float) -> bool:
    """Whether so few entries of dz are not zero, one in P / keep, that sums over them cost less than dense products."""
    return rows >= LEAST_ROWS and inputs * (pieces / keep - LEAST_SPARSE) >= LISTS


def thrifty(inputs: int, pieces: int, keep: float) -> bool:
    """Whether the forward pass costs less where units that dropout takes are left out."""
    return keep <= MOST_KEPT and inputs * (pieces / keep - LEAST_THRIFTY) >= LISTS


# ---- Forward ---------------------------------------------------------------------------------------------------


def forward_scratch(parts: int, shape: tuple[int, int], pieces: int, dtype) -> tuple:
    """kept (B, O), chosen (parts 2 ROOM,), z (parts P ROOM,)"""
    sizes = shape, parts * 2 * ROOM, parts * pieces * ROOM
    return tuple(map(np.empty, sizes, (np.uint8, np.int32, dtype)))


@staged
def affine_maxout(board, parts, x, W, bias, scale, rows, draw, threshold, y, winner, kept, chosen, z):
    """y[r, o] = scale max_p (x[r] . W[p O + o] + b[p O + o]) where kept, else 0 and winner -1

    x (B, I)   W (P O, I)   y, winner (B, O)      the rest is scratch
    """
    run(board, parts, draw_masks, (kept, rows, draw, threshold))
    run(board, parts, kept_units, (x, W, bias, scale, y, winner, kept, chosen, z))


@compiled
def draw_masks(part, parts, kept, rows, draw, threshold):
    """kept (B, O) <- 1 where a unit is kept, else 0"""
    start, stop = share(kept.shape[0], part, parts)
    for r in range(start, stop):
        draw_kept(kept[r], rows[r], draw, threshold)


@compiled
def kept_units(part, parts, x, W, bias, scale, y, winner, kept, chosen, z):
    """The units of a part, over the rows in which they are kept."""
    (n_rows, width), units = x.shape, y.shape[1]
    pieces, rows = len(bias) // units, 2 * part * ROOM
    first_unit, last_unit = share(units, part, parts)
    z_at = part * pieces * ROOM
    for top in range(0, n_rows, FORWARD_ROWS):
        bottom = min(n_rows, top + FORWARD_ROWS)
        for o in range(first_unit, last_unit):
            n = 0
            for r in range(top, bottom):
                chosen[rows + n] = r
                n += kept[r, o]
                y[r, o] = 0
                winner[r, o] = -1
            products_of_rows(x, chosen, rows, n, width, W, o, units, pieces, z, z_at, ROOM)
            best, won, b = z[z_at : z_at + n], chosen[rows + ROOM : rows + ROOM + n], bias[o]
            for e in range(n):
                best[e] += b
                won[e] = 0
            for p in range(1, pieces):
                b, piece = bias[p * units + o], z[z_at + p * ROOM : z_at + p * ROOM + n]
                for e in range(n):  # both sides of a choice are there before it: so the loop vectorises
                    new, highest, winning = piece[e] + b, best[e], won[e]
                    won[e] = np.int32(p) if new > highest else winning
                    best[e] = new if new > highest or new != new else highest
            for e in range(n):
                y[chosen[rows + e], o], winner[chosen[rows + e], o] = best[e] * scale, won[e]


# ---- Backward: dx = dz W^T -------------------------------------------------------------------------------------


def columns_scratch(shape: tuple[int, int], dtype) -> tuple:
    """counts (B,), columns, values (B O,)"""
    n_rows, units = shape
    return tuple(map(np.empty, (n_rows, n_rows * units, n_rows * units), (np.int64, np.int32, dtype)))


@staged
def products_with_W(board, parts, dy, winner, scale, W, dx, counts, columns, values):
    """dx (B, I) = dz W^T, W (P O, I)      counts and on: scratch"""
    run(board, parts, list_columns, (dy, winner, scale, counts, columns, values))
    run(board, parts, sum_weights, (W, counts, columns, values, dx))


@compiled
def list_columns(part, parts, dy, winner, scale, counts, columns, values):
    """The columns of dz that are not zero, row by row, and what is there: from r O on, counts[r] of them."""
    units = dy.shape[1]
    start, stop = share(dy.shape[0], part, parts)
    for r in range(start, stop):
        n, dy_row, won = r * units, dy[r], winner[r]
        for o in range(units):
            columns[n], values[n] = won[o] * units + o, scale * dy_row[o]
            n += won[o] >= 0
        counts[r] = n - r * units


@compiled
def sum_weights(part, parts, W, counts, columns, values, dx):
    """dx[r] <- sum of dz[r, j] W[j] over the columns j that are listed, a block of dx's columns at a time"""
    n_rows, width = dx.shape
    units = len(columns) // n_rows
    left, right = share(width, part, parts)
    while left < right:
        block = right - left if right - left < COLUMNS + lanes(dx) else COLUMNS
        for r in range(n_rows):
            first, at = r * units, r * width + left
            weighted_rows(W, width, left, block, columns, values, first, first + counts[r], dx, at)
        left += block


# ---- Backward: dW = x^T dz, db = sum_B dz ----------------------------------------------------------------------


def backward_scratch(parts: int, shape: tuple[int, int], pieces: int, dtype) -> tuple:
    """starts, begins, ends (O (P + 1),), rows, values (O B,), block (parts rows columns,), sums (parts columns,)"""
    n_rows, units = shape
    slots, n = units * (pieces + 1), n_rows * units
    sizes = slots, slots, slots, n, n, parts * min(n_rows, BACKWARD_ROWS) * MOST_COLUMNS, parts * MOST_COLUMNS
    return tuple(map(np.empty, sizes, (np.int64, np.int64, np.int64, np.int32, dtype, dtype, dtype)))


@shared
def products_with_x(
    part, parts, x, dy, winner, scale, dW, db, alpha, beta, starts, begins, ends, rows, values, block, sums
):
    """dW (P O, I) <- alpha (x^T dz)^T + beta dW,  db (P O,) <- alpha sum_B dz + beta db,  of a part's units

    x is taken in blocks of rows and columns that stay in the cache, laid out one row after the other.
    starts and on: scratch
    """
    (n_rows, width), units = x.shape, dy.shape[1]
    pieces, zero, one = len(db) // units, dW.dtype.type(0), dW.dtype.type(1)
    first_unit, last_unit = share(units, part, parts)
    list_rows(dy, winner, scale, first_unit, last_unit, pieces, starts, ends, rows, values)
    for o in range(first_unit, last_unit):
        for p in range(pieces):
            total, at, piece = zero, p * units + o, o * (pieces + 1) + p
            for e in range(starts[piece], ends[piece]):
                total += values[e]
            db[at] = alpha * total + (beta * db[at] if beta != 0 else zero)
            ends[piece] = starts[piece]
    block_at, sums_at = part * min(n_rows, BACKWARD_ROWS) * MOST_COLUMNS, part * MOST_COLUMNS
    for top in range(0, n_rows, BACKWARD_ROWS):
        bottom = min(n_rows, top + BACKWARD_ROWS)
        keep = beta if top == 0 else one
        for o in range(first_unit, last_unit):
            for p in range(pieces):
                piece, stop = o * (pieces + 1) + p, starts[o * (pieces + 1) + p + 1]
                begins[piece] = ends[piece]
                while ends[piece] < stop and rows[ends[piece]] < bottom:
                    ends[piece] += 1
        left = 0
        while left < width:
            columns = width - left if width - left < COLUMNS + lanes(x) else COLUMNS
            for r in range(bottom - top):
                at, source = block_at + r * columns, x[top + r, left : left + columns]
                target = block[at : at + columns]
                for c in range(columns):
                    target[c] = source[c]
            target = sums[sums_at : sums_at + columns]
            for p in range(pieces):
                for o in range(first_unit, last_unit):
                    piece, row, from_top = o * (pieces + 1) + p, p * units + o, block_at - top * columns
                    for c in range(0, columns, 16):
                        prefetch(dW, (row + AHEAD) * width + left + c)
                    weighted_rows(
                        block, columns, from_top, columns, rows, values, begins[piece], ends[piece], sums, sums_at
                    )
                    here = dW[row, left : left + columns]
                    if keep == 0:
                        for c in range(columns):
                            here[c] = alpha * target[c]
                    else:
                        for c in range(columns):
                            here[c] = alpha * target[c] + keep * here[c]
            left += columns


@njit(inline="always")
def list_rows(dy, winner, scale, first_unit, last_unit, pieces, starts, ends, rows, values):
    """The rows in which each piece of each unit won and was kept, in their order, and dz there: a counting sort.

    Piece p of unit o has those from starts[o (P + 1) + p] to ends[...]; the last slot, of what was dropped, is written
    and passed over.
    """
    n_rows, slots = dy.shape[0], pieces + 1
    for i in range(first_unit * slots, last_unit * slots):
        ends[i] = 0
    for r in range(n_rows):
        won = winner[r]
        for o in range(first_unit, last_unit):
            ends[o * slots + (won[o] if won[o] >= 0 else pieces)] += 1
    for o in range(first_unit, last_unit):
        at = o * n_rows
        for i in range(o * slots, (o + 1) * slots):
            starts[i] = at
            at += ends[i]
            ends[i] = starts[i]
    for r in range(n_rows):
        won, dy_row = winner[r], dy[r]
        for o in range(first_unit, last_unit):
            slot = o * slots + (won[o] if won[o] >= 0 else pieces)
            at = ends[slot]
            ends[slot], rows[at], values[at] = at + 1, r, scale * dy_row[o]
