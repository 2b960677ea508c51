"""Does the user's environment slow minigan down?      python benchmarks/environment.py

An iteration of the MNIST recipe in fresh processes that differ in OMP_NUM_THREADS, OPENBLAS_NUM_THREADS and
NUMBA_NUM_THREADS: one of them at a time at 1, 2 and 4, all of them at once, and none; and, last, beside a process that
keeps one core busy.  Processes take turns.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
NUMBERS = ("1", "2", "4")
ITERATION = """
import sys, time
import numpy as np
from benchmarks.peers.ours import MiniGAN
from benchmarks.peers.recipe import MNIST, initial_weights
gan = MiniGAN(MNIST, initial_weights(MNIST, 0), 0, sys.argv[1])
gan.set_data(np.zeros((1000, 784), np.uint8))
gan.iterate(20)
times = []
for _ in range(8):
    start = time.perf_counter()
    gan.iterate(10)
    times.append(time.perf_counter() - start)
print(100 * float(np.median(times)))
"""


def milliseconds(backend: str, settings: dict[str, str]) -> float:
    """The median iteration of one fresh process."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES} | settings
    done = subprocess.run(
        [sys.executable, "-c", ITERATION, backend],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="numba", choices=("numba", "numpy"))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    cases = {"nothing set": {}}
    cases |= {f"{name}={n}": {name: n} for name in VARIABLES for n in NUMBERS}
    cases |= {f"all three at {n}": dict.fromkeys(VARIABLES, n) for n in NUMBERS}
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, settings in cases.items():
            times[name].append(milliseconds(options.backend, settings))
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            times["a core kept busy"] = [milliseconds(options.backend, {}) for _ in range(options.rounds)]
        finally:
            busy.kill()
    best = min(float(np.median(t)) for t in times.values())
    print("| environment | median ms | / best |\n|---|---|---|")
    for name, t in times.items():
        print(f"| {name} | {np.median(t):.1f} | {np.median(t) / best:.2f} |")


if __name__ == "__main__":
    main()
