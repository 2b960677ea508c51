"""Which label stands beside which row: a game whose rows say themselves of which class they are.

An example of class c is (c, 1/4), and G makes (c, 1/2) of whatever z and label c; so each row that D sees has to have
its first feature's label beside it.
"""

from __future__ import annotations

import numpy as np

from minigan.backends import Ops
from minigan.checks.finite_differences import Result, agree
from minigan.data import Dataset, minibatches
from minigan.data.labels import Labels
from minigan.game.condition import Condition
from minigan.game.of_recipe import game_of
from minigan.layers import Linear, Sequential
from minigan.options.recipe import Recipe

METHOD = "known answer"


def check_labels(ops: Ops, name: str, m: int = 5, classes: int = 3) -> list[Result]:
    """The labels of D's real rows, and of its fakes in a step of D and in one of G."""
    number = np.arange(4 * m) % classes
    x = np.stack([number, np.full(len(number), 0.25)], axis=1).astype(np.float64)
    recipe = Recipe(precision="float64", latent=2, batch_size=m, condition="labels")
    generator, discriminator = Sequential(Linear(2 + classes, 2)), Sequential(Linear(2 + classes, 1))
    game = game_of(ops, generator, discriminator, recipe, 4)
    W = np.concatenate([np.zeros((2, 2)), np.stack([np.arange(classes), np.full(classes, 0.5)], axis=1)])
    ops.copy(ops.asarray(W), out=game.generator.params["0.W"])
    data = minibatches(ops, Dataset("classes", x, labels=Labels.of("classes", number)), m, 0, np.float64)
    data.prepare(0, 1)
    condition = game.condition
    assert isinstance(condition, Condition)

    def row(whose: str, half: slice) -> Result:
        """The class that D's rows say, and the label beside each."""
        rows = ops.to_host(condition.input_d)[half]
        return agree(f"{name}: {whose}", METHOD, rows[:, 2:] @ np.arange(classes), rows[:, 0])

    game.draw_x(data, 0)
    game.draw_z(0)
    game.d_step()
    found = [row("of the data", slice(m)), row("of the fakes", slice(m, None))]
    game.draw_z(1)
    game.g_step(1)
    return [*found, row("in G's step", slice(m, None))]
