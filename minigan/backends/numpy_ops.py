"""The readable truth: every kernel of the contract as plain NumPy.  Shapes and rules are in `ops.py`."""

from __future__ import annotations

from functools import cache
from threading import local

import numpy as np

from minigan import rng
from minigan.backends import checks
from minigan.backends.blas_threads import SESSIONS, loaded_blas, numpys_blas
from minigan.backends.numpy_memory import NumpyMemory


class Scratch(local):
    """Memory for one kernel at a time: each Python thread has its own."""

    def __init__(self):
        self.empty = cache(np.empty)


class NumpyOps(NumpyMemory):
    name = "numpy"

    def __init__(self, threads: int | None = None):
        """`threads` for the products, None for what NumPy's BLAS has now."""
        self._scratch = Scratch()
        self._threads = threads or max((pool["num_threads"] for pool in loaded_blas().info()), default=1)

    @property
    def threads(self):
        return self._threads

    @property
    def description(self):
        return f"{super().description}, {self._blas_name}"

    @property
    def _blas_name(self):
        return numpys_blas()

    def session(self):
        return SESSIONS.limited(self._threads)

    # ---- Products ----------------------------------------------------------------------------------------------

    def gemm(self, a, b, out, trans_a=False, trans_b=False, alpha=1.0, beta=0.0):
        checks.product(a, b, out, trans_a, trans_b)
        a, b, alpha, beta = a.T if trans_a else a, b.T if trans_b else b, float(alpha), float(beta)
        if beta == 0:
            np.matmul(a, b, out=out)
            if alpha != 1:
                out *= alpha
        else:
            out *= beta
            out += np.matmul(a, alpha * b, out=self._scratch.empty(out.shape, out.dtype))
        return out

    def affine(self, x, W, b, out):
        checks.product(x, W, out, False, False)
        checks.shaped("affine: bias", b, W.shape[1:], W.dtype)
        np.matmul(x, W, out=out)
        out += b
        return out

    def colsum(self, a, out, alpha=1.0, beta=0.0):
        checks.summed(a, out)
        total = np.sum(a, axis=0)
        total *= float(alpha)
        if beta == 0:
            out[...] = total
        else:
            out *= float(beta)
            out += total
        return out

    # ---- Activations -------------------------------------------------------------------------------------------

    def activation(self, name, z, out, bias=None, numbers=()):
        checks.biased(name, z, out, bias)
        return getattr(self, name)(z if bias is None else np.add(z, bias, out=out), out, *numbers)

    def activation_backward(self, name, dy, y, out, numbers=()):
        checks.matrices(f"{name}_backward", dy, y, out)
        return getattr(self, f"{name}_backward")(dy, y, out, *numbers)

    def relu(self, z, out):
        return np.maximum(z, 0, out=out)

    def relu_backward(self, dy, y, out):
        return np.multiply(dy, y > 0, out=out)

    def sigmoid(self, z, out):
        np.negative(z, out=out)
        with np.errstate(over="ignore"):
            np.exp(out, out=out)
        out += 1
        return np.reciprocal(out, out=out)

    def sigmoid_backward(self, dy, y, out):
        slope = 1 - y
        slope *= y
        return np.multiply(dy, slope, out=out)

    def tanh(self, z, out):
        return np.tanh(z, out=out)

    def tanh_backward(self, dy, y, out):
        return np.multiply(dy, 1 - y * y, out=out)

    def leaky_relu(self, z, out, slope):
        return np.maximum(z, z.dtype.type(slope) * z, out=out)

    def leaky_relu_backward(self, dy, y, out, slope):
        return np.multiply(dy, np.where(y > 0, y.dtype.type(1), y.dtype.type(slope)), out=out)

    def maxout(self, z, bias, keep, draw, out, winner):
        n_pieces = checks.pieces("maxout", z, out, winner)
        checks.shaped("maxout: bias", bias, z.shape[1:], z.dtype)
        dropping = draw is not None and keep < 1
        if dropping:
            checks.drawn("maxout", draw, out)
        z += bias
        piece = z.reshape(len(z), n_pieces, out.shape[1])
        out[...] = piece[:, 0]
        winner[...] = 0
        for p in range(1, n_pieces):
            np.copyto(winner, p, where=piece[:, p] > out)
            np.maximum(out, piece[:, p], out=out)
        if dropping:
            kept = self._kept(draw, keep, out.shape[1])
            np.copyto(winner, -1, where=~kept)
            out *= reciprocal(keep, out.dtype)
            np.copyto(out, 0, where=~kept)
        return out

    def maxout_backward(self, dy, winner, scale, out):
        n_pieces = checks.pieces("maxout_backward", out, dy, winner)
        dy = dy * out.dtype.type(scale)
        dpiece = out.reshape(len(out), n_pieces, dy.shape[1])
        for p in range(n_pieces):
            np.multiply(dy, winner == p, out=dpiece[:, p])
        return out

    def dropout(self, x, keep, draw, out, kept):
        checks.matrices("dropout", x, out)
        checks.shaped("dropout: kept", kept, x.shape, "uint8")
        checks.drawn("dropout", draw, out)
        kept[...] = self._kept(draw, keep, x.shape[1])
        np.multiply(x, reciprocal(keep, x.dtype), out=out)
        np.copyto(out, 0, where=kept == 0)
        return out

    def dropout_backward(self, dy, kept, keep, out):
        checks.matrices("dropout_backward", dy, out)
        checks.shaped("dropout_backward: kept", kept, dy.shape, "uint8")
        np.multiply(dy, reciprocal(keep, dy.dtype), out=out)
        np.copyto(out, 0, where=kept == 0)
        return out

    @staticmethod
    def _kept(draw, keep, width):
        return rng.words(draw, width) < rng.keep_threshold(keep)

    # ---- Loss --------------------------------------------------------------------------------------------------

    def loss_backward(self, name, logits, ones, scale, out):
        checks.matrices(f"{name}_backward", logits, out)
        return getattr(self, f"{name}_backward")(logits, ones, scale, out)

    def cross_entropy_backward(self, logits, ones, scale, out):
        self.sigmoid(logits, out)
        out[:ones] -= 1
        out *= out.dtype.type(scale)
        return out

    def least_squares_backward(self, logits, ones, scale, out):
        np.copyto(out, logits)
        out[:ones] -= 1
        out *= out.dtype.type(scale)
        return out

    def residual(self, y, target, scale, out):
        checks.matrices("residual", y, target, out)
        np.subtract(y, target, out=out)
        out *= out.dtype.type(scale)
        return out

    # ---- Updates -----------------------------------------------------------------------------------------------

    def add(self, theta, step):
        checks.alike("add", theta, step)
        theta += step
        return theta

    def adam(self, theta, gradient, first, second, count, clock, beta1, beta2, epsilon):
        checks.alike("adam", theta, gradient, first, second)
        t = int(count) + 1
        first *= beta1
        first += (1 - beta1) * gradient
        second *= beta2
        second += (1 - beta2) * gradient**2
        step = np.sqrt(second / (1 - beta2**t))
        step += epsilon
        np.divide(first / (1 - beta1**t), step, out=step)
        step *= float(clock.lr)
        theta -= step
        return theta

    def average(self, mean, theta, count, horizon, eta):
        checks.alike("average", mean, theta)
        step = theta - mean
        step *= averaging_rate(int(count), horizon, eta)
        mean += step
        return mean

    def limit_column_norms(self, W, limit):
        checks.matrix("limit_column_norms", W)
        norms = np.sqrt(np.sum(W.astype(np.float64) ** 2, axis=0))
        W *= np.minimum(1, limit / np.maximum(norms, limit)).astype(W.dtype)
        return W

    # ---- Data and noise ----------------------------------------------------------------------------------------

    def gather(self, examples, order, count, batch_size, rows, scale, shift, out):
        checks.minibatch(examples, order, batch_size, rows, scale, shift, out)
        epoch, batch = divmod(int(count), len(examples) // batch_size)
        chosen = order[epoch % 2, batch * batch_size + rows]
        np.copyto(out, examples[chosen])
        if scale is not None:
            out *= scale[chosen, None]
        if shift is not None:
            out += shift[chosen, None]
        return out

    def beside(self, left, right, out):
        checks.beside(left, right, out)
        return np.concatenate([left, right], axis=1, out=out)

    def leading(self, a, out):
        checks.leading(a, out)
        np.copyto(out, a[:, : out.shape[1]])
        return out

    def uniform(self, draw, limit, out):
        checks.drawn("uniform", draw, out)
        u = rng.unit_uniform(rng.words(draw, out.shape[1]), out.dtype)
        return np.multiply(2 * u - 1, out.dtype.type(limit), out=out)

    def normal(self, draw, out):
        checks.drawn("normal", draw, out)
        out[...] = standard_normal(draw, out.shape[1])
        return out

    def spherical(self, draw, out):
        checks.drawn("spherical", draw, out)
        z = standard_normal(draw, out.shape[1])
        out[...] = z / np.maximum(1e-7, np.sqrt(np.sum(z**2, axis=1, keepdims=True)))
        return out

    def mixture(self, modes, noise, centres, deviation, out):
        checks.drawn("mixture", modes, out)
        checks.drawn("mixture", noise, out)
        checks.shaped("mixture: centres", centres, (len(centres), out.shape[1]), out.dtype)
        u = rng.unit_uniform(rng.words(modes, 1)[:, 0])
        mode = (u * len(centres)).astype(np.intp)
        out[...] = centres[mode] + deviation * standard_normal(noise, out.shape[1])
        return out

    # ---- Densities ---------------------------------------------------------------------------------------------

    def log_sum_exp(self, product, x_norms, s_norms, precisions, peak, total):
        checks.gaussians(product, x_norms, s_norms, precisions, peak, total)
        distance = np.multiply(product, -2, out=product)
        distance += x_norms[:, None]
        distance += s_norms
        np.maximum(distance, 0, out=distance)
        nearest = distance.min(axis=1)
        for k, p in enumerate(precisions):
            higher = np.maximum(peak[k], -p * nearest)
            total[k] *= np.exp(peak[k] - higher)
            total[k] += np.exp(-p * distance - higher[:, None]).sum(axis=1)
            peak[k] = higher
        return total


def averaging_rate(count: int, horizon: int, eta: float) -> float:
    """r of  mean <- mean + r (theta - mean)  after `count` updates before this one."""
    return max(1 / horizon, (1 + eta) / (count + 1 + eta))


def reciprocal(keep: float, dtype):
    """1 / keep in the arrays' dtype."""
    return np.dtype(dtype).type(1 / keep)


def standard_normal(draw, width: int):
    """(B, width) float64 values of N(0, 1); an odd width drops the last pair's sine."""
    return rng.standard_normal(rng.words(draw, width + width % 2))[:, :width]
