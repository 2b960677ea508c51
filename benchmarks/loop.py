"""What the loop of `GAN.fit` costs beside its iterations.

    python benchmarks/loop.py --rounds 9

The same GAN plays bare iterations, `gan.step` alone, and iterations in the loop as `fit` runs it without callbacks:
with a line of its history each 100 iterations.  Both take turns; what counts is the median over the rounds.  The recipe
of MNIST is played on random bytes of its shape.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from minigan.data import Dataset, Mixture, describe
from minigan.loop.history import History
from minigan.loop.loop import Loop, source_of
from minigan.options.config import preset
from minigan.run.start import make_gan

SETTINGS = {"mnist": ("numba", 2, 50), "ring": ("numpy", 1, 400)}
"""The backend, its threads, and the iterations of a turn."""


def data_of(name: str) -> Dataset | Mixture:
    if name == "ring":
        return Mixture.ring()
    return Dataset(name, np.random.default_rng(0).integers(0, 256, (50_000, 784), np.uint8), image_shape=(28, 28))


def measured(name: str, rounds: int) -> tuple[float, float]:
    """Seconds of an iteration, bare and in the loop."""
    backend, threads, n = SETTINGS[name]
    data = data_of(name)
    gan = make_gan(replace(preset(name), backend=backend, threads=threads), data)
    source = source_of(gan, data)
    gan.begin(source.batches_per_epoch, describe(data))

    def bare() -> None:
        with gan.ops.session():
            for _ in range(n):
                gan.step(source)

    def in_the_loop() -> None:
        Loop(gan, data, source, gan.iteration + n, [History()]).run()

    seconds: dict = {bare: [], in_the_loop: []}
    for turn in range(rounds + 1):
        for play in (bare, in_the_loop) if turn % 2 else (in_the_loop, bare):
            start = time.perf_counter()
            play()
            if turn:  # the first one compiles
                seconds[play].append((time.perf_counter() - start) / n)
    return median(seconds[bare]), median(seconds[in_the_loop])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=SETTINGS)
    options = parser.parse_args()
    print("| recipe | bare iteration | in the loop | ratio | difference |\n|---|---|---|---|---|")
    for name in [options.only] if options.only else SETTINGS:
        bare, loop = measured(name, options.rounds)
        row = f"{1e3 * bare:.3f} ms | {1e3 * loop:.3f} ms | {loop / bare:.4f} | {1e6 * (loop - bare):.1f} us"
        print(f"| {name}, {SETTINGS[name][0]} | {row} |", flush=True)


if __name__ == "__main__":
    main()
