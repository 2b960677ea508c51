"""What share of their time P ranks would compute, from rates measured on one and two: docs/cluster.md's table.

    python benchmarks/ranks_model.py --fixed 7 --row .297 --copy 5

An iteration of m rows on one rank takes  fixed + m row  milliseconds.  The sums of both players, n bytes in all, take

    2 (P - 1)/P n / bandwidth  +  2 log2(P) steps of latency for each of the two  +  copy,

the first term what a ring or a halving of the vector sends over each link, the last what adding up costs in memory.
Efficiency is the share of the whole that is not sums.

Assumed: one rank a machine, every link its full bandwidth at once, nothing of a sum beside something else, and ranks
that take equally long: with a relative deviation s of an iteration's time, the slowest of P takes about
1 + s sqrt(2 ln P) times as long, at s = 2% and 512 ranks 7% more.
"""

from __future__ import annotations

import argparse
import sys
from math import log2, prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.peers.recipe import MNIST

BYTES = 4 * sum(prod(shape) for shape in MNIST.shapes().values())
LINKS = {"1 Gbit/s": (1, 50e-6), "10 Gbit/s": (10, 30e-6), "100 Gbit/s": (100, 2e-6)}
"""{name: (Gbit/s, seconds of latency)}"""


def sums_ms(ranks: int, gbit: float, latency: float, copy: float) -> float:
    """Milliseconds of both players' sums."""
    sent = 2 * (ranks - 1) / ranks * BYTES / (gbit * 1e9 / 8)
    return 1e3 * (sent + 4 * log2(ranks) * latency) + copy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fixed", type=float, required=True, help="milliseconds of an iteration besides its rows")
    parser.add_argument("--row", type=float, required=True, help="milliseconds a row of the minibatch")
    parser.add_argument("--copy", type=float, required=True, help="milliseconds of a sum in the machine's memory")
    options = parser.parse_args()
    print("| link | rows a rank | 2 | 8 | 64 | 512 ranks |\n|---|---|---|---|---|---|")
    for link, (gbit, latency) in LINKS.items():
        for m in (100, 1000, 10000):
            iteration = options.fixed + m * options.row
            shares = (iteration / (iteration + sums_ms(p, gbit, latency, options.copy)) for p in (2, 8, 64, 512))
            print(f"| {link} | {m:,} | " + " | ".join(f"{share:.0%}" for share in shares) + " |")


if __name__ == "__main__":
    main()
