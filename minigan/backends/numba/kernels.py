"""The kernels of `numba_ops.py`, compiled by Numba: the formulas of `numpy_ops.py` as loops, one pass over memory each.

Each is a function of (part, parts, arrays) that does its part of the rows; its `shared` does all parts, on our threads
(`pool.py`).  Numbers to multiply by arrive in the arrays' dtype.
"""

from __future__ import annotations

from math import factorial

import numpy as np
from numba import literal_unroll

from minigan.backends.numba.philox import LOW, draw_kept, first_block, philox
from minigan.backends.numba.pool import compiled, shared
from minigan.backends.numba.products import share
from minigan.backends.numba.vectors import power_of_two

LOG_2_HIGH = 355 / 512
LOG_2_LOW = -2.12194440054690582767e-4
"""log 2 in two parts: a whole number times the first is not rounded."""
TAYLOR = tuple(1 / factorial(k) for k in range(14))
NEGLIGIBLE = 37.0
"""e^-37 is below half a unit in the last place of a float64 sum that begins at 1."""


# ---- Random numbers --------------------------------------------------------------------------------------------


@compiled
def uniform(rows, draw, limit, out):
    """out = limit (2 u - 1)"""
    width = out.shape[1]
    one, unit = out.dtype.type(1), out.dtype.type(2.0**-23)
    for r in range(out.shape[0]):
        for block in range((width + 3) // 4):
            words = philox(first_block(rows[r], width) + np.uint64(block), draw)
            for i in range(min(4, width - 4 * block)):
                out[r, 4 * block + i] = limit * (out.dtype.type(words[i] >> np.uint64(8)) * unit - one)


# ---- Activations -----------------------------------------------------------------------------------------------
#
# A loop over a row's own view vectorises; indexing [r, c] with a computed r may be negative to Numba, and does not.


@shared
def relu(part, parts, z, bias, out):
    """y = max(0, z + b); NaN stays NaN."""
    zero = out.dtype.type(0)
    start, stop = share(out.shape[0], part, parts)
    for r in range(start, stop):
        z_row, y_row = z[r], out[r]
        for c in range(len(y_row)):
            x = z_row[c] + bias[c]
            y_row[c] = zero if x < zero else x


@shared
def relu_backward(part, parts, dy, y, out):
    """dz = dy [y > 0]"""
    zero, one = out.dtype.type(0), out.dtype.type(1)
    start, stop = share(out.shape[0], part, parts)
    for r in range(start, stop):
        dy_row, y_row, dz_row = dy[r], y[r], out[r]
        for c in range(len(y_row)):
            dz_row[c] = dy_row[c] * (one if y_row[c] > zero else zero)


@shared
def sigmoid(part, parts, z, bias, out):
    """y = 1 / (1 + e^-(z + b))

    e^t = 2^n e^r, t = n log 2 + r, |r| <= log(2) / 2, e^r by Taylor's series to r^13: this vectorises, a call does not.
    Beyond the smallest normal number e^t is that number, beyond the largest infinity.
    """
    real, eps = out.dtype.type, np.finfo(out.dtype).eps
    one, two, whole, far = real(1), real(2), real(1.5) / real(eps), real(np.log(np.finfo(out.dtype).max) + 0.25)
    near, log2, high, low = real(2.5) - far, real(1 / np.log(2)), real(LOG_2_HIGH), real(LOG_2_LOW)
    start, stop = share(out.shape[0], part, parts)
    for row in range(start, stop):
        z_row, y_row = z[row], out[row]
        for c in range(len(y_row)):
            y_row[c] = z_row[c] + bias[c]
        for c in range(len(y_row)):  # in place: with z, which may be the same memory, this would not vectorise
            t = -y_row[c]
            t = far if t > far else t
            t = near if t < near else t
            n = (t * log2 + whole) - whole
            r = (t - n * high) - n * low
            series = real(TAYLOR[13])
            for k in literal_unroll((12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)):
                series = series * r + real(TAYLOR[k])
            y_row[c] = one / (one + series * power_of_two(n - one) * two)


@shared
def sigmoid_backward(part, parts, dy, y, out):
    """dz = dy y (1 - y)"""
    one = out.dtype.type(1)
    start, stop = share(out.shape[0], part, parts)
    for r in range(start, stop):
        dy_row, y_row, dz_row = dy[r], y[r], out[r]
        for c in range(len(y_row)):
            dz_row[c] = dy_row[c] * ((one - y_row[c]) * y_row[c])


@shared
def tanh_backward(part, parts, dy, y, out):
    """dz = dy (1 - y^2)"""
    one = out.dtype.type(1)
    start, stop = share(out.shape[0], part, parts)
    for r in range(start, stop):
        dy_row, y_row, dz_row = dy[r], y[r], out[r]
        for c in range(len(y_row)):
            dz_row[c] = dy_row[c] * (one - y_row[c] * y_row[c])


@shared
def leaky_relu(part, parts, z, bias, out, slope):
    """y = max(z + b, slope (z + b)); NaN stays NaN."""
    zero = out.dtype.type(0)
    start, stop = share(out.shape[0], part, parts)
    for r in range(start, stop):
        z_row, y_row = z[r], out[r]
        for c in range(len(y_row)):
            x = z_row[c] + bias[c]
            y_row[c] = slope * x if x < zero else x


@shared
def leaky_relu_backward(part, parts, dy, y, out, slope):
    """dz = dy ([y > 0] + slope [y <= 0])"""
    zero, one = out.dtype.type(0), out.dtype.type(1)
    start, stop = share(out.shape[0], part, parts)
    for r in range(start, stop):
        dy_row, y_row, dz_row = dy[r], y[r], out[r]
        for c in range(len(y_row)):
            dz_row[c] = dy_row[c] * (one if y_row[c] > zero else slope)


@shared
def maxout(part, parts, z, bias, out, winner, rows, draw, threshold, scale):
    """y[:, o] = max_p (z[:, p O + o] + b[p O + o]), times `scale` where kept; threshold 2^32 keeps all.

    z's first piece, done with, holds which units are kept.
    """
    width = out.shape[1]
    zero = out.dtype.type(0)
    start, stop = share(out.shape[0], part, parts)
    for r in range(start, stop):
        y, won, kept = out[r], winner[r], z[r, :width]
        for o in range(width):
            y[o] = kept[o] + bias[o]
            won[o] = 0
        for p in range(1, z.shape[1] // width):
            z_piece, b_piece = z[r, p * width : (p + 1) * width], bias[p * width : (p + 1) * width]
            for o in range(width):
                x, best, winning = z_piece[o] + b_piece[o], y[o], won[o]  # before the choices: so the loop vectorises
                won[o] = np.int8(p) if x > best else winning
                y[o] = x if x > best or x != x else best
        if threshold <= LOW:
            draw_kept(kept, rows[r], draw, threshold)
            for o in range(width):
                won[o] = won[o] if kept[o] != zero else np.int8(-1)
                y[o] = y[o] * scale if kept[o] != zero else zero


@shared
def maxout_backward(part, parts, dy, winner, scale, out):
    """dz[:, p O + o] = scale dy[:, o] [winner[:, o] = p]"""
    width = dy.shape[1]
    zero, one = out.dtype.type(0), out.dtype.type(1)
    start, stop = share(out.shape[0], part, parts)
    for r in range(start, stop):
        dy_row, won = dy[r], winner[r]
        for p in range(out.shape[1] // width):
            dz_piece = out[r, p * width : (p + 1) * width]
            for o in range(width):
                dz_piece[o] = scale * dy_row[o] * (one if won[o] == p else zero)


@shared
def dropout(part, parts, x, out, kept, rows, draw, threshold, scale):
    """y = x scale where kept, else 0"""
    zero = out.dtype.type(0)
    start, stop = share(out.shape[0], part, parts)
    for r in range(start, stop):
        x_row, y_row, kept_row = x[r], out[r], kept[r]
        draw_kept(kept_row, rows[r], draw, threshold)
        for c in range(len(y_row)):
            y_row[c] = x_row[c] * scale if kept_row[c] else zero


@shared
def dropout_backward(part, parts, dy, kept, scale, out):
    """dx = dy scale where kept, else 0"""
    zero = out.dtype.type(0)
    start, stop = share(out.shape[0], part, parts)
    for r in range(start, stop):
        dy_row, kept_row, dx_row = dy[r], kept[r], out[r]
        for c in range(len(dx_row)):
            dx_row[c] = dy_row[c] * scale if kept_row[c] else zero


# ---- Updates ---------------------------------------------------------------------------------------------------


@shared
def add(part, parts, theta, step):
    """theta <- theta + step"""
    start, stop = share(theta.shape[0], part, parts)
    theta_part, step_part = theta[start:stop], step[start:stop]
    for i in range(len(theta_part)):
        theta_part[i] += step_part[i]


@shared
def adam(part, parts, theta, gradient, first, second, numbers):
    """theta <- theta - lr (first / (1 - beta1^t)) / (sqrt(second / (1 - beta2^t)) + epsilon); `Ops.adam` has the rest.

    numbers  (lr, beta1, 1 - beta1, 1 - beta1^t, beta2, 1 - beta2, 1 - beta2^t, epsilon) in theta's dtype
    """
    lr, beta1, rest1, correction1, beta2, rest2, correction2, epsilon = numbers
    start, stop = share(theta.shape[0], part, parts)
    t, g, m, v = theta[start:stop], gradient[start:stop], first[start:stop], second[start:stop]
    for i in range(len(t)):
        m[i] = m[i] * beta1 + rest1 * g[i]
        v[i] = v[i] * beta2 + rest2 * (g[i] * g[i])
        t[i] -= m[i] / correction1 / (np.sqrt(v[i] / correction2) + epsilon) * lr


@shared
def average(part, parts, mean, theta, rate):
    """mean <- mean + rate (theta - mean)"""
    start, stop = share(theta.shape[0], part, parts)
    mean_part, theta_part = mean[start:stop], theta[start:stop]
    for i in range(len(theta_part)):
        mean_part[i] += rate * (theta_part[i] - mean_part[i])


# ---- Densities -------------------------------------------------------------------------------------------------


@shared
def log_sum_exp(part, parts, product, x_norms, s_norms, precisions, peak, total):
    """a[j] = -p max(0, x_norms + s_norms[j] - 2 product[j]), row by row; (peak, total) take it up.

    In many dimensions nearly all terms lie far below the largest; their exponentials are not taken.
    """
    zero, one, two = product.dtype.type(0), product.dtype.type(1), product.dtype.type(2)
    far = product.dtype.type(NEGLIGIBLE)
    start, stop = share(product.shape[0], part, parts)
    for i in range(start, stop):
        distance, x_norm = product[i], x_norms[i]
        for j in range(len(distance)):
            d = x_norm - two * distance[j] + s_norms[j]
            distance[j] = zero if d < zero else d
        for k in range(len(precisions)):
            p, highest, total_here = precisions[k], peak[k, i], total[k, i]
            for j in range(len(distance)):
                a = -p * distance[j]
                if a > highest:
                    total_here = total_here * np.exp(highest - a) + one
                    highest = a
                elif not a < highest - far:  # true of NaN
                    total_here += np.exp(a - highest)
            peak[k, i], total[k, i] = highest, total_here
