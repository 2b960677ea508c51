"""Phases: from an iteration on, a run goes on by another recipe.

A run's recipe is the one that it has now; each phase says what it changed, and so what there was before.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from minigan.errors import ConfigError, shortened
from minigan.options.recipe import Recipe

FIXED = ("seed", "precision", "latent", "condition")
"""What a run keeps, beside its networks and its data."""


@dataclass(frozen=True)
class Phase:
    """From `iteration` on:  changed {option: (value before, value from then on)}."""

    iteration: int
    changed: dict[str, tuple[Any, Any]]

    def __str__(self) -> str:
        """As a checkpoint's header and a config.toml keep it: '1000 {"k": [1, 3]}'; a loss of one's own by its repr."""
        return f"{self.iteration} {json.dumps(self.changed, default=plain)}"

    @classmethod
    def read(cls, text: str) -> Self:
        """What `str` made of a phase.  Raises ConfigError for anything else."""
        iteration, _, changed = text.partition(" ")
        try:
            pairs = {str(name): (before, after) for name, (before, after) in json.loads(changed).items()}
            phase = cls(int(iteration), pairs)
        except (ValueError, TypeError, AttributeError, RecursionError):
            phase = cls(0, {})
        known = {f.name for f in fields(Recipe)} - set(FIXED)
        if not (1 <= phase.iteration < 2**32 and phase.changed and phase.changed.keys() <= known):
            raise ConfigError(f'--phases {shortened(text)}: expected such as 1000 {{"k": [1, 3]}}')
        return phase

    @property
    def said(self) -> str:
        """In words: "k 1 to 3, lr 0.1 to 0.05"."""
        return ", ".join(f"{name} {before} to {after}" for name, (before, after) in self.changed.items())


def plain(value: Any) -> Any:
    """What JSON has no form of: a number of NumPy's, or a loss of one's own."""
    return value.item() if hasattr(value, "item") else repr(value)


def recipe_before(recipe: Recipe, phases: Sequence[Phase], iteration: int = 0) -> Recipe:
    """By which the iteration before `iteration` was played, where `recipe` is that after all phases; 0: the first."""
    for phase in reversed(phases):
        if phase.iteration >= iteration:
            recipe = replace(recipe, **{name: before for name, (before, _) in phase.changed.items()})
    return recipe


def with_phase(phases: Sequence[Phase], iteration: int, before: Recipe, after: Recipe) -> tuple[Phase, ...]:
    """The phases of a run that came to `iteration` by the recipe `before` and goes on by `after`.

    Raises ConfigError, naming the option, for what a run keeps.
    """
    pairs = {f.name: (getattr(before, f.name), getattr(after, f.name)) for f in fields(Recipe)}
    changed = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    for name in FIXED:
        if name in changed:
            kept, asked = changed[name]
            raise ConfigError(f"--{name} {asked}: a run keeps its {name}, {kept}; expected that, or a new run")
    earlier = [phase for phase in phases if phase.iteration < iteration]
    # Before the first iteration there is nothing that another recipe has played.
    return (*earlier, *([Phase(iteration, changed)] if changed and iteration else []))
