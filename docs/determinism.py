"""What is equal to the last bit, and what agrees up to rounding:      python docs/determinism.py

Each row trains one seed twice and says how far apart the two have come, in parts of the way that the weights went, with
a column for the kernels of each processor that this one can stand in for (tests/processors.py); writes
docs/determinism-table.md.  A test runs the same rows.

    python docs/determinism.py --column       prints the column of the kernels that this process has
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import processors

from minigan import GAN, Recipe
from minigan.backends.numba.numba_ops import cores
from minigan.data import load, minibatches
from minigan.layers.models import build

PAGE = Path(__file__).parent / "determinism-table.md"
ITERATIONS, STOPPED_AT, LATENT = 60, 37, 32
BEFORE_A_FLIP = 10
"""iterations after which float32's rounding has seldom turned a relu or a winner, which is soon more than rounding"""
GENERATOR = ("relu 128", "relu 128", "sigmoid bias=marginals")
DISCRIMINATOR = ("maxout 64x5 keep=.8", "maxout 64x5 keep=.5", "linear keep=.5")


@dataclass(frozen=True)
class Way:
    """One way to train: on what, in which precision, and whether it was stopped, saved, loaded and gone on with."""

    backend: str = "numpy"
    threads: int = 1
    precision: str = "float32"
    resumed: bool = False

    def weights(self, updates: str, seed: int = 3, iterations: int = ITERATIONS) -> list[np.ndarray]:
        """The parameters of G and of D, in float64, after so many iterations on the embedded digits."""
        data = load("digits")
        networks = build(GENERATOR, LATENT, data.n_features, data.means()), build(DISCRIMINATOR, data.n_features, 1)
        recipe = Recipe(seed, self.precision, LATENT, updates=updates, momentum_final=0.7, momentum_epochs=5)
        gan = GAN(*networks, recipe, self.backend, self.threads).fit(data, iterations=0)
        source = minibatches(gan.ops, data, recipe.batch_size, recipe.seed, recipe.dtype)
        for t in range(iterations):
            if self.resumed and t == STOPPED_AT:
                gan = self._saved_and_loaded(gan)
            with gan.ops.session():
                gan.step(source)
        players = gan.game.generator, gan.game.discriminator
        return [player.params.on_host().astype(np.float64) for player in players]

    def _saved_and_loaded(self, gan: GAN) -> GAN:
        """Another GAN of the same backend and threads, in the state of this one."""
        with tempfile.TemporaryDirectory() as folder:
            gan.save(f"{folder}/half.safetensors")
            return GAN.load(f"{folder}/half.safetensors", self.backend, self.threads)

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        return f"{self.backend}, {threads}, {self.precision}{', stopped and resumed' * self.resumed}"


ROWS = [
    (Way("numpy"), Way("numpy"), ITERATIONS, 0),
    (Way("numpy", 2), Way("numpy", 2), ITERATIONS, 0),
    (Way("numba"), Way("numba"), ITERATIONS, 0),
    (Way("numba", 2), Way("numba", 2), ITERATIONS, 0),
    (Way("numpy"), Way("numpy", resumed=True), ITERATIONS, 0),
    (Way("numpy", 2), Way("numpy", 2, resumed=True), ITERATIONS, 0),
    (Way("numba", cores()), Way("numba", cores(), resumed=True), ITERATIONS, 0),
    (Way("numpy", 1), Way("numpy", 2), BEFORE_A_FLIP, 1e-3),
    (Way("numba", 1), Way("numba", 2), BEFORE_A_FLIP, 1e-3),
    (Way("numpy"), Way("numba"), BEFORE_A_FLIP, 1e-3),
    (Way("numpy", precision="float64"), Way("numpy", precision="float32"), BEFORE_A_FLIP, 1e-2),
    (Way("numpy", precision="float64"), Way("numba", precision="float64"), ITERATIONS, 1e-11),
]
"""(one way, another, iterations, the largest difference allowed, in parts of the way; 0 for the same bits)"""


def difference(one: list[np.ndarray], other: list[np.ndarray], start: list[np.ndarray]) -> float:
    """|one - other| / |one - start| of G or of D, the larger of the two."""
    return max(float(np.linalg.norm(a - b) / np.linalg.norm(a - s)) for a, b, s in zip(one, other, start))


def column() -> list[str]:
    """What each row has on the kernels of this process, in the order of play that is further apart."""
    found = []
    for one, other, iterations, _ in ROWS:
        apart = []
        for updates in ("alternating", "simultaneous"):
            ends = (way.weights(updates, iterations=iterations) for way in (one, other))
            apart.append(difference(*ends, one.weights(updates, iterations=0)))
        found.append(f"{max(apart):.1e}" if max(apart) else "equal bits")
    return found


def columns() -> dict[str, list[str]]:
    """{kernels: their column}, each from a process of its own: this processor's own kernels, then the settings'."""
    settings = [setting for setting in processors.SETTINGS if not setting.why_not()]
    named = {f"OpenBLAS {processors.openblas_kernel()}": {}}
    named |= {setting.kernels: {setting.variable: setting.value} for setting in settings}
    found = {}
    for kernels, variables in named.items():
        print(kernels, file=sys.stderr)
        command = [sys.executable, __file__, "--column"]
        printed = subprocess.run(command, env=os.environ | variables, stdout=subprocess.PIPE, text=True, check=True)
        found[kernels] = printed.stdout.splitlines()
    return found


def main() -> None:
    if "--column" in sys.argv:
        if wrong := processors.not_as_asked():
            sys.exit(wrong)
        print("\n".join(column()))
        return
    found = columns()
    lines = [["one way", "another", "iterations", "allowed", *found], ["---"] * (4 + len(found))]
    for (one, other, iterations, allowed), *cells in zip(ROWS, *found.values(), strict=True):
        lines.append([one, other, iterations, allowed or "equal bits", *cells])
    PAGE.write_text("".join(f"| {' | '.join(map(str, line))} |\n" for line in lines))


if __name__ == "__main__":
    main()
