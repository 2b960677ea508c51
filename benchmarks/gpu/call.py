"""One of the two calls on a machine with a GPU: its parts one after the other, page and JSON on disk after each.

    python benchmarks/gpu/call.py first|second --out FOLDER [--data FOLDER_OF_MNIST]

`parts.py` says what the parts are and how long each may take.  One that fails, is killed or takes too long says so and
the others go on; but where the first, the smoke test, fails, nothing else is tried.  FOLDER gets gpu.json and gpu.md,
both whole at any time, so what was found is there even if this program is killed.  A call that FOLDER has already
is replaced, another one stays.

Exit code 0 where the call came to its end, even if parts failed; 3 where the smoke test failed; 2 for wrong
options.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.gpu.page import page, reason
from benchmarks.gpu.parts import CALLS, Call, Part, Paths
from benchmarks.peers.recipe import REHEARSAL
from minigan.files.whole_file import replace_file

SMOKE_FAILED = 3
PATIENCE = 10 if REHEARSAL else 1
"""times the seconds of each part"""
PACKAGES = ("numpy", "cupy-cuda13x", "cupy-cuda12x", "torch", "triton", "jax", "numba", "nvidia-cublas")
CHANGES_PRECISION = ("NVIDIA_TF32_OVERRIDE", "CUBLAS_EMULATION_STRATEGY", "CUBLAS_EMULATE_SINGLE_PRECISION")
"""Environment variables by which products may be less than float32 although minigan was not asked for it."""


def machine() -> dict:
    """The GPU, its driver and what was measured with what."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        gpu = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        gpu = f"unknown ({error})"
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    set_outside = {name: os.environ[name] for name in CHANGES_PRECISION if name in os.environ}
    return {"gpu": gpu, "versions": found, "environment": set_outside, "rehearsal": REHEARSAL}


class Book:
    """gpu.json and gpu.md in a folder, written whole.

    Raises ValueError for a gpu.json that is none of ours.
    """

    def __init__(self, out: Path, name: str, call: Call):
        self.out, path = out, out / "gpu.json"
        calls = json.loads(path.read_text())["calls"] if path.exists() else {}
        self.parts = [{"name": part.name, "limit": part.limit, "state": "not begun"} for part in call.parts]
        self.result = {"calls": calls | {name: {"machine": machine(), "parts": self.parts}}}

    def write(self) -> None:
        replace_file(self.out / "gpu.json", (json.dumps(self.result, indent=1) + "\n").encode())
        try:
            text = page(self.result)
        except Exception as error:  # a machine may be there once: what is measured counts, and a page can be remade
            text = f"gpu.json has everything; this page could not be made of it ({type(error).__name__}: {error})\n"
        replace_file(self.out / "gpu.md", text.encode())


def play(call: Call, paths: Paths, book: Book) -> int:
    """Run the parts, each within its limit and what is left; the exit code."""
    deadline, failed = time.monotonic() + PATIENCE * call.limit, None
    for i, (part, row) in enumerate(zip(call.parts, book.parts)):
        left = deadline - time.monotonic() - PATIENCE * sum(later.reserved for later in call.parts[i + 1 :])
        seconds = min(PATIENCE * part.limit, left)
        if failed or seconds < 1:
            row |= {"state": "left out", "why": f"the {failed} failed" if failed else "no time was left for it"}
            book.write()
            continue
        row["state"] = "under way"
        book.write()
        failure = run(part, paths, seconds, row)
        book.write()
        print(f"{part.name}: {reason(failure) if failure else 'done'}", file=sys.stderr, flush=True)
        if failure and part.needed:
            failed = part.name
    return SMOKE_FAILED if failed else 0


def run(part: Part, paths: Paths, seconds: float, row: dict) -> str | None:
    """One part into its row: what it found, how long it took, and why that is not all."""
    start = time.monotonic()
    try:
        found, failure = part.run(paths, seconds)
    except Exception as error:  # of any kind: the other parts still go on
        found, failure = {}, f"{type(error).__name__}: {error}"
    row |= found | {"state": "failed" if failure else "done", "seconds": time.monotonic() - start}
    if failure:
        row["why"] = failure
    return failure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("call", choices=CALLS)
    parser.add_argument("--out", type=Path, required=True, help="the folder for gpu.json and gpu.md")
    parser.add_argument("--data", type=Path, help="a folder of MNIST to train on")
    options = parser.parse_args()
    if options.data and not options.data.is_dir():
        parser.error(f"--data {options.data}: expected a folder of MNIST")
    call = CALLS[options.call]
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        book = Book(options.out, options.call, call)
    except (OSError, ValueError, KeyError, TypeError) as error:
        parser.error(f"--out {options.out}: expected a folder to write to, and no gpu.json but our own ({error})")
    book.write()
    code = play(call, Paths(options.out, options.data), book)
    print((options.out / "gpu.md").read_text())
    if code == SMOKE_FAILED:
        print("benchmarks/gpu.sh: the smoke test failed, so nothing else was tried", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
