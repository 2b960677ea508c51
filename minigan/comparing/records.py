"""What two runs say of themselves, and in which of it they differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

from minigan.comparing.saved_run import SavedRun
from minigan.data.describe import nameless
from minigan.options.config import THIS_CALL, Config
from minigan.options.recipe import Recipe

Kind = Literal["seed", "option", "phase", "data", "backend", "kernels", "habit"]
CAUSES = ("seed", "option", "phase", "data")
"""Kinds that change what is computed, and not only how it is rounded."""

DECIDE = ("generator", "discriminator", "contrast", "standardise", "generator_from")
"""Options beside the recipe that decide numbers."""

TOLD_OTHERWISE = ("preset", "data", "size", "background", "skip_unreadable", "phases")
"""Options of which other rows tell more: the data have a SHA-256."""

RUNS_ON = ("backend", "threads", "device")
LENGTH_OF_A_DIGEST = 12
NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Row:
    """One thing that both runs record, and each one's value in words."""

    kind: Kind
    name: str
    one: str
    other: str

    @property
    def same(self) -> bool:
        return self.one == self.other

    @property
    def differs(self) -> bool:
        """Whether both say something, and not the same."""
        return not self.same and NOT_RECORDED not in (self.one, self.other)

    def __str__(self) -> str:
        """ "lr 0.1 and 0.05" """
        return f"{self.name} {self.one} and {self.other}"


def records(one: SavedRun, other: SavedRun) -> list[Row]:
    """Everything that both record, those that decide more first."""

    def row(kind: Kind, name: str, told: Callable[[SavedRun], object]) -> Row:
        return Row(kind, name, *(str(told(run)) for run in (one, other)))

    rows = [row("seed", "seed", lambda run: run.config.seed)]
    rows += [row("data", "data", data_of), row("data", "labels", labels_of)]
    rows += [row("option", f.name, lambda run: getattr(run.recipe_of(0), f.name)) for f in fields(Recipe)[1:]]
    rows += [row("option", name, lambda run: getattr(run.config, name)) for name in DECIDE]
    rows += [row("phase", "phases", lambda run: "; ".join(f"{p.iteration}: {p.said}" for p in run.phases) or "none")]
    rows += [row("backend", "backend", lambda run: run.header.get("backend"))]
    rows += [row("backend", "threads", lambda run: run.header.get("threads"))]
    rows += [row("backend", "distributed", lambda run: told(run, distributed))]
    rows += [row("kernels", "numerics", lambda run: run.header.get("numerics", 1))]
    packages = {name: None for run in (one, other) for line in run.sessions() for name in line["versions"]}
    rows += [
        row("kernels", name, lambda run: told(run, lambda line: line["versions"].get(name, "none")))
        for name in packages
    ]
    rows += [row("kernels", name, lambda run: told(run, of)) for name, of in OF_A_SESSION.items()]
    known = {f.name for f in fields(Recipe)} | {*DECIDE, *TOLD_OTHERWISE, *RUNS_ON, *THIS_CALL}
    habits = [f.name for f in fields(Config) if f.name not in known]
    return rows + [row("habit", name, lambda run: getattr(run.config, name)) for name in habits]


def data_of(run: SavedRun) -> str:
    """The name of the training data, and the beginning of their SHA-256; with what else was done to them."""
    described = nameless(run.header["data"])
    digest = str(described.get("sha256", NOT_RECORDED))[:LENGTH_OF_A_DIGEST]
    return f"{digest} {described.get('dtype')} {described.get('shape')}"


def labels_of(run: SavedRun) -> str:
    """The beginning of the SHA-256 of the labels that both players are told."""
    described = run.header["data"].get("labels")
    return described["sha256"][:LENGTH_OF_A_DIGEST] if described else "none"


def told(run: SavedRun, of: Callable[[dict[str, Any]], object]) -> str:
    """What the sessions of a run say, each value once."""
    return ", then ".join(dict.fromkeys(str(of(line)) for line in run.sessions())) or NOT_RECORDED


def distributed(line: dict[str, Any]) -> str:
    """Whether ranks shared the game, which adds up in another order: as the command says it."""
    asked = re.search(r"--distributed[ =](\S+)", str(line.get("command")))
    return asked[1] if asked else "no"


def git(line: dict[str, Any]) -> str:
    """The commit of minigan that played, and whether files had changed since."""
    state = (line.get("git") or {}).get("minigan") or {}
    if "commit" not in state:
        return NOT_RECORDED
    return f"{state['commit'][:LENGTH_OF_A_DIGEST]}{' changed' * bool(state.get('changed'))}"


OF_A_SESSION: dict[str, Callable[[dict[str, Any]], object]] = {
    "git": git,
    "BLAS": lambda line: ", ".join(sorted(line.get("blas", ()))) or NOT_RECORDED,
    "processor": lambda line: line["machine"].get("processor"),
    "system": lambda line: line["machine"].get("system"),
}


def differing(rows: Iterable[Row], *kinds: str) -> list[Row]:
    """The rows of these kinds that differ."""
    return [row for row in rows if row.kind in kinds and row.differs]


def in_force(rows: list[Row], one: SavedRun, other: SavedRun, iteration: int) -> list[Row]:
    """The causes that differ in one iteration, the first being 1; 0: at the beginning.

    A phase has changed what an option was in the beginning.  Where the recipes of this iteration are equal, all causes.
    """
    causes = differing(rows, *CAUSES)
    recipes = one.recipe_of(iteration), other.recipe_of(iteration)
    pairs = [(f.name, *(getattr(recipe, f.name) for recipe in recipes)) for f in fields(Recipe)]
    now = [Row("seed" if name == "seed" else "option", name, str(a), str(b)) for name, a, b in pairs if a != b]
    lasting = [row for row in causes if row.kind == "data" or row.name in DECIDE]
    return now + lasting or causes
