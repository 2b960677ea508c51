"""Two runs played again side by side, from a checkpoint that both have, until they part."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from minigan.backends import GPU
from minigan.comparing.apart import Apart, apart
from minigan.comparing.saved_run import SavedRun
from minigan.comparing.trace import Traced, first_apart
from minigan.data.describe import nameless
from minigan.errors import CheckpointError, DataError, PassedOver
from minigan.files import checkpoint
from minigan.game.state import tensors
from minigan.loop.loop import source_of
from minigan.run.start import Start


class Place(NamedTuple):
    """What computes: as `minigan.backends.get` takes it."""

    backend: Any
    threads: int | None
    device: int

    @classmethod
    def of(cls, run: SavedRun, since: int) -> Place:
        """What the run was played on after an iteration."""
        header = run.header_after(since)
        backend = header["backend"]
        return cls(backend, None if backend == GPU else header.get("threads"), run.config.device)


class Replay:
    """A run from one of its checkpoints on, or from its beginning where `since` is 0; nothing is written.

    Raises ConfigError, DataError or CheckpointError for what cannot be played again here.
    """

    def __init__(self, run: SavedRun, since: int, place: Place):
        begun_from = None if since else run.config.generator_from
        config = replace(run.config, generator_from=begun_from, validate_every=None)
        start = Start(replace(config, backend=place.backend, threads=place.threads, device=place.device))
        self.run, self.gan, self.data = run, start.gan, start.data
        if nameless(self.gan.data) != nameless(run.header["data"]):
            raise DataError(f"--data {run.config.data}: others by now than {run.name} was trained on, by SHA-256")
        if since:
            start.take(run.checkpoints[since], *run.read(since))
        self.source, self.changes = start.source, start.changes()

    def begin_phase(self) -> bool:
        """Go on by another recipe, where a phase begins at the coming iteration; whether one does."""
        recipe = self.changes.get(self.gan.iteration)
        if recipe is None:
            return False
        self.gan.change(recipe)
        self.source = source_of(self.gan, self.data)
        return True

    def step(self) -> None:
        """One iteration."""
        with self.gan.ops.session(), np.errstate(over="ignore", invalid="ignore"):
            self.gan.step(self.source)

    def traced(self) -> list[tuple[str, np.ndarray]]:
        """One iteration, and what its moves made."""
        gan = self.gan
        game = Traced(gan.game)
        self.source.prepare(gan.iteration, game.k, game.ahead)
        with gan.ops.session(), np.errstate(over="ignore", invalid="ignore"):
            game.iterate(self.source)
        gan.iteration += 1
        return game.seen

    def state(self) -> dict[str, np.ndarray]:
        """A copy of all tensors that a checkpoint would hold."""
        return self.gan.ops.snapshot(tensors(self.gan.game))()

    def restore(self, state: dict[str, np.ndarray], iteration: int) -> None:
        """Back to a `state` of the same phase."""
        checkpoint.fill(self.gan.ops, tensors(self.gan.game), state, self.run.folder.path)
        self.gan.iteration = iteration
        self.gan.game.set_clock(iteration)

    def off_course(self, state: dict[str, np.ndarray]) -> list[Apart]:
        """Where the run's own checkpoint of this iteration, if it has one, holds other numbers than came out here.

        Of each pair the first is the checkpoint's.  One that is damaged is passed over, with a warning.
        """
        if self.gan.iteration not in self.run.checkpoints:
            return []
        try:
            return apart(self.run.read(self.gan.iteration)[0], state)
        except CheckpointError as error:
            warnings.warn(f"{error}; the replay is not held to it", PassedOver, stacklevel=2)
            return []


@dataclass(frozen=True)
class Replayed:
    """What came of two runs played again.

    since, until  from which iteration on, and to which they came
    places        what computed each, in words
    parted        what differed first: within iteration `until`, or as they began where that is `since`; None: nothing
    strayed       which runs did not come to their own checkpoint of iteration `until`, and by what: {0 or 1: pairs of
                  the checkpoint's and the replay's}
    """

    since: int
    until: int
    places: tuple[str, str]
    parted: Apart | None
    strayed: dict[int, list[Apart]]


def play(one: Replay, other: Replay, until: int, held: bool = True) -> Replayed:
    """From where both are to iteration `until`, or to where they part; or, where they are `held` to their own
    checkpoints, to where one strays from those.
    """
    both, since = (one, other), one.gan.iteration
    places = one.gan.ops.description, other.gan.ops.description
    before: list[dict[str, np.ndarray]] = []
    while True:
        states, at = [replay.state() for replay in both], one.gan.iteration
        strayed = {i: replay.off_course(states[i]) for i, replay in enumerate(both)} if held and at > since else {}
        strayed = {i: found for i, found in strayed.items() if found}
        parted = next(iter(apart(*states)), None)
        if parted is not None and before:
            seen = []
            for replay, state in zip(both, before):
                replay.restore(state, at - 1)
                seen.append(replay.traced())
            parted = first_apart(*seen) or parted
        if parted is not None or strayed or at >= until:
            return Replayed(since, at, places, parted, strayed)
        if any([replay.begin_phase() for replay in both]):
            states = [replay.state() for replay in both]
        for replay in both:
            replay.step()
        before = states
