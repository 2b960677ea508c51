"""Bugs of a conditional game: every gradient is right, of a row and a label that do not belong together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minigan.checks.planted_bugs.planting import Bugs
from minigan.data.batches import ExampleBatches
from minigan.game.condition import Condition

LABELS = Bugs()


@LABELS.plant_in(ExampleBatches, "labels", row="Labels: of the data", options="--condition labels")
def labels_of_another_row(right):
    """Each row of the data gets the label of another one of its minibatch.

    Nothing in the numbers: V -1.09, diversity .97, digits. But the rows of the picture are not of one digit each: a
    classifier reads .11 of the samples as asked, and .90 of a healthy run's.
    """
    return lambda self, draw, count, out: right(self, replace(draw, rows=np.roll(draw.rows, 1)), count, out)


@LABELS.plant_in(Condition, "for_d", row="Labels: of the fakes", options="--condition labels")
def fakes_without_a_label(right):
    """D is told the labels of the data alone; beside a fake it has zeros.

    D looks for the missing label and has won after 1,000 iterations, V -0.02. Its other weights learn nothing, and G
    makes one white blot whatever it is told.
    """

    def for_d(self, rows):
        y = np.concatenate([self.y[: self.m], np.zeros_like(self.y[self.m :])])
        above = 2 * self.m - len(rows)
        return self.ops.beside(rows, y[above:], out=self.input_d[above:])

    return for_d
