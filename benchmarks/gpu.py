"""All that is to be known of minigan on a GPU, in one command: its tests, then an iteration against its peers.

    python benchmarks/gpu.py --json gpu.json [--cases mnist,mnist-1000] [--data FOLDER OF MNIST]

Every part runs in a process of its own, one after the other, with a limit: one that fails says so and the others go
on.  Peers first compute minigan's losses from its weights, x, z and masks.  Times are medians over rounds; n iterations
are timed from the host, the wait for the GPU included.  With --data it also trains the MNIST recipe and estimates its
log-likelihood.  What counts are ratios in one run and one precision.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.peers.recipe import CIFAR10, RECIPES, Recipe, flop, initial_weights  # noqa: E402

EXAMPLES = 20000
TOLERANCE = {"float32": 1e-4, "tf32": 2e-2}
"""of a peer's losses, in nats"""
CASES = RECIPES | {"cifar10-1000": replace(CIFAR10, name="cifar10-1000", batch_size=1000)}
TRAINING = ["--preset", "mnist", "--backend", "cupy", "--log-every", "500", "--sample-every", "25000"]
PACKAGES = ("minigan", "numpy", "cupy-cuda13x", "cupy-cuda12x", "torch", "jax", "numba", "nvidia-cublas")


# ---- Contenders ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contender:
    """What is timed: make(recipe, weights), the precision of its products, and what its process has set."""

    make: Callable
    precision: str = "float32"
    environment: tuple[tuple[str, str], ...] = ()


def ours(recipe: Recipe, weights: dict, precision: str):
    from benchmarks.peers.ours import MiniGAN

    return MiniGAN(recipe, weights, 0, "cupy", precision=precision)


def products(recipe: Recipe, weights: dict, precision: str):
    from benchmarks.peers.ours import Products

    return Products(recipe, "cupy", precision=precision)


def torch_gan(in_graph: int):
    def make(recipe: Recipe, weights: dict, precision: str):
        from benchmarks.peers.torch_cuda import TorchCudaGAN

        return TorchCudaGAN(recipe, weights, in_graph, tf32=precision == "tf32")

    return make


def jax_gan(scan: bool):
    def make(recipe: Recipe, weights: dict, precision: str):
        from benchmarks.peers import jax_jit

        if precision == "tf32":  # what JAX computes in by default on such a GPU
            jax_jit._affine = lambda x, W, b: x @ W + b
        return jax_jit.JaxGAN(recipe, weights, 0, scan=scan)

    return make


CONTENDERS = {
    "minigan": Contender(ours),
    "minigan, eager": Contender(ours, environment=(("MINIGAN_GPU", "eager"),)),
    "products alone": Contender(products),
    "torch eager": Contender(torch_gan(0)),
    "torch graph": Contender(torch_gan(1)),
    "torch graph of 20": Contender(torch_gan(20)),
    "jax jit": Contender(jax_gan(False)),
    "jax scan": Contender(jax_gan(True)),
    "minigan tf32": Contender(ours, "tf32"),
    "products alone tf32": Contender(products, "tf32"),
    "torch graph tf32": Contender(torch_gan(1), "tf32"),
    "torch graph of 20 tf32": Contender(torch_gan(20), "tf32"),
    "jax scan tf32": Contender(jax_gan(True), "tf32"),
}


# ---- One part, in its own process ------------------------------------------------------------------------------


def timed(name: str, case: str, rounds: int, seconds: float) -> dict:
    """Milliseconds an iteration of one contender, and the share of a core that the host spent."""
    recipe, how = CASES[case], CONTENDERS[name]
    contender = how.make(recipe, initial_weights(recipe, seed=0), how.precision)
    if hasattr(contender, "set_data"):
        rng = np.random.default_rng(1)
        contender.set_data(rng.integers(0, 256, (EXAMPLES, recipe.features), dtype=np.uint8))
    difference = None
    if hasattr(contender, "losses"):
        difference = checked(contender, recipe, how.precision)
    n = 20
    while True:
        contender.iterate(n)
        start = time.perf_counter()
        contender.iterate(n)
        elapsed = time.perf_counter() - start
        if elapsed > seconds / 4:
            break
        n *= 4
    n = max(20, round(n * seconds / elapsed / 20) * 20)
    times, host = [], time.process_time()
    began = time.perf_counter()
    for _ in range(rounds):
        start = time.perf_counter()
        contender.iterate(n)
        times.append(1e3 * (time.perf_counter() - start) / n)
    share = (time.process_time() - host) / (time.perf_counter() - began)
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
        "host_core": share,
        "largest_difference_of_losses": difference,
    }


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


# ---- All parts -------------------------------------------------------------------------------------------------


def python(arguments: list[str], limit: float, **environment: str) -> tuple[str, str | None]:
    """What a fresh interpreter prints, and in words why it failed, or None."""
    command = [sys.executable, *arguments]
    outer = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} | os.environ | environment
    try:
        made = subprocess.run(
            command, cwd=ROOT, env=outer, capture_output=True, text=True, timeout=max(1.0, limit), check=False
        )
    except subprocess.TimeoutExpired:
        return "", f"not done in {limit:.0f} s"
    if made.returncode == 0:
        return made.stdout, None
    said = (made.stderr.strip() or made.stdout.strip() or f"exit code {made.returncode}").splitlines()
    return made.stdout, "\n".join(said[-12:])


def tests(limit: float) -> dict:
    """The tests that need a GPU."""
    printed, failure = python(["-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "tests/backends"], limit)
    last = printed.strip().splitlines()[-1:] or ["nothing"]
    failed = [line for line in printed.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return {"said": last[0], "failed": failed[:40], "failure": failure and failure[-4000:]}


def training(data: str, folder: Path, limit: float) -> dict:
    """A whole training of the MNIST recipe, and its Parzen estimate."""
    run, table = folder / "run", folder / "parzen.json"
    start = time.perf_counter()
    _, failure = python(["-m", "minigan.train", *TRAINING, "--data", data, "--out", str(run)], limit)
    found = {"seconds": time.perf_counter() - start, "failure": failure}
    if failure is None:
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        found["iterations"] = lines[-1]["iteration"]
        found["iterations_per_second"] = float(np.median([line["iterations_per_second"] for line in lines]))
        evaluation = ["-m", "minigan.evaluate", "--run", str(run), "--data", data, "--backend", "cupy"]
        _, found["failure"] = python([*evaluation, "--json", str(table)], limit)
        if table.exists():
            row = json.loads(table.read_text())["rows"][0]
            found |= {"parzen": row["mean"], "standard_error": row["standard_error"], "sigma": row["sigma"]}
    return found


def machine() -> dict:
    """The GPU, its driver and what was measured with what."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        gpu = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        gpu = f"unknown ({error})"
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"gpu": gpu, "versions": found}


def table(rows: list[dict]) -> str:
    """Rows as Markdown; ratios are to minigan's own row of the same case and precision."""
    own = {(r["case"], r["precision"]): r["median_ms"] for r in rows if r["name"] in ("minigan", "minigan tf32")}
    head = "| case | | precision | median ms | min - max | / minigan | iterations/s | TFLOP/s | host |\n"
    lines = [head + "|---|---|---|---|---|---|---|---|---|"]
    for r in rows:
        base = own.get((r["case"], r["precision"]))
        ratio = f"{r['median_ms'] / base:.2f}" if base else ""
        lines.append(
            f"| {r['case']} | {r['name']} | {r['precision']} | {r['median_ms']:.4f} "
            f"| {r['min_ms']:.4f} - {r['max_ms']:.4f} | {ratio} | {r['iterations_per_second']:.0f} "
            f"| {r['tflop_per_s']:.1f} | {100 * r['host_core']:.0f}% |"
        )
    return "\n".join(lines)


def page(result: dict) -> str:
    """All that was found, as Markdown."""
    versions = ", ".join(" ".join(pair) for pair in result["machine"]["versions"].items())
    lines = [f"{result['machine']['gpu']}; {versions}", "", table(result["cases"])]
    if "tests" in result:
        lines += ["", f"Tests: {result['tests']['said']}", *(f"- {test}" for test in result["tests"]["failed"])]
    if "training" in result:
        lines += ["", f"A whole training: {json.dumps(result['training'])}"]
    if result["failed"]:
        said = (f"- {what}: {why.splitlines()[-1]}" for what, why in result["failed"].items())
        lines += ["", "Not measured:", "", *said]
    return "\n".join(lines)


def say(line: str) -> None:
    """How far it is, on standard error."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="mnist,mnist-1000,cifar10-1000", help=", ".join(CASES))
    parser.add_argument("--only", help="contenders, separated by semicolons: " + "; ".join(CONTENDERS))
    parser.add_argument("--no-tests", action="store_true", help="leave the tests out")
    parser.add_argument("--data", help="a folder of MNIST to train on")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="of a round")
    parser.add_argument("--limit", type=float, default=560, help="seconds for everything; parts beyond it are left out")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--part", nargs=2, metavar=("NAME", "CASE"), help="one part, its numbers as JSON")
    options = parser.parse_args()
    if options.part:
        print(json.dumps(timed(*options.part, options.rounds, options.seconds)))
        return

    deadline = time.monotonic() + options.limit
    result: dict = {"machine": machine(), "cases": [], "failed": {}}

    def save() -> None:
        if options.json:
            options.json.write_text(json.dumps(result, indent=1) + "\n")

    def left() -> float:
        return deadline - time.monotonic()

    if not options.no_tests:
        result["tests"] = tests(min(240, left()))
        say(f"tests: {result['tests']['said']}")
        save()
    if options.data:
        folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"minigan-gpu-{os.getpid()}"
        folder.mkdir()
        result["training"] = training(options.data, folder, min(180, left()))
        say(f"training: {result['training']}")
        save()
    chosen = options.only.split(";") if options.only else list(CONTENDERS)
    for case in options.cases.split(","):
        for name in (name.strip() for name in chosen):
            settings = ["--part", name, case, "--rounds", str(options.rounds), "--seconds", str(options.seconds)]
            if left() < 5:
                printed, failure = "", "left out, for there was no time left"
            else:
                environment = dict(CONTENDERS[name].environment)
                printed, failure = python([__file__, *settings], min(90, left()), **environment)
            if failure is None:
                result["cases"].append(json.loads(printed.splitlines()[-1]))
                say(f"{case}: {name}: {result['cases'][-1]['median_ms']:.4f} ms")
            else:
                result["failed"][f"{case}: {name}"] = failure
                say(f"{case}: {name}: failed: {failure.splitlines()[-1]}")
            save()
    print(page(result))


if __name__ == "__main__":
    main()
