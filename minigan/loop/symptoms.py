"""Reads the losses while training: says what has gone wrong, and what to try."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any

from minigan.errors import spelled
from minigan.loop.callback import Callback, Line
from minigan.options.console import tell

if TYPE_CHECKING:
    from minigan.loop.loop import Loop


LINES, ITERATIONS = 3, 300
"""So many logged lines in a row, and so many iterations, must show a symptom before it is said, however often lines are
logged: the first iterations look like illness, and an untrained G hardly varies."""


def d_has_won(line: dict[str, Any]) -> bool:
    """D(x) is nearly 1 and D(G(z)) nearly 0: V above -.02, where -log 4 = -1.386 is the even game; never without V."""
    return line["value"] is not None and line["value"] > -0.02


def g_has_collapsed(line: dict[str, Any]) -> bool:
    """G makes nearly one and the same sample of every z."""
    return line["diversity"] is not None and line["diversity"] < 0.1


def units_are_dead(line: dict[str, Any]) -> bool:
    """Nine in ten of G's relu units answer to no z."""
    return line["dead_units"] is not None and line["dead_units"] > 0.9


SYMPTOMS: dict[Callable[[dict[str, Any]], bool], str] = {
    d_has_won: (
        "D has won: V {value:.3f}, D(x) {d_real:.2f}, D(G(z)) {d_fake:.2f}; it tells every sample apart and G's "
        "gradient ({g_gradient:.2g}) leads nowhere. Try a smaller --lr, more dropout in D, --k 1, or another --seed"
    ),
    g_has_collapsed: (
        "G has collapsed: its samples vary {diversity:.2f} times as much as the data. "
        "Try another --seed, a smaller --lr, a larger --batch-size, or --k 2"
    ),
    units_are_dead: (
        "{dead_units:.0%} of G's relu units are dead: no z lights them. Try a smaller --lr or smaller initial weights"
    ),
}


class Reading:
    """Reads the lines of metrics.jsonl as they come, of a run that goes on from iteration `start`."""

    def __init__(self, start: int = 0):
        self._lines, self._well_at = dict.fromkeys(SYMPTOMS, 0.0), dict.fromkeys(SYMPTOMS, start)

    def of(self, line: dict[str, Any]) -> list[str]:
        """What this line makes worth saying: each symptom once, when it has lasted, and again after it had gone."""
        said = []
        for symptom, text in SYMPTOMS.items():
            if not symptom(line):
                self._lines[symptom], self._well_at[symptom] = 0, line["iteration"]
                continue
            self._lines[symptom] += 1
            if self._lines[symptom] >= LINES and line["iteration"] - self._well_at[symptom] >= ITERATIONS:
                self._lines[symptom] = -inf
                said.append(spelled(text.format(**line)))
        return said

    def stands(self, symptom: Callable[[dict[str, Any]], bool]) -> bool:
        """Whether this one has been said and has not gone since."""
        return self._lines[symptom] == -inf


class Symptoms(Callback):
    """Says what `Reading` finds, by `say`."""

    measures, follows = False, True

    def __init__(self, say: Callable[[str], None] = tell):
        self.say, self._reading = say, Reading()

    def on_fit_begin(self, loop: Loop) -> None:
        self._reading = Reading(loop.gan.iteration)

    def on_iteration_end(self, loop: Loop, line: Line) -> None:
        for text in self._reading.of(line) if line else ():
            self.say(f"iteration {line['iteration']}: {text}")
