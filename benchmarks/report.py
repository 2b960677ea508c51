"""Every table of docs/performance.md, by one command:      python benchmarks/report.py

Runs the other scripts one after the other, about half an hour on two quiet cores, and writes
docs/performance-tables.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.step import machine, versions

HERE = Path(__file__).parent
TABLES = HERE.parent / "docs" / "performance-tables.md"
ALL = "floor,products,numpy,torch,torch-compile,torch-autotune,jax,jax-scan,blog"

SECTIONS = [
    ("One iteration, batch 100, on NumPy's own OpenBLAS", "numpy", ["step.py", "--rounds", "7", "--against", ALL]),
    ("One iteration, batch 100, with the MKL wheel", "mkl", ["step.py", "--rounds", "7", "--against", ALL]),
    (
        "Other recipes",
        "numpy",
        ["step.py", "--rounds", "4", "--against", "floor,torch,jax"]
        + ["--cases", "mnist-1000,mnist-simultaneous,mnist-k5,cifar10"],
    ),
    ("Kernels", "numpy", ["kernels.py"]),
    ("Scaling", "numpy", ["scaling.py"]),
    ("Environment, numba", "numpy", ["environment.py"]),
    ("Environment, numpy", "numpy", ["environment.py", "--backend", "numpy", "--rounds", "1"]),
    ("Start and memory", "numpy", ["startup.py", "--rounds", "3"]),
    ("A whole run", "numpy", ["whole_run.py", "--epochs", "10"]),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="parts of the titles of the sections to make anew")
    options = parser.parse_args()
    about = machine()
    packages = ", ".join(f"{name} {number}" for name, number in versions().items())
    where = f"{about['processor']}, {about['cores']} cores, {about['system']}; {packages}; float32."
    kept = sections(TABLES.read_text()) if TABLES.exists() else {}
    for title, blas, command in SECTIONS:
        if options.only and not any(part in title for part in options.only):
            continue
        print(title, file=sys.stderr)
        done = subprocess.run(
            [sys.executable, HERE / command[0], *command[1:]],
            env=os.environ | {"MINIGAN_BLAS": blas},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        line = f"`MINIGAN_BLAS={blas} python benchmarks/{' '.join(command)}`"
        kept[title] = f"{line}\n\n{where}\n\n{done.stdout.strip()}\n"
        TABLES.write_text("\n".join(f"### {t}\n\n{kept[t]}" for t, *_ in SECTIONS if t in kept))


def sections(text: str) -> dict[str, str]:
    """{title: body} of the tables as they stand; each says where and with what it was made."""
    parts = f"\n{text}".split("\n### ")[1:]
    return {part.split("\n", 1)[0]: part.split("\n", 1)[1].lstrip("\n") for part in parts}


if __name__ == "__main__":
    main()
