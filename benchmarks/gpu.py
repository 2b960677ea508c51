"""All that is to be known of minigan on a GPU, in one command: its tests, then an iteration against its peers.

    python benchmarks/gpu.py --json gpu.json [--cases mnist,mnist-1000] [--data FOLDER OF MNIST]

Every part runs in a process of its own, one after the other, with a limit: one that fails says so and the others go
on, and what there is no time for is left out.  With --data it also trains the MNIST recipe and estimates its
log-likelihood.  What counts are ratios in one run and one precision.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.gpu_contenders import CASES, CONTENDERS

TRAINING = ["--preset", "mnist", "--backend", "cupy", "--log-every", "500", "--sample-every", "25000"]
PACKAGES = ("minigan", "numpy", "cupy-cuda13x", "cupy-cuda12x", "torch", "jax", "numba", "nvidia-cublas")
CHANGES_PRECISION = ("NVIDIA_TF32_OVERRIDE", "CUBLAS_EMULATION_STRATEGY", "CUBLAS_EMULATE_SINGLE_PRECISION")
"""Environment variables by which products may be less than float32 although nobody asked minigan for it."""
SCALING = ["--backend", "cupy", "--axes", "batch,width", "--rounds", "3", "--seconds", "0.3"]


def python(arguments: list[str], limit: float, **environment: str) -> tuple[str, str | None]:
    """What a fresh interpreter prints, and in words why it failed, or None."""
    if limit < 1:
        return "", "left out, for there was no time left"
    command = [sys.executable, *arguments]
    outer = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} | os.environ | environment
    try:
        made = subprocess.run(command, cwd=ROOT, env=outer, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").decode(errors="replace"), f"not done in {limit:.0f} s"
    if made.returncode == 0:
        return made.stdout, None
    said = (made.stderr.strip() or made.stdout.strip() or f"exit code {made.returncode}").splitlines()
    return made.stdout, "\n".join(said[-12:])


# ---- Parts -----------------------------------------------------------------------------------------------------


def tests(limit: float) -> dict:
    """The tests that need a GPU."""
    printed, failure = python(["-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "tests/backends"], limit)
    lines = printed.strip().splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    last = lines[-1] if lines else ""
    return {"said": f"{last} ({failure.splitlines()[-1]})" if failure else last, "failed": failed, "failure": failure}


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


def timed(name: str, cases: list[str], limit: float) -> tuple[list[dict], str | None]:
    """The rows of one contender, and in words why there are not all of them."""
    environment = dict(CONTENDERS[name].environment) if name in CONTENDERS else {}
    printed, failure = python(["benchmarks/gpu_contenders.py", name, ",".join(cases)], limit, **environment)
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{") and line.endswith("}")], failure


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
    set_outside = {name: os.environ[name] for name in CHANGES_PRECISION if name in os.environ}
    return {"gpu": gpu, "versions": found, "environment": set_outside}


# ---- The page --------------------------------------------------------------------------------------------------


def table(rows: list[dict], rates: dict[str, float]) -> str:
    """Rows as Markdown; ratios are to minigan's own row of the same case and precision.

    rates  TFLOP/s of a large square product in each precision
    """
    own = {(r["case"], r["precision"]): r["median_ms"] for r in rows if r["name"] in ("minigan", "minigan tf32")}
    head = "| case | | precision | median ms | min - max | / minigan | iterations/s | TFLOP/s | of the rate | host |\n"
    lines = [head + "|---|---|---|---|---|---|---|---|---|---|"]
    cases, names = list(CASES), list(CONTENDERS)
    for r in sorted(rows, key=lambda r: (cases.index(r["case"]), r["precision"], names.index(r["name"]))):
        base, rate = own.get((r["case"], r["precision"])), rates.get(r["precision"])
        ratio = f"{r['median_ms'] / base:.2f}" if base else ""
        share = f"{100 * r['tflop_per_s'] / rate:.0f}%" if rate else ""
        lines.append(
            f"| {r['case']} | {r['name']} | {r['precision']} | {r['median_ms']:.4f} "
            f"| {r['min_ms']:.4f} - {r['max_ms']:.4f} | {ratio} | {r['iterations_per_second']:.0f} "
            f"| {r['tflop_per_s']:.1f} | {share} | {100 * r['host_core']:.0f}% |"
        )
    return "\n".join(lines)


def page(result: dict) -> str:
    """All that was found, as Markdown."""
    versions = ", ".join(" ".join(pair) for pair in result["machine"]["versions"].items())
    set_outside = "".join(f"; {name}={value}" for name, value in result["machine"]["environment"].items())
    rates, lines = result["rates"], [f"{result['machine']['gpu']}; {versions}{set_outside}"]
    if rates:
        said = ", ".join(f"{rate:.1f} in {precision}" for precision, rate in rates.items())
        lines += ["", f"The rate: TFLOP/s of a large square product, {said}."]
    lines += ["", table(result["cases"], rates)]
    if "tests" in result:
        lines += ["", f"Tests: {result['tests']['said']}", *(f"- {test}" for test in result["tests"]["failed"])]
    if "parity" in result:
        lines += ["", "A hundred iterations beside NumPy's (`benchmarks/parity.py`):", "", result["parity"]]
    for precision, printed in result["scaling"].items():
        lines += ["", f"By minibatch and width, {precision} (`benchmarks/scaling.py`):", "", printed]
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
    parser.add_argument("--no-tests", action="store_true", help="leave the tests and the parity out")
    parser.add_argument("--no-scaling", action="store_true", help="leave minibatches and widths out")
    parser.add_argument("--data", help="a folder of MNIST to train on")
    parser.add_argument("--limit", type=float, default=560, help="seconds for everything; parts beyond it are left out")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    chosen = [name.strip() for name in options.only.split(";")] if options.only else list(CONTENDERS)
    cases = options.cases.split(",")
    for what, odd in (("--cases", set(cases) - set(CASES)), ("--only", set(chosen) - set(CONTENDERS))):
        if odd:
            parser.error(f"{what} {min(odd)}: expected some of those that --help names")

    deadline = time.monotonic() + options.limit
    result: dict = {"machine": machine(), "rates": {}, "cases": [], "scaling": {}, "failed": {}}

    def left(most: float) -> float:
        return min(most, deadline - time.monotonic())

    def done(what: str, failure: str | None) -> None:
        say(f"{what}: {failure.splitlines()[-1] if failure else 'done'}")
        if failure:
            result["failed"][what] = failure
        if options.json:
            options.json.write_text(json.dumps(result, indent=1) + "\n")

    if not options.no_tests:
        result["tests"] = tests(left(240))
        done("tests", result["tests"]["failure"])
        result["parity"], failure = python(
            ["benchmarks/parity.py", "--backend", "cupy", "--precision", "float32", "tf32"], left(90)
        )
        done("parity", failure)
    rates, failure = timed("matrix rate", ["mnist"], left(60))
    result["rates"] = rates[0] if rates else {}
    done("matrix rate", failure)
    for name in (name for name in CONTENDERS if name in chosen):
        mine = [case for case in cases if case == "mnist" or not CONTENDERS[name].small]
        if mine:
            rows, failure = timed(name, mine, left(30 + 30 * len(mine)))
            result["cases"] += rows
            for row in rows:
                say(f"  {row['case']}: {row['median_ms']:.4f} ms")
            done(name, failure)
    if options.data:
        with tempfile.TemporaryDirectory() as folder:
            result["training"] = training(options.data, Path(folder), left(180))
        done("training", result["training"]["failure"])
    if not options.no_scaling:
        for precision in ("float32", "tf32"):
            result["scaling"][precision], failure = python(
                ["benchmarks/scaling.py", *SCALING, "--precision", precision], left(90)
            )
            done(f"scaling {precision}", failure)
    print(page(result))


if __name__ == "__main__":
    main()
