"""Where numba's rules take its own kernels and not the dense formula in BLAS, and what that is worth on 30 shapes.

    python benchmarks/rule.py --json out.json

Both ways of each kernel take turns; the ratio is the median of a round's.  All of it is done three times over, since
another guest of the machine can hold up one half-second whole, and the median of the three counts.  A rule is right
where it never takes ours at more than 1.03 of dense; exit code 1 where it does.  Where it takes dense, ours is timed as
well: far below 1 says that the rule leaves something.  Each call is timed by itself, on arrays that the call before has
just touched.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.step import machine, versions
from minigan.backends.numba import sparse, tiles
from minigan.backends.numba.numba_ops import NumbaOps
from minigan.backends.ops import ByUnit
from minigan.rng import Draw

MAXOUT = [
    *[(rows, 784, 240, 5, 0.5) for rows in (10, 32, 64, 100, 200, 500, 1000)],
    *[(100, 240, 240, pieces, keep) for pieces, keep in ((1, 0.5), (2, 0.5), (3, 0.5), (5, 0.5), (5, 0.8), (8, 0.25))],
    *[(100, 784, 240, pieces, keep) for pieces, keep in ((2, 0.25), (2, 0.5), (3, 0.75), (4, 0.9), (5, 0.7), (8, 0.8))],
    *[(100, 64, 96, 5, 0.5), (200, 3072, 200, 5, 0.5), (32, 100, 30, 5, 0.5)],
]
"""rows, inputs, units, pieces, keep"""
LINEAR = [(rows, 1200, 784) for rows in (10, 32, 100, 256, 512)]
LINEAR += [(100, 100, 1200), (100, 1200, 1200), (128, 256, 256)]
"""rows, inputs, outputs"""
OURS = {sparse: {"MOST_KEPT": 1} | dict.fromkeys(("LEAST_ROWS", "LEAST_SPARSE", "LEAST_THRIFTY", "LISTS"), 0)}
OURS |= {tiles: dict.fromkeys(("MOST_ROWS", "MOST_ROWS_OF_DX", "MOST_TWICE"), sys.maxsize) | {"LEAST_VECTORS": 0}}
DENSE = {sparse: {"LEAST_SPARSE": np.inf, "LEAST_THRIFTY": np.inf}, tiles: {"MOST_ROWS": 0, "MOST_ROWS_OF_DX": 0}}
RULES = {room: {name: getattr(room, name) for name in names} for room, names in OURS.items()}
WORST = 1.03


def maxouts(ops: NumbaOps, rows: int, inputs: int, units: int, pieces: int, keep: float) -> Iterator[tuple]:
    """(kernel, whether the rule takes ours, a call) of each kernel of one shape"""
    g = np.random.default_rng(0)
    x, dy, theta = (g.standard_normal(s, np.float32) for s in ((rows, inputs), (rows, units), inputs * pieces * units))
    W, dW = (ops.view(vector, ByUnit((inputs, pieces * units))) for vector in (theta / 100, np.zeros_like(theta)))
    b, z = np.zeros(pieces * units, np.float32), np.empty((rows, pieces * units), np.float32)
    y, winner, dx = np.empty_like(dy), np.empty(dy.shape, np.int8), np.empty_like(x)
    grads = SimpleNamespace(W=dW, b=np.zeros_like(b), alpha=-0.1, beta=0.5)
    draw, back = Draw(1, 1, 0, 0, np.arange(rows, dtype=np.uint32)), (dy, winner, 1 / keep, x, W, z)
    few, thrifty = sparse.few(rows, inputs, pieces, keep), sparse.thrifty(inputs, pieces, keep)
    yield "forward", thrifty, partial(ops.affine_maxout, x, W, b, keep, draw, z, y, winner)
    yield "dW, db", few, partial(ops.affine_maxout_backward, *back, grads)
    yield "dx", few, partial(ops.affine_maxout_backward, *back, None, dx)


def linears(ops: NumbaOps, rows: int, inputs: int, outputs: int) -> Iterator[tuple]:
    """The same of a Linear."""
    g = np.random.default_rng(0)
    x, dy, theta = (g.standard_normal(s, np.float32) for s in ((rows, inputs), (rows, outputs), inputs * outputs))
    W = ops.view(theta, ByUnit((inputs, outputs)))
    picked = [tiles.kernel(a, W.T, along_rows) is not None for a, along_rows in ((x, True), (dy, False))]
    yield "x W", picked[0], partial(ops.gemm, x, W, np.empty_like(dy))
    yield "dy W^T", picked[1], partial(ops.gemm, dy, W, np.empty_like(x), trans_b=True)


def turns(call: Callable, room, rounds: int, seconds: float) -> np.ndarray:
    """(rounds, 2) medians of a call's microseconds, ours and dense.  `room` has the numbers of its rule."""
    found = np.empty((rounds, 2))
    for turn in range(2 * rounds):
        for name, value in (OURS, DENSE)[turn % 2][room].items():
            setattr(room, name, value)
        call()
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < 3:
            start = time.perf_counter()
            call()
            times.append(1e6 * (time.perf_counter() - start))
        found[divmod(turn, 2)] = np.median(times)
    for name, value in RULES[room].items():
        setattr(room, name, value)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, help="without it all cores")
    parser.add_argument("--passes", type=int, default=3, help="of everything")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seconds", type=float, default=0.01, help="of a turn")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    ops, found = NumbaOps(options.threads), {}
    with ops.session():
        for _ in range(options.passes):
            for kernels, room, shapes in ((maxouts, sparse, MAXOUT), (linears, tiles, LINEAR)):
                for shape in shapes:
                    for name, picked, call in kernels(ops, *shape):
                        times = turns(call, room, options.rounds, options.seconds)
                        measured = *np.median(times, axis=0), np.median(times[:, 0] / times[:, 1])
                        found.setdefault((name, shape, picked), []).append(measured)
    rows = []
    print("| kernel | shape | rule | ours us | dense us | ours / dense |\n|---|---|---|---|---|---|")
    for (name, shape, picked), measured in found.items():
        ours, dense, ratio = np.median(measured, axis=0)
        row = {"kernel": name, "shape": shape, "picked": picked, "ours_us": ours, "dense_us": dense}
        rows.append(row | {"ratio": ratio, "ratios": [m[2] for m in measured]})
        rule, sizes = "ours" if picked else "dense", " ".join(map(str, shape))
        print(f"| {name} | {sizes} | {rule} | {ours:.1f} | {dense:.1f} | {ratio:.2f} |")
    worst = max(row["ratio"] for row in rows if row["picked"])
    print(f"\nWhere the rule takes ours: {worst:.2f} of dense at worst, {WORST} allowed")
    if options.json:
        result = {"rows": rows, "machine": machine(), "versions": versions()}
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(worst > WORST)


if __name__ == "__main__":
    main()
