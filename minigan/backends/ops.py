"""The contract: every kernel that layers, losses, optimisers and Algorithm 1 call, with shapes and rules.

Rules for all of them
- Matrices are C-contiguous (rows may be a contiguous part of a larger array); B counts rows, I and O columns in and
  out.  All floating arrays of one call have one dtype, float32 or float64, unless the kernel says otherwise.
- `out` is written whole and returned.  It may be an input only where the kernel says "in place".
- alpha and beta are Python floats, fixed for ever, or arrays of shape () of a `Clock`, read when the kernel runs.
- beta = 0 means that `out` is never read (it may hold NaN).
- A shape or dtype that does not fit raises ValueError.
- No kernel allocates device memory, synchronises or reads back, except those of `Memory`.

`NumpyOps` is the definition of what each computes; the other backends are held to it, kernel by kernel.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from minigan.backends.array import Array
from minigan.backends.clock import Clock, Count, Number
from minigan.backends.memory import Memory
from minigan.rng import Draw


class ByUnit(tuple[int, int]):
    """A shape (I, O) of weights that a backend may keep by unit, (O, I) in memory (`Ops.view`)."""


class Gradients(Protocol):
    """Where the gradients of a layer go:  W <- alpha dW + beta W,  b <- alpha db + beta b"""

    W: Array
    b: Array
    alpha: Number
    beta: Number


class Ops(Memory):
    """One backend: where arrays live and what computes on them."""

    name: str
    numerics: int = 1
    """counted up where a backend rounds otherwise than in versions before: runs across it differ in their last bits"""

    @property
    @abstractmethod
    def threads(self) -> int:
        """How many CPU threads share a product: with another number sums round differently."""

    @property
    def description(self) -> str:
        """What computes, in words: "numba, 2 threads, MKL"."""
        return f"{self.name}, {self.threads} thread{'s' * (self.threads > 1)}"

    @abstractmethod
    def session(self) -> AbstractContextManager[None]:
        """A stretch of work: the backend takes hold of what it needs (threads, a device) and lets go at its end.

        Kernels called outside of one compute the same, perhaps more slowly.
        """

    def compiling(self, say: Callable[[], None]) -> AbstractContextManager[None]:
        """While it is open: `say` is called once, when a kernel is not found on disk and begins to be compiled."""
        return nullcontext()

    def recorded(self, iterate: Callable[[], None]) -> Callable[[], None]:
        """A call that does what `iterate` does, as often as it is called: a GPU records its kernels and replays them.

        `iterate` calls the same kernels on the same arrays each time, and of those of `Memory` only `copy` and
        `tick`; what differs from iteration to iteration it reads from a clock.
        """
        return iterate

    # ---- Products ----------------------------------------------------------------------------------------------

    @abstractmethod
    def gemm(
        self, a: Array, b: Array, out: Array,
        trans_a: bool = False, trans_b: bool = False, alpha: Number = 1.0, beta: Number = 0.0,
    ) -> Array:  # fmt: skip
        """out (M, N) <- alpha op(a) (M, K) op(b) (K, N) + beta out, where op transposes if asked."""

    @abstractmethod
    def affine(self, x: Array, W: Array, b: Array, out: Array) -> Array:
        """y (B, O) = x (B, I) W (I, O) + b (O,)"""

    @abstractmethod
    def colsum(self, a: Array, out: Array, alpha: Number = 1.0, beta: Number = 0.0) -> Array:
        """out (O,) <- alpha sum_B a (B, O) + beta out"""

    # ---- Activations -------------------------------------------------------------------------------------------

    @abstractmethod
    def activation(
        self, name: str, z: Array, out: Array, bias: Array | None = None, numbers: tuple[float, ...] = ()
    ) -> Array:
        """y = f(z + b), f the one of `minigan.layers.activations` with this name, of these numbers.

        z, out (B, O), b (O,) or None.  In place allowed.
        """

    @abstractmethod
    def activation_backward(self, name: str, dy: Array, y: Array, out: Array, numbers: tuple[float, ...] = ()) -> Array:
        """dz = dy f'(z), told by y = f(z).  All (B, O).  At a kink, y = 0, the slope is that below.  In place in dy
        allowed.
        """

    @abstractmethod
    def maxout(self, z: Array, bias: Array, keep: float, draw: Draw | None, out: Array, winner: Array) -> Array:
        """y[:, o] = max_p (z[:, p O + o] + b[p O + o]), then dropout.      (Goodfellow et al. 2013, eq. 1)

        z (B, P O)   bias (P O,)   out (B, O)   winner (B, O) int8
        winner is the piece that won, the lowest of a tie; -1 where dropout removed the unit.  With `draw` None or
        keep = 1 nothing is dropped and nothing is drawn; otherwise kept units are multiplied by 1 / keep.  z is
        scratch: afterwards it may hold anything.
        """

    @abstractmethod
    def maxout_backward(self, dy: Array, winner: Array, scale: float, out: Array) -> Array:
        """dz[:, p O + o] = scale dy[:, o] [winner[:, o] = p].  dy (B, O), winner (B, O) int8, out (B, P O)
        scale is 1 / keep where the forward dropped units, else 1.
        """

    def affine_maxout(
        self, x: Array, W: Array, b: Array, keep: float, draw: Draw | None, z: Array, out: Array, winner: Array
    ) -> Array:
        """y = maxout(x W + b), then dropout: `gemm` into z, and `maxout`.      x (B, I)   W (I, P O)"""
        return self.maxout(self.gemm(x, W, out=z), b, keep, draw, out, winner)

    def affine_maxout_backward(
        self, dy: Array, winner: Array, scale: float, x: Array, W: Array, dz: Array,
        grads: Gradients | None = None, dx: Array | None = None,
    ) -> Array | None:  # fmt: skip
        """dz (B, P O) as by `maxout_backward`; with `grads` dW = x^T dz and db = sum_B dz, as those say; with `dx`
        (B, I) dx = dz W^T, which is returned.      dz is scratch.
        """
        self.maxout_backward(dy, winner, scale, out=dz)
        if grads is not None:
            self.gemm(x, dz, out=grads.W, trans_a=True, alpha=grads.alpha, beta=grads.beta)
            self.colsum(dz, out=grads.b, alpha=grads.alpha, beta=grads.beta)
        return None if dx is None else self.gemm(dz, W, out=dx, trans_b=True)

    @abstractmethod
    def dropout(self, x: Array, keep: float, draw: Draw, out: Array, kept: Array) -> Array:
        """y = x / keep where the unit is kept, else 0.  x, out (B, I); kept (B, I) uint8, 1 where kept.  keep < 1"""

    @abstractmethod
    def dropout_backward(self, dy: Array, kept: Array, keep: float, out: Array) -> Array:
        """dx = dy kept / keep.  dy, out (B, I); kept (B, I) uint8.  In place allowed."""

    # ---- Loss --------------------------------------------------------------------------------------------------

    @abstractmethod
    def loss_backward(self, name: str, logits: Array, ones: int, scale: float, out: Array) -> Array:
        """dlogits = scale dh(t, l)/dl, h the one of `minigan.game.losses` with this name.

        logits, out (B, 1); the target t is 1 in the first `ones` rows, 0 in the others.
        """

    @abstractmethod
    def residual(self, y: Array, target: Array, scale: float, out: Array) -> Array:
        """dy = scale (y - target), the derivative of  scale |y - target|^2 / 2.  All (B, O).  In place in y allowed."""

    # ---- Updates -----------------------------------------------------------------------------------------------

    @abstractmethod
    def add(self, theta: Array, step: Array) -> Array:
        """theta <- theta + step, both (n,)"""

    @abstractmethod
    def adam(
        self, theta: Array, gradient: Array, first: Array, second: Array,
        count: Count, clock: Clock, beta1: float, beta2: float, epsilon: float,
    ) -> Array:  # fmt: skip
        """Adam (Kingma and Ba 2015, algorithm 1), in place.  theta, gradient, first, second (n,); t = count + 1

        first <- beta1 first + (1 - beta1) g           second <- beta2 second + (1 - beta2) g^2
        theta <- theta - lr (first / (1 - beta1^t)) / (sqrt(second / (1 - beta2^t)) + epsilon)
        """

    @abstractmethod
    def average(self, mean: Array, theta: Array, count: Count, horizon: int, eta: float) -> Array:
        """mean <- mean + r (theta - mean), both (n,), with r = max(1 / horizon, (1 + eta) / (count + 1 + eta))

        Polynomial-decay averaging (Shamir and Zhang 2013): the t-th theta counts about t^eta in the mean, every one
        alike with eta = 0, exactly t with eta = 1.  After some (1 + eta) horizon updates it is an exponential mean over
        `horizon`.
        """

    @abstractmethod
    def limit_column_norms(self, W: Array, limit: float) -> Array:
        """W[:, o] <- W[:, o] min(1, limit / |W[:, o]|), in place, for every column of W (I, O)."""

    # ---- Data and noise ----------------------------------------------------------------------------------------

    @abstractmethod
    def gather(
        self, examples: Array, order: Array, count: Count, batch_size: int, rows: Array,
        scale: Array | None, shift: Array | None, out: Array,
    ) -> Array:  # fmt: skip
        """Minibatch number `count`:  out[j] = scale[i] examples[i] + shift[i],
        i = order[epoch mod 2, batch m + rows[j]]

        examples (N, F) uint8, float32 or float64; order (2, N) int32: the permutations of an epoch and its neighbour;
        m = batch_size, the global one; rows (B,) uint32, the global number of each local row; out (B, F).
        scale, shift (N,) of out's dtype, or None for 1 and 0.  With n = N div m batches an epoch,
        epoch = count div n and batch = count mod n.
        """

    @abstractmethod
    def beside(self, left: Array, right: Array, out: Array) -> Array:
        """out (B, n + C) <- [left; right], row by row: left (B, n), right (B, C)"""

    @abstractmethod
    def leading(self, a: Array, out: Array) -> Array:
        """out (B, n) <- the first n columns of a (B, n + C)"""

    @abstractmethod
    def uniform(self, draw: Draw, limit: float, out: Array) -> Array:
        """out (B, n) = limit * (2 u - 1), u as `minigan.rng.unit_uniform`: uniform on [-limit, limit)."""

    @abstractmethod
    def normal(self, draw: Draw, out: Array) -> Array:
        """out (B, n) ~ N(0, 1), as `minigan.rng.standard_normal`, computed in float64 and rounded."""

    @abstractmethod
    def spherical(self, draw: Draw, out: Array) -> Array:
        """out (B, n): rows of N(0, 1) divided by max(1e-7, their length), so points of the unit sphere."""

    @abstractmethod
    def mixture(self, modes: Draw, noise: Draw, centres: Array, deviation: float, out: Array) -> Array:
        """out (B, n) = centres[floor(u K)] + deviation * N(0, 1); centres (K, n) of out's dtype, u one uniform a row"""

    # ---- Densities ---------------------------------------------------------------------------------------------

    @abstractmethod
    def log_sum_exp(
        self, product: Array, x_norms: Array, s_norms: Array, precisions: Array, peak: Array, total: Array
    ) -> Array:
        """One tile of a streaming log-sum-exp over Gaussians: for each of K precisions p,

            a[k, i, j] = -p_k |x_i - s_j|^2,    |x_i - s_j|^2 = max(0, x_norms[i] + s_norms[j] - 2 product[i, j])

        and (peak, total) are updated in place, so that  log sum_j exp(a[k, i, j]) = peak[k, i] + log total[k, i]  over
        all tiles of samples so far; they begin at (-inf, 0).

        product (B, n), overwritten   x_norms (B,), s_norms (n,) squared norms   precisions (K,)   peak, total (K, B)
        Terms below e^-37 of the largest may be left out: they are below a float64 sum's rounding.  Returns total.
        """
