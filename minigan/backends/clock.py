"""The clock: the few numbers that change from iteration to iteration, kept where the kernels read them.

A captured GPU step replays the same kernels with the same arguments, so nothing that varies may be an argument: the
iteration, the learning rate and the momentum are arrays of shape () with a fixed address, written by `Ops.set_clock`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from minigan.backends.array import Array

Number: TypeAlias = float | Array
"""of a product or a sum: a float, fixed for ever, or an array of a clock, read when the kernel runs"""


class Schedule(Protocol):
    """A number that depends on the iteration alone (`minigan.game.schedules`)."""

    def __call__(self, iteration: int) -> float: ...


@dataclass(frozen=True)
class Clock:
    """What every kernel of an iteration may read; the arrays have shape () and keep their addresses.

    iteration            uint64, counted from 0
    lr                   float64: the learning rate
    minus_lr             float64: the alpha of  v <- mu v - lr g
    momentum             float64: its beta
    """

    iteration: Array
    lr: Array
    minus_lr: Array
    momentum: Array
    lr_schedule: Schedule
    momentum_schedule: Schedule


@dataclass(frozen=True)
class Count:
    """A running number that the clock implies:  number = iteration * per_iteration + offset.

    With k D-steps an iteration, D's updates and minibatches are Count(clock, k, substep); G's are Count(clock).
    """

    clock: Clock
    per_iteration: int = 1
    offset: int = 0

    def __int__(self) -> int:
        """The number now.  Host backends only: a GPU kernel computes it from the clock's device memory."""
        return int(self.clock.iteration) * self.per_iteration + self.offset
