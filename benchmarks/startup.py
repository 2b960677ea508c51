"""What it costs to begin, in time and in memory: each measurement is a fresh process, and all take turns.

    python benchmarks/startup.py --rounds 5 --json out.json

Times begin with the interpreter's own start and end with the process; `to iteration 1` ends when the first iteration is
done and reported, while its picture and its checkpoint are still to be written.  `cold` has an empty NUMBA_CACHE_DIR
and compiles, `warm` finds the kernels that the cold run before it left.  Memory is the peak of a process that trains
the MNIST recipe for some iterations on as many uint8 images as MNIST's; every contender has the same weights and the
same images.  A first round, not counted, leaves bytecode and the disk's cache as they are on a machine in use.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.peers.recipe import MNIST, initial_weights

IMAGES, TRAINING_IMAGES, SIDE = 60_000, 50_000, 28
ITERATIONS = 50
IDX_IMAGES = 0x803
START, NUMPY, MINIGAN, GAN = "python -c pass", "import numpy", "import minigan", "from minigan import GAN"
NO_TORCH = "PyTorch is not installed (pip install torch): its row is left out"


class Failed(Exception):
    """A measured process failed: one line that says which, and its last words."""


class Workplace:
    """A temporary folder with data, caches and outputs, and the environment of the processes that are measured there.

    Bytecode and matplotlib's list of fonts go there as well: nothing depends on what lies about, and nothing is left.
    """

    def __init__(self, folder: Path, examples: np.ndarray):
        self.folder, self.number = folder, 0
        self.data = folder / "mnist"
        self.data.mkdir()
        header = struct.pack(">IIII", IDX_IMAGES, len(examples), SIDE, SIDE)
        (self.data / "train-images-idx3-ubyte").write_bytes(header + examples.tobytes())
        self.environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.environment |= {
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
            "MPLCONFIGDIR": str(folder / "matplotlib"),
        }

    def fresh(self, name: str) -> Path:
        """A path in the folder where nothing is yet."""
        self.number += 1
        return self.folder / f"{name}-{self.number}"

    def run(self, *args: str, cache: Path | None = None) -> str:
        """What python prints with these arguments.  Raises Failed where it fails."""
        command = [sys.executable, *args]
        done = subprocess.run(command, cwd=self.folder, env=self._environment(cache), capture_output=True, text=True)
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["nothing on standard error"]
            raise Failed(f"python {' '.join(args)}: exit code {done.returncode}: {said[-1]}")
        return done.stdout

    def _environment(self, cache: Path | None) -> dict[str, str]:
        return self.environment | {"NUMBA_CACHE_DIR": str(cache or self.folder / "numba")}

    def seconds(self, *args: str, cache: Path | None = None) -> float:
        """How long python runs with these arguments."""
        start = time.perf_counter()
        self.run(*args, cache=cache)
        return time.perf_counter() - start

    def train(self, backend: str, cache: Path) -> float:
        """Seconds until the training command has done and reported its first iteration."""
        args = ("--preset", "mnist", "--data", str(self.data), "--iterations", "1", "--backend", backend)
        command = [sys.executable, "-m", "minigan.train", *args, "--out", str(self.fresh("run"))]
        start, said = time.perf_counter(), []
        with subprocess.Popen(
            command, cwd=self.folder, env=self._environment(cache), stdout=subprocess.DEVNULL, stderr=PIPE, text=True
        ) as process:
            for line in process.stderr:
                said.append(line.strip())
                if line.startswith("iteration 1 "):
                    return time.perf_counter() - start
        raise Failed(f"{' '.join(command)}: exit code {process.returncode}: {said[-1:]}")

    def peak(self, name: str, cache: Path | None = None) -> float:
        """MiB at the peak of `train_and_weigh(name)`."""
        return float(self.run("-c", f"from benchmarks.startup import train_and_weigh as f; f({name!r})", cache=cache))


def train_and_weigh(name: str) -> None:
    """Train the MNIST recipe in this process and print its peak memory in MiB.      name: numba, numpy or torch"""
    examples = np.random.default_rng(1).integers(0, 256, (TRAINING_IMAGES, MNIST.features), dtype=np.uint8)
    weights = initial_weights(MNIST, seed=0)
    if name == "torch":
        import torch

        from benchmarks.peers.torch_eager import TorchGAN

        gan = TorchGAN(MNIST, weights, 0)
        gan.data = torch.from_numpy(examples)  # set_data would copy
    else:
        from benchmarks.peers.ours import MiniGAN

        gan = MiniGAN(MNIST, weights, 0, name)
        gan.set_data(examples)
    del weights
    gan.iterate(ITERATIONS)
    print(peak_memory())


def peak_memory() -> float:
    """This process's largest resident size so far, in MiB.

    Linux has it in /proc; its ru_maxrss would begin with the size of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        kibibytes = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(kibibytes) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def measurements(workplace: Workplace, with_torch: bool) -> dict[tuple[str, str], Callable[[], float]]:
    """{(what, unit): measure once}, in the order in which they take their turn: warm follows its cold."""
    caches: dict[str, Path] = {}

    def cold(backend: str) -> float:
        caches[backend] = workplace.fresh("cache")
        return workplace.train(backend, caches[backend])

    def cold_peak() -> float:
        caches["peak"] = workplace.fresh("cache")
        return workplace.peak("numba", caches["peak"])

    found: dict[tuple[str, str], Callable[[], float]] = {(START, "ms"): lambda: 1e3 * workplace.seconds("-c", "pass")}
    for statement in (NUMPY, MINIGAN, GAN):
        found[statement, "ms"] = lambda code=statement: 1e3 * workplace.seconds("-c", code)
    found["minigan.train --help", "ms"] = lambda: 1e3 * workplace.seconds("-m", "minigan.train", "--help")
    for backend in ("numba", "numpy"):
        found[f"to iteration 1, {backend}, cold", "ms"] = lambda b=backend: 1e3 * cold(b)
        found[f"to iteration 1, {backend}, warm", "ms"] = lambda b=backend: 1e3 * workplace.train(b, caches[b])
    found["peak memory, minigan numba, cold", "MiB"] = cold_peak
    found["peak memory, minigan numba", "MiB"] = lambda: workplace.peak("numba", caches["peak"])
    found["peak memory, minigan numpy", "MiB"] = lambda: workplace.peak("numpy")
    if with_torch:
        found["peak memory, PyTorch eager", "MiB"] = lambda: workplace.peak("torch")
    return found


def measure(found: dict[tuple[str, str], Callable[[], float]], rounds: int) -> list[dict]:
    """One row a measurement; all take turns, and the first round is not counted."""
    values: dict[tuple[str, str], list[float]] = {key: [] for key in found}
    for _ in range(rounds + 1):
        for key, once in found.items():
            values[key].append(once())
    return [
        {
            "what": what,
            "unit": unit,
            "median": round(float(np.median(counted)), 2),
            "min": round(min(counted), 2),
            "max": round(max(counted), 2),
        }
        for (what, unit), (_, *counted) in values.items()
    ]


def ratios(rows: list[dict]) -> dict[str, float]:
    """Of medians, those of each pair that was measured."""
    median = {row["what"]: row["median"] for row in rows}
    start = median[START]
    found = {f"{code} / {NUMPY}": median[code] / median[NUMPY] for code in (MINIGAN, GAN)}
    for code in (MINIGAN, GAN):
        found[f"{code} / {NUMPY}, less the interpreter's start"] = (median[code] - start) / (median[NUMPY] - start)
    train, peak = "to iteration 1, ", "peak memory, "
    found["to iteration 1: numba cold / numba warm"] = median[f"{train}numba, cold"] / median[f"{train}numba, warm"]
    found["to iteration 1: numba warm / numpy warm"] = median[f"{train}numba, warm"] / median[f"{train}numpy, warm"]
    if f"{peak}PyTorch eager" in median:
        for ours in ("minigan numba, cold", "minigan numba", "minigan numpy"):
            found[f"peak memory: PyTorch eager / {ours}"] = median[f"{peak}PyTorch eager"] / median[peak + ours]
    return {name: round(ratio, 3) for name, ratio in found.items()}


def table(rows: list[dict], of_medians: dict[str, float]) -> str:
    """Rows and ratios as Markdown."""
    lines = ["| | median | min | max | |", "|---|---|---|---|---|"]
    lines += [f"| {r['what']} | {r['median']:.1f} | {r['min']:.1f} | {r['max']:.1f} | {r['unit']} |" for r in rows]
    lines += ["", "| ratio of medians | |", "|---|---|"]
    lines += [f"| {name} | {ratio:.2f} |" for name, ratio in of_medians.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds {options.rounds}: expected at least 1")
    if options.json and not options.json.parent.is_dir():
        parser.error(f"--json {options.json}: expected a file in a folder that exists")
    with_torch = find_spec("torch") is not None
    examples = np.random.default_rng(0).integers(0, 256, (IMAGES, SIDE * SIDE), dtype=np.uint8)
    with tempfile.TemporaryDirectory(prefix="minigan-startup-") as folder:
        workplace = Workplace(Path(folder), examples)
        try:
            rows = measure(measurements(workplace, with_torch), options.rounds)
        except Failed as error:
            sys.exit(f"startup.py: {error}")
    of_medians = ratios(rows)
    print(table(rows, of_medians))
    if options.json:
        from benchmarks.step import machine, versions

        result = {"rows": rows, "ratios": of_medians, "machine": machine(), "versions": versions()}
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if not with_torch:
        print(NO_TORCH, file=sys.stderr)


if __name__ == "__main__":
    main()
