"""The numbers of a fit, kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minigan.loop.callback import Callback, Line, Lines

if TYPE_CHECKING:
    from minigan.loop.loop import Loop


class History(Callback):
    """Keeps each line in `lines`: {"iteration": [100, 200], "value": [-1.3, -1.2], ...}, as long as each other.

    every  iterations between lines; the lines of others' turns are kept too
    lines  to go on with

    What a line does not have is None.
    """

    follows = True

    def __init__(self, every: int = 100, lines: Lines | None = None):
        self.every, self.lines = every, {} if lines is None else lines

    def on_iteration_end(self, loop: Loop, line: Line) -> None:
        before = len(self.lines.get("iteration", ()))
        for name in line:
            self.lines.setdefault(name, [None] * before)
        for name, kept in self.lines.items():
            kept.append(line.get(name))
