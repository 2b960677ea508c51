"""Are two backends the same game?      python benchmarks/parity.py --backend cupy [--precision tf32]

The MNIST recipe beside NumPy, in both orders of updates: whether z and the minibatches are equal bit for bit, and how
far rounding has driven the parameters apart after so many iterations, in parts of the way that they went.  The game
magnifies any difference, so the first column tells of the backend and the last one of the game.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.peers.ours import MiniGAN
from benchmarks.peers.recipe import MNIST, REHEARSAL, initial_weights

EXAMPLES, LOOKS = 20000, (1, 5) if REHEARSAL else (1, 10, 100)
UPDATES = ("alternating", "simultaneous")


def parity(updates: str, backend: str, precision: str, looks: tuple[int, ...] = LOOKS) -> dict:
    """{"same_draws": bool, "apart": {iterations: |theta - NumPy's| / |NumPy's - what it began with|}}"""
    recipe = replace(MNIST, updates=updates)
    begun = initial_weights(recipe, seed=0)
    games = MiniGAN(recipe, begun, 0, "numpy"), MiniGAN(recipe, begun, 0, backend, precision=precision)
    examples = np.random.default_rng(1).integers(0, 256, (EXAMPLES, recipe.features), dtype=np.uint8)
    same, apart = True, {}
    for game in games:
        game.set_data(examples)
    for look in looks:
        for game in games:
            game.iterate(look - game.gan.iteration)
        same &= all(np.array_equal(a, b) for a, b in zip(*(game.drawn() for game in games)))
        numpy_, other = (game.gan.snapshot().tensors() for game in games)
        apart[look] = distance(other, numpy_, begun) / distance(numpy_, begun, begun)
    return {"updates": updates, "backend": backend, "precision": precision, "same_draws": same, "apart": apart}


def distance(some: dict, others: dict, names: dict) -> float:
    """The length of the difference of the parameters."""
    return float(np.linalg.norm([np.linalg.norm(some[name] - others[name]) for name in names]))


def table(rows: list[dict]) -> str:
    """Rows as Markdown."""
    head = "| updates | backend | precision | z and minibatches |" + "".join(f" apart after {n} |" for n in LOOKS)
    lines = [head, "|---" * (4 + len(LOOKS)) + "|"]
    for r in rows:
        start = (
            f"| {r['updates']} | {r['backend']} | {r['precision']} | {'equal' if r['same_draws'] else 'DIFFERENT'} |"
        )
        lines.append(start + "".join(f" {apart:.1e} |" for apart in r["apart"].values()))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="numba", choices=("numba", "cupy"))
    parser.add_argument("--precision", nargs="*", default=["float32"], choices=("float32", "tf32", "float64"))
    options = parser.parse_args()
    print(table([parity(u, options.backend, precision) for u in UPDATES for precision in options.precision]))


if __name__ == "__main__":
    main()
