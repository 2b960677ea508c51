"""One iteration of the game, with what each of its moves made, in the order in which it was made."""

from __future__ import annotations

from collections import Counter

import numpy as np

from minigan.backends import Array
from minigan.comparing.apart import Apart, apart
from minigan.game.algorithm1 import Algorithm1, Minibatches
from minigan.game.condition import Condition
from minigan.game.player import Player
from minigan.game.state import tensors
from minigan.layers import Tape


class Traced(Algorithm1):
    """A game as it stands, whose moves leave in `seen` copies of what they made: [(its name, NumPy array), ...].

    A layer's output has the number of the layer, the last one of those that one kernel computes; what backward leaves
    has its name in checkpoints, or is called a gradient where those do not keep it (SGD's is times -lr).
    """

    def __init__(self, game: Algorithm1):
        vars(self).update(vars(game))
        self.seen: list[tuple[str, np.ndarray]] = []

    def draw_x(self, data: Minibatches, substep: int) -> None:
        super().draw_x(data, substep)
        self._see("x", self.x)
        if isinstance(self.condition, Condition):
            self._see("y", self.condition.y)

    def draw_z(self, substep: int) -> None:
        super().draw_z(substep)
        self._see("z", self.z)

    def d_step(self, substep: int = 0) -> None:
        super().d_step(substep)
        self._see_passes("", self.tape_d, self.logits)
        self._see_learning("discriminator", self.discriminator, self.dlogits_d)

    def g_step(self, substep: int = 0) -> None:
        super().g_step(substep)
        self._see_passes(" on G(z)", self.tape_d[self.m :], self.logits_g)
        self._see_learning("generator", self.generator, self.dlogits_g)

    def joint_step(self, substep: int = 0) -> None:
        super().joint_step(substep)
        self._see_passes("", self.tape_d, self.logits)
        self._see_learning("discriminator", self.discriminator, self.dlogits_d)
        self._see_learning("generator", self.generator, self.dlogits_g)

    def _see(self, name: str, array: Array) -> None:
        self.seen.append((name, self.ops.to_host(array)))

    def _see_passes(self, on: str, tape_d: Tape, last: Array) -> None:
        """Both players' layers, the lowest first; `on` says of which rows D's are, `last` what its last one made."""
        for role, player, tape in (
            ("generator", self.generator, self.tape_g),
            ("discriminator", self.discriminator, tape_d),
        ):
            for stage, memory in zip(player.network.stages, tape.layers):
                made = last if memory is tape_d.layers[-1] else memory.y
                kind = type(player.network.layers[stage.draw]).__name__
                self._see(f"{role}'s layer {stage.draw} ({kind}){on if tape is tape_d else ''}", made)

    def _see_learning(self, role: str, player: Player, dlogits: Array) -> None:
        """The derivative at the logits; what backward left, the highest layer first; what the update made of it."""
        self._see(f"derivative of the {role}'s loss by the logits", dlogits)
        optimiser = player.optimiser
        kind = next((kind for kind, kept in optimiser.state.items() if kept is optimiser.grads.target), "gradient")
        for name, view in reversed(list(optimiser.grads.target.items())):
            self._see(f"{role}.{kind}.{name}", view)
        for name, view in tensors(self).items():
            if name.startswith(f"{role}."):
                self._see(name, view)


def first_apart(one: list[tuple[str, np.ndarray]], other: list[tuple[str, np.ndarray]]) -> Apart | None:
    """The first of what two games have seen that differs; None where all is equal.

    Where the order of play differs, the n-th array of a name is held to the n-th of that name.
    """
    found = apart(numbered(one), numbered(other))
    return Apart(found[0].name.partition("#")[0], found[0].one, found[0].other) if found else None


def numbered(seen: list[tuple[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """{"x#0": its first array, "x#1": its second, ...}, in order."""
    counts: Counter[str] = Counter()
    arrays = {}
    for name, array in seen:
        arrays[f"{name}#{counts[name]}"] = array
        counts[name] += 1
    return arrays
