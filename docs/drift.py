"""The same run on two backends: how far rounding drives them apart, and whether it matters.

    python docs/drift.py --data FOLDER --epochs 20

Two runs of one seed draw the same numbers and differ by rounding alone, which the game then magnifies as any chaotic
system does.  The table shows the largest difference of a sample's pixel as training goes on, and in the end each
backend's Parzen log-likelihood of the test images (the authors' protocol, on fewer images).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from minigan import data as datasets
from minigan.generator.parzen_table import DRAWS, measured
from minigan.options.config import preset
from minigan.run.start import make_gan

LOOKS = (1, 10, 50, 100, 200, 300, 400, 500, 1000, 2000, 5000, 10000, 20000)
SHOWN = 100
SAMPLES, VALIDATION, TEST = 10000, 1000, 10000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist", help="as minigan.train's")
    parser.add_argument("--preset", default="mnist")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--backends", nargs=2, default=["numpy", "numba"])
    options = parser.parse_args()
    config = replace(preset(options.preset), data=options.data)
    data = datasets.load(config.data)
    gans, sources = [], []
    for backend in options.backends:
        gan = make_gan(replace(config, backend=backend), data)
        recipe = gan.recipe
        source = datasets.minibatches(gan.ops, data, recipe.batch_size, recipe.seed, recipe.precision)
        gan.begin(source.batches_per_epoch, datasets.describe(data))
        gans.append(gan)
        sources.append(source)
    total = gans[0].iterations_in(options.epochs)

    print("| iteration | largest difference of a pixel | mean difference |\n|---|---|---|")
    for stop in sorted({look for look in LOOKS if look < total} | {total}):
        for gan, source in zip(gans, sources):
            with gan.ops.session():
                while gan.iteration < stop:
                    gan.step(source)
        a, b = (gan.sample(SHOWN, seed=0).astype(np.float64) for gan in gans)
        print(f"| {stop} | {np.abs(a - b).max():.1e} | {np.abs(a - b).mean():.1e} |", flush=True)

    test, validation = (data.scaled(part, np.float32) for part in (data.test[:TEST], data.validation[:VALIDATION]))
    print("\n| backend | nats, mean of ten draws | draw to draw | standard error | sigma |\n|---|---|---|---|---|")
    for backend, gan in zip(options.backends, gans):
        draws = [partial(gan.sample, SAMPLES, seed) for seed in range(DRAWS)]
        row = measured(gan.ops, backend, draws, validation, test, None)
        numbers = f"{row.mean:.1f} | {row.spread:.1f} | {row.standard_error:.1f} | {row.sigma:.3f}"
        print(f"| {backend} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
