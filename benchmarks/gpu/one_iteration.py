"""One iteration of the MNIST recipe for NVIDIA's profiler: MINIGAN_GPU=eager ncu --profile-from-start off python ...

What is compiled and set up once comes before; only the iteration itself is profiled.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from benchmarks.gpu.contenders import EXAMPLES
from benchmarks.peers.ours import MiniGAN
from benchmarks.peers.recipe import MNIST, initial_weights


def main() -> None:
    gan = MiniGAN(MNIST, initial_weights(MNIST, seed=0), 0, "cupy")
    gan.set_data(np.random.default_rng(1).integers(0, 256, (EXAMPLES, MNIST.features), dtype=np.uint8))
    gan.iterate(3)
    from cupy.cuda import profiler

    profiler.start()
    gan.iterate()
    profiler.stop()


if __name__ == "__main__":
    main()
