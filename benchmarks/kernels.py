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
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.kernel_calls import Bench, Kernel
from benchmarks.peers.recipe import MNIST, Product, flop, products
from benchmarks.step import machine, versions
from minigan import ConfigError, backends
from minigan.backends import Ops

SQUARE = Product(2048, 2048, 2048, False, False, 0.0, "", "", "")
LEVELS = ("L2", "L3", "DRAM")
WARM_UP, LEAST_CALLS = 5, 3
PAUSE = 0.05
"""Seconds before each turn, in which BLAS threads of the turn before stop spinning."""


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
