"""What watches a run cannot end it: pictures, the progress bar, messages and signal handlers.

What keeps a run, its checkpoints and its metrics, stays strict.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from minigan.errors import one_line


class Watching:
    """Calls of what watches a run.

    failed  is told of the first failure of each: (its name, the error in one line)
    """

    def __init__(self, failed: Callable[[str, str], None]):
        self._failed, self._told = failed, set[str]()

    def __call__(self, name: str, watch: Callable[..., object], *arguments: object) -> None:
        """Call it; an error in it does not end the run."""
        try:
            watch(*arguments)
        except Exception as error:
            if name not in self._told:
                self._told.add(name)
                self._failed(name, one_line(error))


@contextmanager
def stop_signals(
    stop: Callable[[], None], names: tuple[str, ...] = ("SIGINT", "SIGTERM", "SIGHUP")
) -> Iterator[list[int]]:
    """These signals, but a SIGHUP that is ignored (nohup), call `stop` inside; gives a list of those that came.

    Only the main thread may have handlers: in another one the signals do what they did before.
    """
    handlers: dict[int, Any] = {}
    received: list[int] = []

    def handler(number: int, frame: FrameType | None) -> None:
        received.append(number)
        stop()

    if threading.current_thread() is threading.main_thread():
        for name in names:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and (name != "SIGHUP" or signal.getsignal(number) is signal.SIG_DFL):
                handlers[number] = signal.signal(number, handler)
    try:
        yield received
    finally:
        for number, before in handlers.items():
            signal.signal(number, before)
