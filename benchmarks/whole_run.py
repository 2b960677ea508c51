"""Where the time of a whole training run goes.

    python benchmarks/whole_run.py [--epochs 5] [options of minigan.train]

`minigan.train` under cProfile, from its first import to its last file; five epochs of the MNIST recipe where nothing
else is asked for.  All but the step should stay below a twentieth.  Checkpoints are written by a thread beside
the training, so of them it counts the copy, and the waiting for that thread.
"""

from __future__ import annotations

import contextlib
import cProfile
import pstats
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

PARTS = {
    "the step: kernels, products, minibatches": [("gan.py", "step")],
    "losses, metrics.jsonl and progress": [
        ("loop.py", "_line"),
        ("run_folder.py", "log"),
        ("progress.py", "on_iteration_end"),
    ],
    "samples and their pictures": [("pictures.py", "on_iteration_end")],
    "checkpoints": [("gan.py", "snapshot"), ("background.py", "wait")],
    "data, networks, compiled kernels' start": [("trainer.py", "__init__")],
}


def seconds(stats: pstats.Stats, file: str, function: str) -> float:
    """Cumulative seconds inside a function of the package, what it calls included."""
    found = [
        cumulative
        for (path, _, name), (_, _, _, cumulative, _) in stats.stats.items()
        if name == function and Path(path).name == file and "minigan" in Path(path).parts
    ]
    return sum(found)


def main() -> None:
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__.strip())
        return
    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        options = ["--preset", "mnist", "--epochs", "5", "--backend", "numba", *sys.argv[1:], "--out", f"{folder}/run"]
        profile.enable()
        from minigan.train import main as train

        if code := train(options):
            sys.exit(code)
        profile.disable()
    stats = pstats.Stats(profile)
    print("| part | seconds | share |\n|---|---|---|")
    rest = stats.total_tt
    for part, functions in PARTS.items():
        spent = sum(seconds(stats, *function) for function in functions)
        rest -= spent
        print(f"| {part} | {spent:.2f} | {spent / stats.total_tt:.1%} |")
    print(f"| imports and all else | {rest:.2f} | {rest / stats.total_tt:.1%} |")


if __name__ == "__main__":
    main()
