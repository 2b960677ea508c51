"""One contender on a GPU, timed in several cases; `call.py` runs each in a process of its own.

    python benchmarks/gpu/contenders.py "torch graph of 20" mnist,mnist-1000

Peers first compute minigan's losses from its weights, x, z and masks.  A round is n iterations timed from the host, the
wait for the GPU included.  Prints one JSON object a case.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.peers.recipe import (
    CIFAR10,
    LARGE_BATCH,
    RECIPES,
    REHEARSAL,
    Product,
    Recipe,
    flop,
    initial_weights,
    products,
)

EXAMPLES = 20000
TOLERANCE = {"float32": 1e-4, "tf32": 2e-2}
"""of a peer's losses, in nats"""
CASES = RECIPES | {"cifar10-1000": replace(CIFAR10, name="cifar10-1000", batch_size=LARGE_BATCH)}
SIDE = 64 if REHEARSAL else 8192
"""of the square product that measures what the GPU's matrix unit can do"""
ROUNDS, SECONDS = (2, 0.01) if REHEARSAL else (5, 0.4)


@dataclass(frozen=True)
class Contender:
    """What is timed: make(recipe, weights, precision), the precision of its products, what its process has set."""

    make: Callable
    precision: str = "float32"
    environment: tuple[tuple[str, str], ...] = ()


def minigan(recipe: Recipe, weights: dict, precision: str):
    from benchmarks.peers.ours import MiniGAN

    return MiniGAN(recipe, weights, 0, "cupy", precision=precision)


def products_alone(recipe: Recipe, weights: dict, precision: str):
    from benchmarks.peers.ours import Products, one_after_the_other

    return Products(products(recipe), one_after_the_other(precision))


def torch_gan(in_graph: int, compiled: str | None = None):
    def make(recipe: Recipe, weights: dict, precision: str):
        from benchmarks.peers.torch_cuda import TorchCudaGAN

        return TorchCudaGAN(recipe, weights, in_graph, precision == "tf32", compiled)

    return make


def jax_gan(scan: bool):
    def make(recipe: Recipe, weights: dict, precision: str):
        from benchmarks.peers import jax_jit

        if jax_jit.jax.default_backend() != "gpu" and not REHEARSAL:
            sys.exit("JAX finds no GPU")
        if precision == "tf32":  # what JAX computes in by default on such a GPU
            jax_jit._affine = lambda x, W, b: x @ W + b
        return jax_jit.JaxGAN(recipe, weights, 0, scan=scan)

    return make


CONTENDERS = {
    "minigan": Contender(minigan),
    "minigan tf32": Contender(minigan, "tf32"),
    "products alone": Contender(products_alone),
    "products alone tf32": Contender(products_alone, "tf32"),
    "torch compile, graph of 20": Contender(torch_gan(20, "default")),
    "torch compile, graph of 20 tf32": Contender(torch_gan(20, "default"), "tf32"),
    "torch graph of 20": Contender(torch_gan(20)),
    "torch graph of 20 tf32": Contender(torch_gan(20), "tf32"),
    "torch eager": Contender(torch_gan(0)),
    "jax scan": Contender(jax_gan(True)),
    "minigan, serial": Contender(minigan, environment=(("MINIGAN_GPU", "serial"),)),
    "minigan, eager": Contender(minigan, environment=(("MINIGAN_GPU", "eager"),)),
    "jax scan tf32": Contender(jax_gan(True), "tf32"),
    "torch graph": Contender(torch_gan(1)),
    "jax jit": Contender(jax_gan(False)),
    "torch compile, its own graphs": Contender(torch_gan(0, "reduce-overhead")),
}
"""The ones without which nothing can be said come first: what there is no time for is left out."""


def timed(name: str, case: str, rounds: int, seconds: float) -> dict:
    """Milliseconds an iteration of one contender, and the share of a core that the host spent."""
    recipe, how = CASES[case], CONTENDERS[name]
    contender = how.make(recipe, initial_weights(recipe, seed=0), how.precision)
    if hasattr(contender, "set_data"):
        rng = np.random.default_rng(1)
        contender.set_data(rng.integers(0, 256, (EXAMPLES, recipe.features), dtype=np.uint8))
    difference = checked(contender, recipe, how.precision) if hasattr(contender, "losses") else None
    times, n, host_core = measured(contender, rounds, seconds)
    median = float(np.median(times))
    return {
        "case": case,
        "name": name,
        "precision": how.precision,
        "median_ms": median,
        "min_ms": min(times),
        "max_ms": max(times),
        "iterations": n,
        "iterations_per_second": 1e3 / median,
        "tflop_per_s": flop(recipe) / median / 1e9,
        "host_core": host_core,
        "largest_difference_of_losses": difference,
    }


def measured(contender, rounds: int, seconds: float) -> tuple[list[float], int, float]:
    """Milliseconds an iteration in each round, the iterations of a round, and the share of a core that they took."""
    n = 20  # a multiple of what goes to the GPU in one launch
    contender.iterate(2 * n)  # compiles, and records
    while (elapsed := seconds_of(contender, n)) < seconds / 4:
        n *= 4
    n = max(20, round(n * seconds / elapsed / 20) * 20)
    contender.iterate(n)
    host, began = time.process_time(), time.perf_counter()
    times = [1e3 * seconds_of(contender, n) / n for _ in range(rounds)]
    return times, n, (time.process_time() - host) / (time.perf_counter() - began)


def seconds_of(contender, n: int) -> float:
    start = time.perf_counter()
    contender.iterate(n)
    return time.perf_counter() - start


def checked(peer, recipe: Recipe, precision: str) -> float:
    """How far a peer's losses are from ours, on NumPy, of the same numbers.  Ends the process where it is too far."""
    from benchmarks.peers.ours import MiniGAN

    ours = MiniGAN(recipe, initial_weights(recipe, seed=0), 0, "numpy")
    ours.set_data(np.random.default_rng(1).integers(0, 256, (EXAMPLES, recipe.features), dtype=np.uint8))
    x, z, masks, losses = ours.numbers()
    theirs = peer.losses(x, z, masks)
    difference = float(np.abs(np.subtract(theirs, losses)).max())
    if not difference < TOLERANCE[precision]:
        sys.exit(f"losses {theirs}, ours {losses}: expected equal to {TOLERANCE[precision]}")
    return difference


def matrix_rate(precision: str) -> float:
    """TFLOP/s of a large square product, through the backend's own gemm: what a step can reach at most."""
    from benchmarks.peers.ours import Products, one_after_the_other

    square = Product(SIDE, SIDE, SIDE, False, False, 0.0, "a", "b", "out")
    times, _, _ = measured(Products([square], one_after_the_other(precision)), rounds=ROUNDS, seconds=SECONDS)
    return 2 * SIDE**3 / min(times) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=(*CONTENDERS, "matrix rate"))
    parser.add_argument("cases", type=lambda text: text.split(","), help=", ".join(CASES))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of a round")
    options = parser.parse_args()
    if options.name == "matrix rate":
        print(json.dumps({precision: matrix_rate(precision) for precision in TOLERANCE}))
        return
    for case in options.cases:
        print(json.dumps(timed(options.name, case, options.rounds, options.seconds)), flush=True)
        gc.collect()  # the case before leaves the GPU


if __name__ == "__main__":
    main()
