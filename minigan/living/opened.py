"""An iteration of a run, opened: played beside it, so that every array and gradient of it can be looked at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from minigan.errors import ConfigError
from minigan.explaining.step import Step
from minigan.living.worker import Worker


class Opened(Worker, ABC):
    """A worker that opens the iteration at which its run is.  What was opened stays, however far the run goes on."""

    COMMANDS: tuple[str, ...] = ("open", "graph", "tensor", "entry")
    _step: Step | None = None

    @abstractmethod
    def coming_step(self) -> Step:
        """The iteration to open, in memory of its own; the run stays as it is."""

    def open(self) -> None:
        """Open it."""
        self._step = self.coming_step()

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
