"""The numbers of a run as it went on, few enough to be drawn however long it is."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

from minigan.options.recipe import Recipe

NAMES = ("d_loss", "g_loss", "d_real", "d_fake")
MOST = 800


class Curves:
    """Numbers of each `every`-th iteration; where there are too many, of every second one of those."""

    def __init__(self, every: int = 5):
        self.every = every
        self._lines: list[tuple[float, ...]] = []

    def due(self, iteration: int) -> bool:
        """Whether this iteration's numbers are kept."""
        return iteration % self.every == 0

    def add(self, iteration: int, numbers: dict[str, Any]) -> None:
        self._lines.append((iteration, *(np.nan if numbers[name] is None else numbers[name] for name in NAMES)))
        if len(self._lines) > MOST:
            self.every *= 2
            self._lines = [line for line in self._lines if line[0] % self.every == 0]

    def content(self) -> dict[str, np.ndarray]:
        """{"iteration": (n,) float64, "d_loss": ..., ...}"""
        columns = np.array(self._lines, np.float64).reshape(-1, 1 + len(NAMES)).T
        return dict(zip(("iteration", *NAMES), columns))


def references(recipe: Recipe) -> dict[str, list[list[Any]]]:
    """Where both losses are, and D(x), once D can tell nothing: {chart: [[height, its name], ...]}.

    There D = 1/2: D's loss is -V = log 4 (half of it in the simultaneous order), and G's -log 1/2 or log 1/2.
    """
    half = 0.5 if recipe.updates == "simultaneous" else 1.0
    d_loss: list[Any] = [half * log(4), "log 4" if half == 1 else "log 2"]
    losses: dict[str, list[list[Any]]] = {
        "non-saturating": [d_loss, [log(2), "log 2"]],
        "saturating": [d_loss, [-log(2), "-log 2"]],
        "least-squares": [[half / 4, "1/4" if half == 1 else "1/8"], [1 / 8, "1/8"]],
    }
    return {"losses": losses.get(str(recipe.loss), []), "beliefs": [[0.5, "1/2"]]}
