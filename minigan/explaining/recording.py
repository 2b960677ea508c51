"""One iteration played beside a GAN, with every array that its layers took and made."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from minigan.backends import Array, Ops, get
from minigan.explaining.names import DISCRIMINATOR, GENERATOR
from minigan.game.algorithm1 import Algorithm1, Minibatches
from minigan.game.condition import Condition
from minigan.game.of_recipe import game_of
from minigan.game.player import Player
from minigan.game.state import take_over, tensors
from minigan.gan import GAN
from minigan.layers import Maxout, Tape
from minigan.layers.fused import LinearActivation, MaxoutDropout, Stage
from minigan.layers.layer import LayerParams, LayerTape, Memory, Targets
from minigan.layers.params import Grads
from minigan.layers.sequential import STARTS
from minigan.rng import Draw

LEARN = {"d": (DISCRIMINATOR,), "g": (GENERATOR,), "joint": (DISCRIMINATOR, GENERATOR)}
"""which players learn in a move of each kind"""
LOSSES = {"d": "d", "g": "g", "joint": "dg"}
"""of which players the loss is passed back in it"""
Arrays: TypeAlias = dict[str, np.ndarray]
NUMPY = get("numpy")


@dataclass(frozen=True)
class Seen:
    """What one stage of a player's pass did.

    way     "up", or in which backward: "d" from D's loss, "g" from G's
    arrays  up    x, y, the parameters by letter, and on which side of its kinks it was (winner, kept)
            down  dy, and as far as they were asked for dz, dx, and the plain gradients dW, db
    draw    its random numbers on the way up, rows on the host; None where it draws none
    """

    role: str
    stage: int
    way: str
    arrays: Arrays
    draw: Draw | None = None

    def __getitem__(self, rows: slice) -> Seen:
        """The same way up seen by some of its rows."""
        arrays = {name: array if name in STARTS else array[rows] for name, array in self.arrays.items()}
        return replace(self, arrays=arrays, draw=None if self.draw is None else self.draw[rows])


@dataclass
class Log:
    """What has been seen, and on which way the players are."""

    seen: list[Seen] = field(default_factory=list)
    way: str = "up"


class Spied:
    """A stage whose passes are written down.  They compute what they computed.

    A gradient that goes into a velocity is stored nowhere, so a stage that learns has its backward played once more
    before, into `plain`: backward never overwrites what forward stored.
    """

    def __init__(self, stage: Stage, role: str, number: int, plain: Targets | None, log: Log):
        self.layer, self.role, self.number, self.plain, self.log = stage.layer, role, number, plain, log

    def memory(self, width: int) -> Memory:
        return self.layer.memory(width)

    def forward(self, ops: Ops, p: LayerParams, x: Array, tape: LayerTape) -> Array:
        self.log.way = "up"
        y = self.layer.forward(ops, p, x, tape)
        told = [name for name in getattr(self.layer, "kinks", ()) if name != "y"]
        arrays = {"x": ops.to_host(x), "y": ops.to_host(y).astype(x.dtype, copy=False)}
        arrays |= {letter: ops.to_host(array) for letter, array in vars(p).items()}
        arrays |= {name: ops.to_host(getattr(tape, name)) for name in told}
        self.log.seen.append(Seen(self.role, self.number, "up", arrays, on_host(ops, tape.draw)))
        return y

    def backward(
        self, ops: Ops, p: LayerParams, dy: Array, tape: LayerTape, grads: Targets | None = None, need_dx: bool = True
    ) -> Array | None:
        made = {"dy": ops.to_host(dy)}
        if grads is not None and self.plain is not None:
            self.layer.backward(ops, p, dy, tape, self.plain, need_dx)
            made |= {f"d{letter}": ops.to_host(getattr(self.plain, letter)) for letter in vars(p)}
        dx = self.layer.backward(ops, p, dy, tape, grads, need_dx)
        if isinstance(self.layer, LinearActivation):
            made["dz"] = ops.to_host(tape.dz)
        elif isinstance(self.layer, (Maxout, MaxoutDropout)):
            made["dz"] = dz_of(self.layer, made["dy"], ops.to_host(tape.winner), tape.draw)
        if dx is not None:
            made["dx"] = ops.to_host(dx)
        self.log.seen.append(Seen(self.role, self.number, self.log.way, made))
        return dx


def dz_of(layer: Maxout | MaxoutDropout, dy: np.ndarray, winner: np.ndarray, draw: Draw | None) -> np.ndarray:
    """dz (B, P O) of a maxout, as the definition has it: kernels that skip its zeros do not lay it out."""
    keep = layer.keep if isinstance(layer, MaxoutDropout) and draw is not None else 1.0
    pieces = layer.maxout.pieces if isinstance(layer, MaxoutDropout) else layer.pieces
    out = np.empty((len(dy), pieces * dy.shape[1]), dy.dtype)
    return np.asarray(NUMPY.maxout_backward(dy, winner, 1 / keep, out))


def on_host(ops: Ops, draw: Draw | None) -> Draw | None:
    """The same draw, for the host."""
    if draw is None:
        return None
    return replace(draw, iteration=int(ops.to_host(draw.iteration)), rows=ops.to_host(draw.rows))


class SpiedPlayer(Player):
    """A player as it stands, whose stages are written down."""

    def __init__(self, player: Player, role: str, log: Log):
        vars(self).update(vars(player))
        plain, self.role, self.log = Grads(player.params.like()), role, log
        self.network = copy(player.network)
        self.network.stages = [
            replace(stage, layer=Spied(stage, role, i, plain.layer(stage.index), log))
            for i, stage in enumerate(player.network.stages)
        ]

    def backward(self, dy: Array, tape: Tape, learn: bool, need_dx: bool) -> Any:
        self.log.way = "d" if learn and self.role == DISCRIMINATOR else "g"
        return super().backward(dy, tape, learn, need_dx)


@dataclass(frozen=True)
class Move:
    """A step of D, a step of G, or a joint one.

    kind           "d", "g" or "joint"
    z, x, labels   (m, latent); (m, n), None in a step of G; (m, C) one-hot, None where nobody is told any
    seen           what the stages did, in order
    after          what a checkpoint would hold of the players that learn in it
    rates          {role: (learning rate, momentum)}
    """

    kind: str
    z: np.ndarray
    x: np.ndarray | None
    labels: np.ndarray | None
    seen: list[Seen]
    after: Arrays
    rates: dict[str, tuple[float, float]]

    def on_the_way(self, way: str, role: str) -> dict[int, Seen]:
        """{stage: what it did} of a pass: "up", "d" or "g"."""
        return {seen.stage: seen for seen in self.seen if (seen.way, seen.role) == (way, role)}

    def up(self, role: str, player: str) -> dict[int, Seen]:
        """{stage: what it did on the way up} for the loss of a player, "d" or "g": G's goes through the fakes alone."""
        seen = self.on_the_way("up", role)
        if (self.kind, role, player) != ("joint", DISCRIMINATOR, "g"):
            return seen
        return {stage: one[len(self.z) :] for stage, one in seen.items()}


class Recorded(Algorithm1):
    """A game as it stands, whose moves are written down as they are played.

    networks  {role: the network as it was}
    """

    def __init__(self, game: Algorithm1):
        vars(self).update(vars(game))
        self.log, self.moves = Log(), list[Move]()
        self.networks = {GENERATOR: game.generator.network, DISCRIMINATOR: game.discriminator.network}
        self.generator = SpiedPlayer(game.generator, GENERATOR, self.log)
        self.discriminator = SpiedPlayer(game.discriminator, DISCRIMINATOR, self.log)

    def d_step(self, substep: int = 0) -> None:
        self._write_down("d", substep, super().d_step)

    def g_step(self, substep: int = 0) -> None:
        self._write_down("g", substep, super().g_step)

    def joint_step(self, substep: int = 0) -> None:
        self._write_down("joint", substep, super().joint_step)

    def _write_down(self, kind: str, substep: int, play: Callable[[int], None]) -> None:
        host = self.ops.to_host
        x = None if kind == "g" else host(self.x)
        labels = host(self.condition.y)[: self.m] if isinstance(self.condition, Condition) else None
        z, rates = host(self.z), dict[str, tuple[float, float]]()
        for role, clock in zip((GENERATOR, DISCRIMINATOR), (self.clocks[0], self.clocks[-1])):
            rates[role] = float(host(clock.lr)), float(host(clock.momentum))
        self.log.seen, self.log.way = [], "up"
        play(substep)
        learnt = {name: view for name, view in tensors(self).items() if name.startswith(LEARN[kind])}
        after = self.ops.snapshot(learnt)()
        self.moves.append(Move(kind, z, x, labels, self.log.seen, after, rates))


def play_beside(gan: GAN, source: Minibatches) -> Recorded:
    """The GAN's coming iteration, played in memory of its own: the GAN stays where it is.

    The same kernels take the same numbers, so what comes out is what `gan.step(source)` would leave, to the last bit.
    """
    game = game_of(gan.ops, gan.generator, gan.discriminator, gan.recipe, gan.iterations_per_epoch, gan.phases)
    take_over(game, gan.game)
    game.set_clock(gan.iteration)
    source.prepare(gan.iteration, game.k, game.ahead)
    recorded = Recorded(game)
    with gan.ops.session(), np.errstate(over="ignore", invalid="ignore"):
        recorded.iterate(source)
    return recorded
