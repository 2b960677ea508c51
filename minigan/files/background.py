"""Work beside the training: hashing and writing a checkpoint takes longer than many an iteration."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """One thread, one thing at a time; what it raises is raised by the next `begin` or `wait`."""

    def __init__(self):
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="minigan-background")
        self._begun: Future | None = None

    def begin(self, thing: Callable[[], None]) -> None:
        """Begin it once what was begun before is done."""
        self.wait()
        self._begun = self._thread.submit(thing)

    def wait(self) -> None:
        """Return when all that was begun is done."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.result()
