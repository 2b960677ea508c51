"""A thread that owns a run: commands go in by a queue, pictures come out, and nothing else is shared with pages."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from minigan.living.picture import Newest


class Worker(threading.Thread):
    """Does what is asked for, one after the other; a subclass has a method for each command, named in `COMMANDS`.

    newest  what pages look at
    """

    COMMANDS: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__(name="minigan.live", daemon=True)
        self.newest = Newest()
        self._asked: queue.SimpleQueue[tuple[str, dict[str, Any], Future[Any]]] = queue.SimpleQueue()
        self._ended = False

    def ask(self, command: str, **arguments: Any) -> Future[Any]:
        """Have a command done; the future has its answer, or its error.  Raises KeyError for an unknown command."""
        if command not in self.COMMANDS:
            raise KeyError(command)
        return self._ask(command, arguments)

    def stop(self) -> None:
        """End after what is at hand, and wait for the end."""
        self._ask("_end", {})
        self.join()

    def drawn(self, name: str) -> Path | None:
        """The file of a drawing of this name; None where there is none."""
        return None

    def _ask(self, command: str, arguments: dict[str, Any]) -> Future[Any]:
        done: Future[Any] = Future()
        self._asked.put((command, arguments, done))
        return done

    def _end(self) -> None:
        self._ended = True

    def _do_next(self, seconds: float | None) -> str | None:
        """Do the next command, if one comes within so many seconds (None: wait for it); which one it was."""
        try:
            command, arguments, done = self._asked.get(timeout=seconds) if seconds != 0 else self._asked.get_nowait()
        except queue.Empty:
            return None
        if not done.set_running_or_notify_cancel():
            return command  # who asked has gone
        try:
            done.set_result(getattr(self, command)(**arguments))
        except Exception as error:
            done.set_exception(error)
        return command
