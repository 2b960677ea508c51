"""What watches a run cannot end it: pictures, the progress bar, messages and signal handlers.

What keeps a run, its checkpoints and its metrics, stays strict.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from minigan.errors import one_line


class Watching:
    """Calls of what watches a run.

    failed  is told of the first failure of each: (its name, the error in one line)
    """

    def __init__(self, failed: Callable[[str, str], None]):
        self._failed, self._told = failed, set()

    def __call__(self, name: str, watch: Callable, *arguments) -> None:
        """Call it; whatever it raises, the run goes on."""
        try:
            watch(*arguments)
        except Exception as error:
            if name not in self._told:
                self._told.add(name)
                self._failed(name, one_line(error))


@contextmanager
def stop_signals(stop: Callable) -> Iterator[None]:
    """SIGINT and SIGTERM call `stop(number, frame)` inside; in another thread than the main one, which alone may have
    handlers, they do what they did before."""
    numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    handlers = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
