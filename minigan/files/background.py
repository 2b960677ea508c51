"""Work in the background: hashing and writing a checkpoint takes longer than many iterations."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """One thread, one job at a time; an error in a job is raised by the next `begin` or `wait`."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="minigan-background")
        self._begun: Future[None] | None = None

    def begin(self, thing: Callable[[], None]) -> None:
        """Start this job after the previous one has finished."""
        self.wait()
        self._begun = self._thread.submit(thing)

    def wait(self) -> None:
        """Return when the last job has finished."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.result()
