"""One iteration of Algorithm 1, minigan against its peers, in turns, in one run.

    python benchmarks/step.py --backend numba --against floor,torch,torch-compile,jax --json out.json

The floor is the iteration's matrix products alone, in NumPy; on a GPU (--backend cupy, where torch and torch-graph are
peers) they are minigan's own, one after the other in a graph, and `benchmarks/gpu/` has more.  Every peer is first
checked to compute the same losses from the same weights, x, z and dropout masks.  Then all take turns, A B A B, a few
iterations each, with a pause before each turn in which the threads of the one before stop spinning.  What counts are
ratios of medians in one run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.peers.floor import Floor
from benchmarks.peers.ours import MiniGAN, Products, one_after_the_other
from benchmarks.peers.recipe import RECIPES, Recipe, flop, initial_weights, products
from minigan import backends
from minigan.backends import GPU, NAMES
from minigan.errors import ConfigError, DeviceError

PEERS = (
    "floor",
    "products",
    "numpy",
    "torch",
    "torch-compile",
    "torch-autotune",
    "torch-graph",
    "jax",
    "jax-scan",
    "blog",
)
COMPILED = {"torch-compile": "default", "torch-autotune": "max-autotune"}
IN_A_GRAPH = 20
EXAMPLES = 20000
BACKENDS = (*NAMES, GPU)
LOSS_TOLERANCE = 1e-4
PAUSE = 0.2


def peer(name: str, recipe: Recipe, weights: dict, backend: str, threads: int | None):
    """A contender by name; its framework is imported now.  Raises ConfigError for one that is not of this backend."""
    on_gpu = backend == GPU
    if name in COMPILED and on_gpu or name == "torch-graph" and not on_gpu:
        raise ConfigError(f"--against {name}: expected {'a backend of the CPU' if on_gpu else '--backend cupy'}")
    match name:
        case "floor" if not on_gpu:
            return Floor(recipe)
        case "floor":
            return Products(products(recipe), one_after_the_other())
        case "products":
            return Products(products(recipe), backends.get(backend, threads))
        case "numpy":
            return MiniGAN(recipe, weights, 0, "numpy", threads)
        case "torch" | "torch-graph" if on_gpu:
            from benchmarks.peers.torch_cuda import TorchCudaGAN

            return TorchCudaGAN(recipe, weights, IN_A_GRAPH if name == "torch-graph" else 0)
        case "torch" | "torch-compile" | "torch-autotune":
            from benchmarks.peers.torch_eager import TorchGAN

            return TorchGAN(recipe, weights, 0, COMPILED.get(name))
        case "jax" | "jax-scan":
            from benchmarks.peers.jax_jit import JaxGAN

            return JaxGAN(recipe, weights, 0, scan=name == "jax-scan")
        case _:
            from benchmarks.peers.blog_numpy import BlogGAN

            return BlogGAN(recipe, weights, 0)


def check_losses(ours: MiniGAN, contenders: dict) -> None:
    """Every contender that trains computes our losses from our numbers; ends the program where one does not."""
    x, z, masks, losses = ours.numbers()
    for name, contender in contenders.items():
        if isinstance(contender, MiniGAN):
            theirs = contender.numbers()[-1]
        elif hasattr(contender, "losses"):
            theirs = contender.losses(x, z, masks)
        else:
            continue
        if not np.allclose(theirs, losses, rtol=0, atol=LOSS_TOLERANCE):
            sys.exit(f"{name}: losses {theirs}, ours {losses}: expected equal to {LOSS_TOLERANCE}")


def measure(contenders: dict, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Milliseconds an iteration: {name: one entry a round}, after a warm-up that also sizes the turns."""
    turns: dict[str, int] = {}
    for name, contender in contenders.items():
        contender.iterate(3)
        start = time.perf_counter()
        contender.iterate(3)
        turns[name] = max(2, round(3 * seconds / (time.perf_counter() - start)))
        contender.iterate(turns[name])
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            time.sleep(PAUSE)
            contender.iterate(1)
            start = time.perf_counter()
            contender.iterate(turns[name])
            times[name].append(1e3 * (time.perf_counter() - start) / turns[name])
    return times


def run_case(recipe: Recipe, backend: str, against: list[str], threads: int | None, rounds: int, seconds: float):
    """The rows of one recipe, ours first."""
    weights = initial_weights(recipe, seed=0)
    examples = np.random.default_rng(1).integers(0, 256, (EXAMPLES, recipe.features), dtype=np.uint8)
    ours = f"minigan {backend}"
    contenders = {ours: MiniGAN(recipe, weights, 0, backend, threads)}
    contenders |= {name: peer(name, recipe, weights, backend, threads) for name in against}
    for contender in contenders.values():
        if hasattr(contender, "set_data"):
            contender.set_data(examples)
    check_losses(contenders[ours], contenders)
    times = measure(contenders, rounds, seconds)
    median = {name: float(np.median(t)) for name, t in times.items()}
    return [
        {
            "case": recipe.name,
            "name": name,
            "median_ms": round(median[name], 3),
            "min_ms": round(min(t), 3),
            "max_ms": round(max(t), 3),
            "ratio_to_floor": round(median[name] / median["floor"], 3) if "floor" in median else None,
            "ratio_to_ours": round(median[name] / median[ours], 3),
            "gflop_per_s": round(flop(recipe) / median[name] / 1e6, 1),
        }
        for name, t in times.items()
    ]


def versions() -> dict[str, str]:
    """What was measured with what."""
    found = {"python": platform.python_version()}
    for package in ("minigan", "numpy", "numba", "torch", "jax", "mkl", "cupy-cuda13x", "cupy-cuda12x"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict:
    """The processor, and how many of its cores this process may use."""
    models = [line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    processor = models[0] if models else platform.processor()
    return {"processor": processor, "cores": len(os.sched_getaffinity(0)), "system": platform.platform()}


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def table(rows: list[dict]) -> str:
    """Rows as Markdown."""
    head = "| case | | median ms | min - max | / floor | / ours | GFLOP/s |\n|---|---|---|---|---|---|---|\n"
    return head + "".join(
        f"| {r['case']} | {r['name']} | {r['median_ms']:.2f} | {r['min_ms']:.2f} - {r['max_ms']:.2f} "
        f"| {'' if r['ratio_to_floor'] is None else format(r['ratio_to_floor'], '.2f')} | {r['ratio_to_ours']:.2f} "
        f"| {r['gflop_per_s']:.0f} |\n"
        for r in rows
    )


def names(choices: tuple[str, ...]) -> Callable[[str], list[str]]:
    """An argparse type: comma-separated names out of `choices`."""

    def parse(text: str) -> list[str]:
        chosen = [name for name in text.split(",") if name]
        for name in chosen:
            if name not in choices:
                raise argparse.ArgumentTypeError(f"{name!r}: expected any of {', '.join(choices)}")
        return chosen

    return parse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="numba", choices=BACKENDS)
    parser.add_argument("--against", type=names(PEERS), default=["floor", "products"], help=", ".join(PEERS))
    parser.add_argument("--cases", type=names(tuple(RECIPES)), default=["mnist"], help=", ".join(RECIPES))
    parser.add_argument("--threads", type=int)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.6, help="of a turn")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # JAX would take most of a GPU's memory
    rows = []
    for case in options.cases:
        job = options.backend, options.against, options.threads, options.rounds, options.seconds
        try:
            rows += run_case(RECIPES[case], *job)
        except (ConfigError, DeviceError) as error:
            parser.error(str(error))
    print(table(rows))
    if options.json:
        result = {"cases": rows, "machine": machine(), "versions": versions(), "precision": "float32"}
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
