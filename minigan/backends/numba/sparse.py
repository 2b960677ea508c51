"""Maxout with dropout, without the work that its zeros save.

Dropout takes a unit's result whatever it was, so a unit that is dropped in a row is not computed there.  And of a kept
unit one piece won: dz = scale dy [p won and was kept] is zero everywhere but in keep / P of its entries, one in ten at
the authors' five pieces and keep = 1/2.  So products with dz are sums over the few rows, or columns, that it names.

A unit's weights are a row here: W is kept as (P O, I), row p O + o the weights of piece p of unit o, and x as (B, I).
Arrays are flat.  Sums over rows are made in their order, so the number of threads does not change them.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from minigan.backends.numba.philox import draw_kept
from minigan.backends.numba.pool import compiled, run, shared, staged
from minigan.backends.numba.products import share
from minigan.backends.numba.vectors import lanes, products_of_rows, weighted_rows

FORWARD_ROWS, BACKWARD_ROWS = 200, 400
"""of x at once: what the second-level cache holds"""
COLUMNS = 128
"""of x or W at once, in bytes / 4"""

# ---- Forward ---------------------------------------------------------------------------------------------------


@compiled
def draw_masks(part, parts, kept, rows, draw, threshold):
    """kept (B, O) <- 1 where a unit is kept, else 0"""
    start, stop = share(kept.shape[0], part, parts)
    for r in range(start, stop):
        draw_kept(kept[r], rows[r], draw, threshold)


@compiled
def kept_units(part, parts, x, W, bias, scale, kept, y, winner):
    """y[r, o] = scale max_p (x[r] . W[p O + o] + b[p O + o]) where kept, else 0 and winner -1"""
    (n_rows, width), units = kept.shape[:1] + (x.size // kept.shape[0],), kept.shape[1]
    pieces, room = bias.size // units, FORWARD_ROWS + 4
    first_unit, last_unit = share(units, part, parts)
    z, won, rows = np.empty(pieces * room, x.dtype), np.empty(room, np.int32), np.empty(room, np.int32)
    for top in range(0, n_rows, FORWARD_ROWS):
        bottom = min(n_rows, top + FORWARD_ROWS)
        for o in range(first_unit, last_unit):
            n = 0
            for r in range(top, bottom):
                rows[n] = r
                n += np.int64(kept[r, o])
            if n > 0:
                products_of_rows(x, rows, n, width, W, o, units, pieces, z, room)
            largest(z, room, bias[o::units], n, won)
            for r in range(top, bottom):
                y[r, o], winner[r, o] = 0, -1
            for e in range(n):
                y[rows[e], o], winner[rows[e], o] = z[e] * scale, np.int8(won[e])


@njit(inline="always")
def largest(z, room, bias, n, won):
    """z[e] <- max_p (z[p room + e] + b_p) and won[e] its piece, the lowest of a tie; NaN wins over numbers."""
    best = z[:n]
    for e in range(n):
        best[e] += bias[0]
        won[e] = 0
    for p in range(1, len(bias)):
        piece, b = z[p * room : p * room + n], bias[p]
        for e in range(n):
            x, so_far, winner = piece[e] + b, best[e], won[e]
            won[e] = np.int32(p) if x > so_far else winner
            best[e] = x if x > so_far or x != x else so_far


@staged
def affine_maxout(board, parts, x, W, bias, scale, rows, draw, threshold, y, winner):
    """y (B, O), winner (B, O) of x (B I,), W (P O I,)"""
    kept = np.empty(y.shape, np.uint8)
    run(board, parts, draw_masks, (kept, rows, draw, threshold))
    run(board, parts, kept_units, (x, W, bias, scale, kept, y, winner))


# ---- Backward: dx = dz W^T -------------------------------------------------------------------------------------


@compiled
def list_columns(part, parts, dy, winner, scale, counts, columns, values):
    """The columns of dz that are not zero, row by row, and what is there.

    counts (B,)   columns, values (B O,), O of them for each row, counts[r] in use
    """
    units = dy.shape[1]
    start, stop = share(dy.shape[0], part, parts)
    for r in range(start, stop):
        n, dy_row, won = r * units, dy[r], winner[r]
        for o in range(units):
            columns[n], values[n] = np.int32(won[o]) * np.int32(units) + np.int32(o), scale * dy_row[o]
            n += np.int64(won[o] >= 0)
        counts[r] = n - r * units


@compiled
def sum_weights(part, parts, W, counts, columns, values, dx):
    """dx[r] (I,) <- sum of dz[r, j] W[j] over the columns j that are listed, a block of dx's columns at a time"""
    n_rows, width, units = dx.shape[0], dx.shape[1], len(columns) // dx.shape[0]
    left, right = share(width, part, parts)
    flat = dx.reshape(-1)
    while left < right:
        block = right - left if right - left < COLUMNS + lanes(dx) else COLUMNS
        for r in range(n_rows):
            first = r * units
            weighted_rows(W, width, left, block, columns, values, first, first + counts[r], flat, r * width + left)
        left += block


@staged
def products_with_W(board, parts, dy, winner, scale, W, dx):
    """dx (B, I) = dz W^T, of W (P O I,)"""
    counts, columns = np.empty(dy.shape[0], np.int64), np.empty(dy.size, np.int32)
    values = np.empty(dy.size, dy.dtype)
    run(board, parts, list_columns, (dy, winner, scale, counts, columns, values))
    run(board, parts, sum_weights, (W, counts, columns, values, dx))


# ---- Backward: dW = x^T dz, db = sum_B dz ----------------------------------------------------------------------


@njit(inline="always")
def list_rows(dy, winner, scale, first_unit, last_unit, pieces, starts, rows, values):
    """The rows in which each piece of each unit won and was kept, in their order, and dz there: a counting sort.

    starts (units here, P + 1)   rows, values (units here, B): piece p's from starts[i, p] to starts[i, p + 1]
    """
    n_rows, n = dy.shape[0], last_unit - first_unit
    starts[:, :] = 0
    next_slot = np.zeros(
        (n, pieces + 1), np.int64
    )  # -1, of what was dropped, is the last slot: written and passed over
    for r in range(n_rows):
        won = winner[r, first_unit:last_unit]
        for i in range(n):
            next_slot[i, won[i]] += 1
    for i in range(n):
        at = 0
        for p in range(pieces + 1):
            starts[i, p] = at
            at += next_slot[i, p]
            next_slot[i, p] = starts[i, p]
    for r in range(n_rows):
        won, dy_row = winner[r, first_unit:last_unit], dy[r, first_unit:last_unit]
        for i in range(n):
            at = next_slot[i, won[i]]
            next_slot[i, won[i]] = at + 1
            rows[i, at], values[i, at] = r, scale * dy_row[i]


@njit(inline="always")
def ends_of_block(here, starts, rows, bottom):
    """For each list, from here[i, p] on: where the rows below `bottom` end."""
    until = here.copy()
    for i in range(here.shape[0]):
        for p in range(here.shape[1]):
            while until[i, p] < starts[i, p + 1] and rows[i, until[i, p]] < bottom:
                until[i, p] += 1
    return until


@shared
def products_with_x(part, parts, x, dy, winner, scale, dW, db, alpha, beta):
    """dW[p O + o] <- alpha sum of dz[r, p O + o] x[r] over the rows listed + beta dW[p O + o], and db likewise.

    x is taken in blocks of rows and columns that stay in the cache, laid out one row after the other.
    """
    (n_rows, units), pieces, real = dy.shape, len(db) // dy.shape[1], dy.dtype.type
    width = x.size // n_rows
    first_unit, last_unit = share(units, part, parts)
    n = last_unit - first_unit
    starts = np.empty((n, pieces + 1), np.int64)
    rows, values = np.empty((n, n_rows), np.int32), np.empty((n, n_rows), dy.dtype)
    list_rows(dy, winner, scale, first_unit, last_unit, pieces, starts, rows, values)
    for i in range(n):
        for p in range(pieces):
            total, at = real(0), p * units + first_unit + i
            for e in range(starts[i, p], starts[i, p + 1]):
                total += values[i, e]
            db[at] = alpha * total + (beta * db[at] if beta != 0 else real(0))
    block = np.empty(min(n_rows, BACKWARD_ROWS) * min(width, COLUMNS + lanes(x)), x.dtype)
    sums = np.empty(COLUMNS + lanes(x), x.dtype)
    here = np.zeros((n, pieces), np.int64)
    for i in range(n):
        here[i] = starts[i, :pieces]
    for top in range(0, n_rows, BACKWARD_ROWS):
        bottom = min(n_rows, top + BACKWARD_ROWS)
        until = ends_of_block(here, starts, rows, bottom)
        keep = beta if top == 0 else real(1)
        left = 0
        while left < width:
            columns = width - left if width - left < COLUMNS + lanes(x) else COLUMNS
            for r in range(top, bottom):
                source = x[r * width + left : r * width + left + columns]
                target = block[(r - top) * columns : (r - top + 1) * columns]
                for c in range(columns):
                    target[c] = source[c]
            for p in range(pieces):
                for i in range(n):
                    weighted_rows(
                        block, columns, -top * columns, columns, rows[i], values[i], here[i, p], until[i, p], sums, 0
                    )
                    at = (p * units + first_unit + i) * width + left
                    target = dW[at : at + columns]
                    if keep == 0:
                        for c in range(columns):
                            target[c] = alpha * sums[c]
                    else:
                        for c in range(columns):
                            target[c] = alpha * sums[c] + keep * target[c]
            left += columns
        here = until
