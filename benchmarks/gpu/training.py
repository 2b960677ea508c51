"""The authors' recipe for MNIST on a GPU: 1,000 epochs, and the Parzen estimate of what they made.

    python benchmarks/gpu/training.py FOLDER_OF_MNIST OUT SECONDS

OUT is the run's folder, and must not be there yet.  After so many seconds the training stops where it is, as by Ctrl-C,
and that is measured.  Needs no command line of minigan's, and so no tyro.  Prints a line of JSON after each half.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Timer

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from benchmarks.peers.recipe import REHEARSAL
from minigan.generator.parzen_table import DRAWS, measured
from minigan.generator.reference_data import held_out
from minigan.metrics.parzen import SAMPLES
from minigan.options.config import Config, preset
from minigan.run.trainer import Trainer

TOY = {
    "generator": ("relu 12 uniform=.05", "sigmoid uniform=.05 bias=marginals"),
    "discriminator": ("maxout 6x5 uniform=.005 keep=.8", "linear uniform=.005 keep=.5"),
    "iterations": 60,
    "log_every": 20,
    "batch_size": 20,
}
FEW = 30
"""images and samples that a rehearsal measures"""


def recipe(data: str, out: str) -> Config:
    """The authors', on a GPU, with little beside the training; in a rehearsal a toy."""
    config = replace(preset("mnist"), data=data, out=out, backend="cupy", epochs=1000, keep_last=1)
    config = replace(config, log_every=500, sample_every=50_000, checkpoint_every=50_000)
    return replace(config, **TOY) if REHEARSAL else config


def main() -> None:
    data, out, seconds = sys.argv[1:]
    trainer, start = Trainer(recipe(data, out)), time.perf_counter()
    alarm = Timer(float(seconds), os.kill, (os.getpid(), signal.SIGTERM))
    alarm.daemon = True
    alarm.start()
    trainer.run()
    alarm.cancel()
    done = {"iterations": trainer.gan.iteration, "of": trainer.total}
    print(json.dumps(done | {"seconds": round(time.perf_counter() - start, 1)}), flush=True)

    sampler, start = trainer.gan.sampler(), time.perf_counter()
    validation, test = (trainer.data.scaled(part, np.float64) for part in held_out(trainer.data, data))
    if REHEARSAL:
        validation, test = validation[:FEW], test[:FEW]
    n = FEW if REHEARSAL else SAMPLES
    draws = [partial(sampler.sample, n, seed) for seed in range(DRAWS)]
    row = measured(sampler.ops, "minigan", draws, validation, test, None)
    found = {"parzen": row.mean, "spread": row.spread, "standard_error": row.standard_error, "sigma": row.sigma}
    found |= {"finer": row.finer_mean, "draws": DRAWS}
    print(json.dumps(found | {"parzen_seconds": round(time.perf_counter() - start, 1)}), flush=True)


if __name__ == "__main__":
    main()
