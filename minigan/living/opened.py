"""The coming iteration of a run, opened: played beside it, so that every array and gradient of it can be looked at."""

from __future__ import annotations

from typing import Any

from minigan.errors import ConfigError
from minigan.explaining.step import Step
from minigan.living.session import Session
from minigan.living.worker import Worker


class Opened(Worker):
    """A worker whose session's coming iteration can be opened.  What was opened stays, however far the run goes on."""

    COMMANDS: tuple[str, ...] = ("open", "graph", "tensor", "entry")
    session: Session
    _step: Step | None = None

    def open(self) -> None:
        """Play the coming iteration in memory of its own; the run stays as it is."""
        if self.session.half:
            raise ConfigError("D has made its steps of this iteration: expected G's step before another is opened")
        self._step = Step(self.session.gan, self.session.source)

    def graph(self) -> dict[str, Any]:
        """As `Step.graph`."""
        return self._opened().graph()

    def tensor(self, name: str) -> dict[str, Any]:
        """As `Step.tensor`."""
        return self._opened().tensor(name)

    def entry(self, name: str, index: list[int]) -> dict[str, Any]:
        """As `Step.entry`."""
        return self._opened().entry(name, index)

    def _opened(self) -> Step:
        if self._step is None:
            raise ConfigError("no step has been opened yet")
        return self._step
