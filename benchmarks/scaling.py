"""How the cost of an iteration grows with the minibatch, the networks' width, k and the threads; and over ranks.

    python benchmarks/scaling.py --backend numba --axes batch,width,k,threads --json out.json
    mpiexec -n 2 python benchmarks/scaling.py --distributed --batches 100,1000 --json out.json    # `ranks.py`

Every point is the MNIST recipe with one number changed; k is algorithm 1's, the D-steps an iteration.  The points of
an axis take turns (`step.py`), the recipe itself among them.  GFLOP are those of the matrix products.  Cost and work
are multiples of the recipe's own time and GFLOP; along threads, of those on one thread.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import ranks
from benchmarks.peers.ours import MiniGAN
from benchmarks.peers.recipe import MNIST, REHEARSAL, Recipe, flop, initial_weights
from benchmarks.step import BACKENDS, EXAMPLES, machine, measure, names, versions
from minigan.errors import ConfigError, DeviceError

BATCHES = (25, 50, 100, 200, 400, 800, 1600)
BATCHES_ON_A_GPU = (100, 1000, 3000, 10000)
WIDTHS = (0.25, 0.5, 1.0, 2.0)
WIDTHS_ON_A_GPU = (0.5, 1.0, 2.0, 4.0, 8.0)
if REHEARSAL:
    BATCHES_ON_A_GPU, WIDTHS_ON_A_GPU = (20, 40), (0.5, 1.0)
KS = (1, 2, 3, 4, 6, 8)
BATCHES_AN_EPOCH = 20
"""at least: a GPU lays out an epoch's order between two launches"""
AXES = ("batch", "width", "k", "threads")


def widened(factor: float) -> Recipe:
    """The MNIST recipe with the hidden widths of both networks multiplied."""
    *hidden, features = MNIST.g_widths
    return replace(
        MNIST,
        g_widths=(*(round(width * factor) for width in hidden), features),
        d_widths=tuple(round(width * factor) for width in MNIST.d_widths),
    )


def thread_counts(most: int) -> list[int]:
    """1, 2, 4, ... and the most."""
    return sorted({2**i for i in range(most.bit_length()) if 2**i <= most} | {most})


def points(axis: str, backend: str, threads: int | None) -> dict[float, tuple[Recipe, int | None]]:
    """The points of an axis: {value: (recipe, threads)}."""
    batches, widths = (BATCHES_ON_A_GPU, WIDTHS_ON_A_GPU) if backend == "cupy" else (BATCHES, WIDTHS)
    match axis:
        case "batch":
            return {m: (replace(MNIST, batch_size=m), threads) for m in batches}
        case "width":
            return {factor: (widened(factor), threads) for factor in widths}
        case "k":
            return {k: (replace(MNIST, k=k), threads) for k in KS}
        case _:
            return {n: (MNIST, n) for n in thread_counts(threads or machine()["cores"])}


def run_axis(axis: str, backend: str, precision: str, threads: int | None, rounds: int, seconds: float) -> list[dict]:
    """The rows of one axis.  Raises ConfigError for impossible threads or precision, DeviceError for no GPU."""
    along = points(axis, backend, threads)
    most = max(EXAMPLES, BATCHES_AN_EPOCH * max(recipe.batch_size for recipe, _ in along.values()))
    examples = np.random.default_rng(1).integers(0, 256, (most, MNIST.features), dtype=np.uint8)
    contenders = {}
    for value, (recipe, n_threads) in along.items():
        weights = initial_weights(recipe, seed=0)
        contenders[value] = MiniGAN(recipe, weights, 0, backend, n_threads, precision)
        contenders[value].set_data(examples)
    times = measure(contenders, rounds, seconds)
    median = {value: float(np.median(t)) for value, t in times.items()}
    start = {"batch": MNIST.batch_size, "width": 1, "k": MNIST.k, "threads": 1}[axis]
    return [
        {
            "axis": axis,
            "value": value,
            "threads": contenders[value].ops.threads,
            "median_ms": round(median[value], 3),
            "min_ms": round(min(t), 3),
            "max_ms": round(max(t), 3),
            "gflop": round(flop(along[value][0]) / 1e9, 3),
            "gflop_per_s": round(flop(along[value][0]) / median[value] / 1e6, 1),
            "cost": round(median[value] / median[start], 3),
            "work": round(flop(along[value][0]) / flop(along[start][0]), 3),
        }
        for value, t in times.items()
    ]


def table(axis: str, rows: list[dict]) -> str:
    """Rows as Markdown."""
    head = f"| {axis} | median ms | min - max | cost | work | GFLOP | GFLOP/s |\n|---|---|---|---|---|---|---|\n"
    return head + "".join(
        f"| {r['value']:g} | {r['median_ms']:.2f} | {r['min_ms']:.2f} - {r['max_ms']:.2f} "
        f"| {r['cost']:.2f} | {r['work']:.2f} | {r['gflop']:.2f} | {r['gflop_per_s']:.0f} |\n"
        for r in rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="numba", choices=BACKENDS)
    parser.add_argument("--axes", type=names(AXES), default=list(AXES), help=", ".join(AXES))
    parser.add_argument("--precision", default="float32", choices=("float32", "float64", "tf32"))
    parser.add_argument("--threads", type=int, help="of all points; the most of the axis threads; without it all cores")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.6, help="of a turn")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--distributed", action="store_true", help="over the ranks that mpiexec has started")
    parser.add_argument("--batches", type=lambda text: [int(m) for m in text.split(",")], default=[100, 1000])
    parser.add_argument("--ddp", action=argparse.BooleanOptionalAction, default=True, help="PyTorch beside minigan")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds {options.rounds}: expected at least 1")
    if options.json and not options.json.parent.is_dir():
        parser.error(f"--json {options.json}: expected a file in a folder that exists")
    if options.threads is not None and options.threads < 1:
        parser.error(f"--threads {options.threads}: expected at least 1")
    if options.distributed:
        ranks.main(options)
        return
    rows = []
    for axis in options.axes:
        try:
            found = run_axis(axis, options.backend, options.precision, options.threads, options.rounds, options.seconds)
        except (ConfigError, DeviceError) as error:
            parser.error(str(error))
        print(table(axis, found), flush=True)
        rows += found
    if options.json:
        result = {"backend": options.backend, "precision": options.precision, "points": rows}
        options.json.write_text(json.dumps(result | {"machine": machine(), "versions": versions()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
