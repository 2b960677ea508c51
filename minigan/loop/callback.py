"""What a callback is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from minigan.loop.loop import Loop

Line: TypeAlias = dict[str, Any]
"""The numbers of an iteration, by the names of metrics.jsonl."""
Lines: TypeAlias = dict[str, list[float | str | None]]
"""Those of several, name by name."""


class Callback:
    """Called while a GAN trains, in the order of the list; override what you need.

    every     iterations between calls of `on_iteration_end`
    measures  whether its turn brings numbers.  They are read from the device, and all of it waits for that
    follows   whether it is called too where the turn of another one brings numbers
    keeps     an error in what keeps a run ends it; in what watches one, it is told once and the run goes on

    `loop` has `gan`, `data`, `total` (the iteration at which it ends) and `stop()`, after the iteration at hand.
    `line` holds the numbers of the iteration just done, by the names of metrics.jsonl; it is empty where none were
    measured.  What a callback adds to it, those after it see.
    """

    every: int | None = None
    measures = True
    follows = False
    keeps = False

    def on_fit_begin(self, loop: Loop) -> None:
        """Before the first iteration.  An error here ends the fit, which has not begun."""

    def on_iteration_end(self, loop: Loop, line: Line) -> None:
        """After every `every`-th iteration, where that is a number, and after the last one."""

    def on_epoch_end(self, loop: Loop, line: Line) -> None:
        """After the last iteration of each epoch, after `on_iteration_end`."""

    def on_fit_end(self, loop: Loop) -> None:
        """After the last iteration, or where the loop was stopped."""

    def on_exception(self, loop: Loop, error: BaseException) -> None:
        """Where an error ends the loop, instead of `on_fit_end`."""
