"""Every kernel of the Ops contract at the MNIST recipe's shapes: its time, and how near that is to the machine's roof.

    python benchmarks/kernels.py --backend numba --json out.json

The ceilings are measured in the same run: a large square product, and copies and sums in buffers that fit into the L2,
into the L3 and into neither.  Each call is timed by itself, on arrays that the call before has just touched: they are
found in near caches, where inside an iteration they often are not.

Bytes are those of the formula, each array once for reading and once for writing; what NumPy moves besides, in temporary
arrays, shows as fewer GB/s.  An operation or an elementary function is one flop; Philox's integers are not counted.
GB/s and GFLOP/s are those of the median, the ceilings' those of the fastest call.  `of roof` is
max(bytes / bandwidth, flop / the large product's GFLOP/s) / median, with the best bandwidth in the nearest cache that
holds the arrays.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.peers.ours import generator  # noqa: E402
from benchmarks.peers.recipe import MNIST, Product, flop, products  # noqa: E402
from benchmarks.step import machine, versions  # noqa: E402
from minigan import ConfigError, backends  # noqa: E402
from minigan.backends import Ops  # noqa: E402
from minigan.backends.clock import Count  # noqa: E402
from minigan.params import Params  # noqa: E402
from minigan.rng import Draw, Stream, permutation  # noqa: E402
from minigan.schedules import ExponentialDecay, LinearRamp  # noqa: E402

EXAMPLES = 50_000
SQUARE = Product(2048, 2048, 2048, False, False, 0.0, "", "", "")
LEVELS = ("L2", "L3", "DRAM")
WARM_UP, LEAST_CALLS = 5, 3
PAUSE = 0.05
"""Seconds before each turn, in which BLAS threads of the turn before stop spinning."""


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
        getattr(self.ops, self.name)(**self.arguments)

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
        self.clock = ops.clock(ExponentialDecay(MNIST.learning_rate, MNIST.decay), momentum)
        self.into_velocity = {"alpha": self.clock.minus_learning_rate, "beta": self.clock.momentum}

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
            kernel("relu", "z bias", "out", 2 * h.size, z=h, bias=b_h, out=h),
            kernel("relu_backward", "dy y", "out", h.size, dy=dh, y=h, out=dz_h),
            kernel("sigmoid", "z bias", "out", 5 * x.size, z=x, bias=b_x, out=x),
            kernel("sigmoid_backward", "dy y", "out", 3 * x.size, dy=dx, y=x, out=dz_x),
        ]

    def on_discriminator(self) -> list[Kernel]:
        """D's 2m rows x, its maxout units y with their pieces z, and its logits."""
        kernel, rows, n_y = self.kernel, 2 * MNIST.batch_size, MNIST.d_widths[0]
        n_x, n_z, keep_x, keep_y = MNIST.features, MNIST.d_pieces * n_y, MNIST.keep_input, MNIST.keep_hidden
        x, dropped, kept = self.normal(rows, n_x), self.zeros(rows, n_x), self.zeros(rows, n_x, dtype="uint8")
        z, dz, b_z, db = self.normal(rows, n_z), self.normal(rows, n_z), self.zeros(n_z), self.zeros(n_z)
        y, dy, winner = self.zeros(rows, n_y), self.normal(rows, n_y), self.zeros(rows, n_y, dtype="int8")
        W, b, logits, targets = self.normal(n_y, 1), self.zeros(1), self.zeros(rows, 1), self.zeros(rows, 1)
        dlogits, draw = self.zeros(rows, 1), self.draw(Stream.DROPOUT_DISCRIMINATOR, rows)
        pieces, dropout = {"z": z, "bias": b_z, "keep": keep_y, "draw": draw}, {"x": x, "keep": keep_x, "draw": draw}
        undone, routed = {"dy": x, "kept": kept, "keep": keep_x}, {"dy": dy, "winner": winner, "scale": 1 / keep_y}
        entropy = {"logits": logits, "targets": targets, "scale": 1 / MNIST.batch_size}
        return [
            kernel("dropout", "x", "out kept", x.size, **dropout, out=dropped, kept=kept),
            kernel("dropout_backward", "dy kept", "out", x.size, **undone, out=dropped),
            kernel("maxout", "z bias", "out winner", 2 * z.size, **pieces, out=y, winner=winner),
            kernel("maxout_backward", "dy winner", "out", y.size + z.size, **routed, out=dz),
            kernel("colsum", "a out", "out", z.size + 3 * n_z, a=dz, out=db, **self.into_velocity),
            kernel("affine", "x W b", "out", 2 * y.size + rows, x=dy, W=W, b=b, out=logits),
            kernel("cross_entropy_backward", "logits targets", "out", 6 * rows, **entropy, out=dlogits),
        ]

    def on_parameters(self) -> list[Kernel]:
        """On G's flat buffer what an optimiser calls, and the column norm of D's first weights."""
        kernel, n_z = self.kernel, MNIST.d_pieces * MNIST.d_widths[0]
        theta, step, moved, gradient, first, second = (self.flat() for _ in range(6))
        second *= second
        W, n = self.normal(MNIST.features, n_z), theta.size
        adam = {"theta": moved, "gradient": gradient, "first": first, "second": second}
        rates = {"count": Count(self.clock), "clock": self.clock, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
        return [
            kernel("copy", "source", "out", 0, source=step, out=gradient),
            kernel("add", "theta step", "theta", n, theta=theta, step=step),
            kernel("adam", "theta gradient first second", "theta first second", 14 * n, **adam, **rates),
            kernel("average", "mean theta", "mean", 3 * n, mean=moved, theta=theta, count=rates["count"], horizon=5000),
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

    def kernel(self, name: str, reads: str, writes: str, work: int, **arguments) -> Kernel:
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


class Ceilings:
    """What the machine can do at most: the large product and memory, on one thread and on all.

    holds    {level: bytes that it holds}
    buffers  {level: bytes of two buffers that lie in it}; all threads together have the L2 of every core
    """

    def __init__(self, ops: Ops, dtype: str):
        self.ops, self.dtype, self.one = ops, dtype, backends.get(ops.name, 1)
        self.adding = 1 if ops.name == "numpy" else ops.threads  # NumPy adds on one thread
        l2, l3 = caches()
        room = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4
        self.holds = dict(zip(LEVELS, (self.adding * l2, l3, sys.maxsize)))
        self.buffers = dict(zip(LEVELS, (l2 // 2, max(l3 // 4, 2 * self.adding * l2), min(4 * l3, room))))

    def kernels(self) -> list[Kernel]:
        one, all_threads = Bench(self.one, self.dtype), Bench(self.ops, self.dtype)
        benches = (one, all_threads) if self.ops.threads > 1 else (one,)
        found = [replace(bench.gemm(SQUARE), label=threads(bench.ops.threads)) for bench in benches]
        for level, size in self.buffers.items():
            n = size // 2 // one.dtype.itemsize
            n_all = n * self.adding if level == "L2" else n
            theta, step = np.full(n_all, 0.5, self.dtype), np.full(n_all, 0.25, self.dtype)
            copy = one.kernel("copy", "source", "out", 0, source=step[:n], out=theta[:n])
            add = all_threads.kernel("add", "theta step", "theta", n_all, theta=theta, step=step)
            found += [replace(copy, label=f"in {level}, {threads(1)}")]
            found += [replace(add, label=f"in {level}, {threads(self.adding)}")]
        return found

    def least(self, kernel: Kernel, rows: list[dict]) -> float:
        """Microseconds that a kernel cannot do without, by the measured rows of the ceilings."""
        level = next(level for level, size in self.holds.items() if kernel.footprint <= size)
        product = max(row["gflop_per_s"] for row in rows if row["name"].startswith("gemm"))
        memory = max(row["gb_per_s"] for row in rows if f"in {level}," in row["name"])
        return max(kernel.moved / memory, kernel.flop / product) / 1e3


def threads(n: int) -> str:
    """1 thread, 2 threads"""
    return f"{n} thread{'s' * (n > 1)}"


def caches() -> tuple[int, int]:
    """Bytes of one core's L2 and of the L3, as Linux has them; 1 MiB and 32 MiB where it says nothing."""
    sizes = {2: 1 << 20, 3: 32 << 20}
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        kibibytes = (index / "size").read_text().strip().removesuffix("K")
        sizes[int((index / "level").read_text())] = int(kibibytes) << 10
    return sizes[2], sizes[3]


def measure(kernels: list[Kernel], rounds: int, seconds: float) -> list[list[float]]:
    """Microseconds of each kernel's calls; all take turns of so many seconds, after a first call that compiles."""
    for kernel in kernels:
        kernel.call()
    times: list[list[float]] = [[] for _ in kernels]
    for _ in range(rounds):
        for kernel, found in zip(kernels, times):
            time.sleep(PAUSE)
            with kernel.ops.session():
                for _ in range(WARM_UP):
                    kernel.call()
                end, least = time.perf_counter() + seconds, len(found) + LEAST_CALLS
                while time.perf_counter() < end or len(found) < least:
                    start = time.perf_counter()
                    kernel.call()
                    found.append(1e6 * (time.perf_counter() - start))
    return times


def row(kernel: Kernel, times: list[float], typical=np.median) -> dict:
    """What is said of a kernel whose calls took so many microseconds; its rates are those of the typical call."""
    rate = 1e-3 / typical(times)
    return {
        "name": f"{kernel.name} {kernel.label}".strip(),
        "shape": kernel.shape,
        "per_iteration": kernel.per_iteration,
        "calls": len(times),
        "median_us": round(float(np.median(times)), 2),
        "min_us": round(min(times), 2),
        "reads": kernel.reads,
        "writes": kernel.writes,
        "bytes": kernel.moved,
        "flop": kernel.flop,
        "gb_per_s": round(float(kernel.moved * rate), 3),
        "gflop_per_s": round(float(kernel.flop * rate), 3),
    }


def run(ops: Ops, precision: str, rounds: int, seconds: float) -> tuple[list[dict], list[dict]]:
    """The rows of the kernels and of the ceilings, which take turns."""
    kernels, ceilings = Bench(ops, precision).kernels(), Ceilings(ops, precision)
    limiting = ceilings.kernels()
    times = measure(kernels + limiting, rounds, seconds)
    rows = [row(*measured) for measured in zip(kernels, times)]
    limits = [row(*measured, typical=min) for measured in zip(limiting, times[len(kernels) :])]
    for kernel, found in zip(kernels, rows):
        found["of_roof"] = round(ceilings.least(kernel, limits) / found["median_us"], 3)
    return rows, limits


def table(rows: list[dict]) -> str:
    """Rows as Markdown."""
    head = "| | shape | calls an iteration | median us | min us | moved | MB | MFLOP | GB/s | GFLOP/s | of roof |\n"
    return f"{head}|---|---|---|---|---|---|---|---|---|---|---|\n" + "".join(
        f"| {r['name']} | {r['shape']} | {r['per_iteration'] or ''} | {r['median_us']:.1f} | {r['min_us']:.1f} "
        f"| {' '.join(r['reads'])} -> {' '.join(r['writes'])} | {r['bytes'] / 1e6:.3f} | {r['flop'] / 1e6:.3f} "
        f"| {r['gb_per_s']:.1f} | {r['gflop_per_s']:.1f} | {format(r['of_roof'], '.0%') if 'of_roof' in r else ''} |\n"
        for r in rows
    )


def summary(rows: list[dict]) -> str:
    """The products of one iteration, added up."""
    milliseconds = sum(r["median_us"] * (r["per_iteration"] or 0) for r in rows) / 1e3
    return (
        f"An iteration's {len(products(MNIST))} products, {flop(MNIST) / 1e9:.2f} GFLOP, by their medians: "
        f"{milliseconds:.2f} ms, {flop(MNIST) / milliseconds / 1e6:.0f} GFLOP/s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="numba", choices=("numba", "numpy"))
    parser.add_argument("--threads", type=int, help="of kernels and products; without it all cores")
    parser.add_argument("--precision", default="float32", choices=("float32", "float64"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="of a kernel's turn")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds {options.rounds}: expected at least 1")
    if options.json and not options.json.parent.is_dir():
        parser.error(f"--json {options.json}: expected a file in a folder that exists")
    try:
        ops = backends.get(options.backend, options.threads)
    except ConfigError as error:
        parser.error(str(error))
    rows, ceilings = run(ops, options.precision, options.rounds, options.seconds)
    print(f"minigan {ops.name}, {threads(ops.threads)}, {options.precision}:\n\n{table(rows)}\n{summary(rows)}\n")
    print(f"The machine's ceilings in the same run:\n\n{table(ceilings)}")
    if options.json:
        result = {"backend": ops.name, "threads": ops.threads, "precision": options.precision, "kernels": rows}
        result |= {"ceilings": ceilings, "machine": machine(), "versions": versions()}
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
