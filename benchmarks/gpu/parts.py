"""The parts of the two calls: in which order, for how long at most, and what each runs.

A part is given its seconds and where things are, and answers with what it found and in words why that is not all.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.gpu.contenders import CONTENDERS
from benchmarks.gpu.process import python, run
from benchmarks.peers.recipe import REHEARSAL

Found = tuple[dict, str | None]
PYTEST = ["-m", "pytest", "-q", "-m", "gpu", "--continue-on-collection-errors", "--tb=short", "-p", "no:cacheprovider"]
PYTEST += ["-k", "resumes or relu"] if REHEARSAL else ["-n", "8"] if find_spec("xdist") else []
SCALING = ["--backend", "cupy", "--axes", "batch,width", "--rounds", "3", "--seconds", "0.01" if REHEARSAL else "0.3"]
NCU = [
    *("ncu", "--csv", "--print-units", "base", "--clock-control", "none"),
    *("--profile-from-start", "off", "--metrics", "gpu__time_duration.sum"),
]
AT_1000 = ("minigan", "minigan tf32", "torch graph of 20", "torch graph of 20 tf32")
TO_END = 40
"""seconds that a training is given to stop, and to be measured"""
TAIL = 4000
"""characters of what a program printed that are kept where it failed"""


@dataclass(frozen=True)
class Paths:
    """out   the folder that comes back     data  a folder of MNIST, or None"""

    out: Path
    data: Path | None


@dataclass(frozen=True)
class Part:
    """run(paths, seconds), for `limit` seconds at most.

    reserved  seconds that are kept for it by those before
    needed    where it fails no other is tried
    """

    name: str
    limit: float
    run: Callable[[Paths, float], Found]
    reserved: float = 0
    needed: bool = False


# ---- What a part runs ------------------------------------------------------------------------------------------


def rows(printed: str) -> list[dict]:
    """The lines that are JSON."""
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{") and line.endswith("}")]


def smoke(paths: Paths, limit: float) -> Found:
    """One recorded game in each precision, beside NumPy's."""
    printed, failure = python(["benchmarks/gpu/smoke.py"], limit)
    return {"smoke": rows(printed)}, failure


def matrix_rate(paths: Paths, limit: float) -> Found:
    printed, failure = python(["benchmarks/gpu/contenders.py", "matrix rate", "mnist"], limit)
    return {"rates": next(iter(rows(printed)), {})}, failure


def timed(name: str, *cases: str) -> Callable[[Paths, float], Found]:
    def part(paths: Paths, limit: float) -> Found:
        environment = dict(CONTENDERS[name].environment)
        printed, failure = python(["benchmarks/gpu/contenders.py", name, ",".join(cases)], limit, **environment)
        return {"cases": rows(printed)}, failure

    return part


def kernels(paths: Paths, limit: float) -> Found:
    """Every kernel of one iteration, launched singly, as NVIDIA's profiler sees it: grid, block and time."""
    if shutil.which("ncu") is None:
        return {}, "no ncu here"
    printed, failure = run([*NCU, sys.executable, "benchmarks/gpu/one_iteration.py"], limit, MINIGAN_GPU="eager")
    (paths.out / "ncu.csv").write_text(printed)
    table = csv.DictReader(line for line in printed.splitlines() if line.startswith('"'))
    found = [
        {
            "kernel": row["Kernel Name"],
            "grid": row["Grid Size"],
            "block": row["Block Size"],
            "ns": float(row["Metric Value"].replace(",", "")),
        }
        for row in table
    ]
    return {"kernels": found}, failure or (None if found else f"no kernel in what ncu printed: {printed[-200:]}")


def tests(paths: Paths, limit: float) -> Found:
    """Those that need a GPU."""
    printed, failure = python([*PYTEST, "tests/backends"], limit)
    lines = printed.strip().splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    found = {"said": lines[-1] if lines else "", "failed": failed}
    return {"tests": found | ({"printed": printed[-TAIL:]} if failure else {})}, failure


def parity(paths: Paths, limit: float) -> Found:
    """A hundred iterations beside NumPy's."""
    printed, failure = python(["benchmarks/parity.py", "--backend", "cupy", "--precision", "float32", "tf32"], limit)
    return {"table": printed}, failure


def scaling(precision: str) -> Callable[[Paths, float], Found]:
    """By minibatch and width."""

    def part(paths: Paths, limit: float) -> Found:
        printed, failure = python(["benchmarks/scaling.py", *SCALING, "--precision", precision], limit)
        return {"table": printed}, failure

    return part


def training(paths: Paths, limit: float) -> Found:
    """A whole training by the authors' recipe for MNIST with its Parzen estimate; its metrics and a picture come back
    however far it came.
    """
    if paths.data is None:
        return {}, "no folder of MNIST was given"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "run")
        arguments = ["benchmarks/gpu/training.py", str(paths.data), str(made), f"{limit - TO_END:.0f}"]
        printed, failure = python(arguments, limit)
        found = {key: value for row in rows(printed) for key, value in row.items()}
        metrics, pictures = made / "metrics.jsonl", sorted((made / "samples").glob("*.png"))
        if metrics.exists() and (lines := rows(metrics.read_text())):
            shutil.copy(metrics, paths.out / "metrics.jsonl")
            rates = [line["iterations_per_second"] for line in lines]
            found |= {"iterations": lines[-1]["iteration"], "iterations_per_second": float(np.median(rates))}
        if pictures:
            shutil.copy(pictures[-1], paths.out / "samples.png")
    return {"training": found}, failure


# ---- The calls -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """limit  seconds for all parts: what there is no time for is left out"""

    limit: float
    parts: tuple[Part, ...]


def contender(name: str, case: str) -> Part:
    """One that compiles takes longer to begin."""
    limit = 100 if "jax" in name else 60 if "compile" in name else 30
    return Part(f"{case}: {name}", limit, timed(name, case))


FIRST = Call(
    215,
    (
        Part("smoke test", 60, smoke, needed=True),
        Part("matrix rate", 25, matrix_rate),
        *(contender(name, "mnist") for name in CONTENDERS),
    ),
)
SECOND = Call(
    240,
    (
        Part("training", 190, training, reserved=150),
        *(contender(name, "mnist-1000") for name in AT_1000),
        Part("tests", 60, tests),
        *(contender(name, "cifar10-1000") for name in AT_1000[:2]),
        Part("kernels of an iteration", 30, kernels),
        Part("parity", 30, parity),
        Part("scaling float32", 60, scaling("float32")),
        Part("scaling tf32", 60, scaling("tf32")),
        *(contender(name, "cifar10-1000") for name in AT_1000[2:]),
    ),
)
CALLS = {"first": FIRST, "second": SECOND}
