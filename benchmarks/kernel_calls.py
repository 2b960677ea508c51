"""The kernels of the Ops contract at the MNIST recipe's shapes, as calls to time: what `kernels.py` measures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any

import numpy as np

from benchmarks.peers.ours import generator
from benchmarks.peers.recipe import MNIST, Product, products
from minigan.backends import Ops
from minigan.backends.clock import Count
from minigan.game.schedules import ExponentialDecay, LinearRamp
from minigan.layers.params import Params
from minigan.rng import Draw, Stream, permutation

EXAMPLES = 50_000


@dataclass(frozen=True)
class Kernel:
    """A call  ops.name(**arguments)  to time, and what its formula moves and computes.

    shape          of the output, or M x N x K
    reads, writes  the names of arguments that are
    flop           operations and elementary functions
    part           {argument: the share of it that one call reads}, where that is not all
    per_iteration  how often one iteration calls it; for products only
    """

    ops: Ops
    name: str
    arguments: dict[str, Any]
    shape: str
    reads: list[str]
    writes: list[str]
    flop: int
    label: str = ""
    part: dict[str, float] = field(default_factory=dict)
    per_iteration: int | None = None

    def call(self) -> None:
        kind, backward = "loss" if "logits" in self.arguments else "activation", self.name.endswith("_backward")
        of_kind = f"{kind}{'_backward' * backward}"
        getattr(self.ops, of_kind if "name" in self.arguments else self.name)(**self.arguments)

    def bytes(self, names: list[str]) -> int:
        return sum(round(self.arguments[name].nbytes * self.part.get(name, 1)) for name in names)

    @property
    def moved(self) -> int:
        """Bytes read and bytes written."""
        return self.bytes(self.reads + self.writes)

    @property
    def footprint(self) -> int:
        """Bytes of memory, an array that is read and written counted once."""
        return self.bytes(list({id(self.arguments[name]): name for name in self.reads + self.writes}.values()))


class EachTime:
    """A count that goes up by one whenever it is read."""

    def __init__(self):
        self.number = -1

    def __int__(self) -> int:
        self.number += 1
        return self.number


class Bench:
    """The kernels of one backend in one dtype, with the arrays that they work on."""

    def __init__(self, ops: Ops, dtype: str):
        self.ops, self.dtype, self.rng = ops, np.dtype(dtype), np.random.default_rng(0)
        momentum = LinearRamp(MNIST.momentum, MNIST.momentum, epochs=1, iterations_per_epoch=1)
        self.clock = ops.clock(ExponentialDecay(MNIST.lr, MNIST.decay), momentum)
        self.into_velocity = {"alpha": self.clock.minus_lr, "beta": self.clock.momentum}

    def kernels(self) -> list[Kernel]:
        """All of the contract's."""
        distinct = Counter(p._replace(a="", b="", out="") for p in products(MNIST))
        gemms = [replace(self.gemm(p), per_iteration=calls) for p, calls in distinct.items()]
        return gemms + self.on_generator() + self.on_discriminator() + self.on_parameters() + self.draws()

    def gemm(self, p: Product) -> Kernel:
        """A product; one with beta is a weight gradient and goes into its velocity, as in training."""
        a = self.normal(p.K, p.M) if p.trans_a else self.normal(p.M, p.K)
        b = self.normal(p.N, p.K) if p.trans_b else self.normal(p.K, p.N)
        arguments = {"a": a, "b": b, "out": self.zeros(p.M, p.N), "trans_a": p.trans_a, "trans_b": p.trans_b}
        shape, work = f"{p.M} x {p.N} x {p.K}", 2 * p.M * p.N * p.K
        label = f"{'aT' if p.trans_a else 'a'} {'bT' if p.trans_b else 'b'}"
        if p.beta == 0:
            return Kernel(self.ops, "gemm", arguments, shape, ["a", "b"], ["out"], work, label)
        arguments |= self.into_velocity
        return Kernel(self.ops, "gemm", arguments, shape, ["a", "b", "out"], ["out"], work, f"{label} + beta out")

    def on_generator(self) -> list[Kernel]:
        """G's hidden layers h and pixels x; forward in place, as the layers are.

        Biases are zero, here and below, so that a call finds what the call before it found.
        """
        kernel, m, n_h, n_x = self.kernel, MNIST.batch_size, MNIST.g_widths[0], MNIST.features
        h, dh, dz_h, b_h = self.normal(m, n_h), self.normal(m, n_h), self.zeros(m, n_h), self.zeros(n_h)
        x, dx, dz_x, b_x = self.normal(m, n_x), self.normal(m, n_x), self.zeros(m, n_x), self.zeros(n_x)
        return [
            kernel("relu", "z bias", "out", 2 * h.size, name="relu", z=h, bias=b_h, out=h),
            kernel("relu_backward", "dy y", "out", h.size, name="relu", dy=dh, y=h, out=dz_h),
            kernel("sigmoid", "z bias", "out", 5 * x.size, name="sigmoid", z=x, bias=b_x, out=x),
            kernel("sigmoid_backward", "dy y", "out", 3 * x.size, name="sigmoid", dy=dx, y=x, out=dz_x),
        ]

    def on_discriminator(self) -> list[Kernel]:
        """D's 2m rows x, its maxout units y with their pieces z, and its logits."""
        kernel, rows, n_y = self.kernel, 2 * MNIST.batch_size, MNIST.d_widths[0]
        n_x, n_z, keep_x, keep_y = MNIST.features, MNIST.d_pieces * n_y, MNIST.keep_input, MNIST.keep_hidden
        x, dropped, kept = self.normal(rows, n_x), self.zeros(rows, n_x), self.zeros(rows, n_x, dtype="uint8")
        z, dz, b_z, db = self.normal(rows, n_z), self.normal(rows, n_z), self.zeros(n_z), self.zeros(n_z)
        y, dy, winner = self.zeros(rows, n_y), self.normal(rows, n_y), self.zeros(rows, n_y, dtype="int8")
        W, b, logits = self.normal(n_y, 1), self.zeros(1), self.zeros(rows, 1)
        dlogits, draw = self.zeros(rows, 1), self.draw(Stream.DROPOUT_DISCRIMINATOR, rows)
        pieces, dropout = {"z": z, "bias": b_z, "keep": keep_y, "draw": draw}, {"x": x, "keep": keep_x, "draw": draw}
        undone, routed = {"dy": x, "kept": kept, "keep": keep_x}, {"dy": dy, "winner": winner, "scale": 1 / keep_y}
        entropy = {"name": "cross_entropy", "logits": logits, "ones": MNIST.batch_size, "scale": 1 / MNIST.batch_size}
        return [
            kernel("dropout", "x", "out kept", x.size, **dropout, out=dropped, kept=kept),
            kernel("dropout_backward", "dy kept", "out", x.size, **undone, out=dropped),
            kernel("maxout", "z bias", "out winner", 2 * z.size, **pieces, out=y, winner=winner),
            kernel("maxout_backward", "dy winner", "out", y.size + z.size, **routed, out=dz),
            kernel("colsum", "a out", "out", z.size + 3 * n_z, a=dz, out=db, **self.into_velocity),
            kernel("affine", "x W b", "out", 2 * y.size + rows, x=dy, W=W, b=b, out=logits),
            kernel("cross_entropy_backward", "logits", "out", 6 * rows, **entropy, out=dlogits),
        ]

    def on_parameters(self) -> list[Kernel]:
        """On G's flat buffer what an optimiser calls, and the column norm of D's first weights."""
        kernel, n_z = self.kernel, MNIST.d_pieces * MNIST.d_widths[0]
        theta, step, moved, gradient, first, second = (self.flat() for _ in range(6))
        second *= second
        W, n = self.normal(MNIST.features, n_z), theta.size
        adam = {"theta": moved, "gradient": gradient, "first": first, "second": second}
        rates = {"count": Count(self.clock), "clock": self.clock, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
        averaged = {"mean": moved, "theta": theta, "count": rates["count"], "horizon": 5000, "eta": 1.0}
        return [
            kernel("copy", "source", "out", 0, source=step, out=gradient),
            kernel("add", "theta step", "theta", n, theta=theta, step=step),
            kernel("adam", "theta gradient first second", "theta first second", 14 * n, **adam, **rates),
            kernel("average", "mean theta", "mean", 3 * n, **averaged),
            kernel("limit_column_norms", "W", "W", 3 * W.size, W=W, limit=1.9365),
        ]

    def draws(self) -> list[Kernel]:
        """A minibatch, another one at each call, and noise; a pair of normals is 11 flop."""
        kernel, m = self.kernel, MNIST.batch_size
        examples = self.ops.asarray(self.rng.integers(0, 256, (EXAMPLES, MNIST.features), dtype=np.uint8))
        order = self.ops.asarray(np.stack([permutation(0, epoch, EXAMPLES) for epoch in (0, 1)]))
        gathered = {"examples": examples, "order": order, "scale": self.zeros(EXAMPLES) + self.dtype.type(1 / 255)}
        x, z, points = self.zeros(m, MNIST.features), self.zeros(m, MNIST.latent), self.zeros(m, 2)
        draw, modes, centres = self.draw(Stream.LATENT, m), self.draw(Stream.MIXTURE_MODE, m), self.normal(25, 2)
        batch = gathered | {"count": EachTime(), "batch_size": m, "rows": draw.rows, "shift": None, "out": x}
        part = {"examples": m / EXAMPLES, "order": m / EXAMPLES / 2, "scale": m / EXAMPLES}
        mixture = {"modes": modes, "noise": draw, "centres": centres, "deviation": 0.05}
        return [
            replace(kernel("gather", "examples order scale rows", "out", x.size, **batch), part=part),
            kernel("uniform", "", "out", 4 * z.size, draw=draw, limit=sqrt(3), out=z),
            kernel("normal", "", "out", 11 * z.size // 2, draw=draw, out=z),
            kernel("spherical", "", "out", 17 * z.size // 2, draw=draw, out=z),
            kernel("mixture", "centres", "out", 15 * points.size // 2, **mixture, out=points),
        ]

    def kernel(self, name: str, reads: str, writes: str, work: int, /, **arguments) -> Kernel:
        """A kernel with the shape of what it writes first."""
        shape = " x ".join(map(str, arguments[writes.split()[0]].shape))
        label = f"keep {arguments['keep']}" if "draw" in arguments and "keep" in arguments else ""
        return Kernel(self.ops, name, arguments, shape, reads.split(), writes.split(), work, label)

    def draw(self, stream: int, rows: int) -> Draw:
        return Draw(0, self.clock.iteration, 0, stream, self.ops.asarray(np.arange(rows, dtype=np.uint32)))

    def normal(self, *shape: int):
        return self.ops.asarray(self.rng.standard_normal(shape), self.dtype)

    def zeros(self, *shape: int, dtype=None):
        return self.ops.zeros(shape, dtype or self.dtype)

    def flat(self):
        """As many numbers as G's parameters in their one buffer."""
        return self.normal(*Params(self.ops, generator(MNIST).shapes(), self.dtype).flat.shape)
