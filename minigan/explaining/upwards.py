"""The way up: z, G's layers, x, D's layers, the losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigan.backends.numpy_ops import NumpyOps
from minigan.explaining import formulas
from minigan.explaining.names import DISCRIMINATOR, GENERATOR, kinds, stage_name
from minigan.explaining.nodes import Node
from minigan.explaining.pictures import Pixels
from minigan.explaining.recording import LEARN, LOSSES, Move, Recorded
from minigan.game.algorithm1 import Algorithm1
from minigan.game.losses import AgainstTargets, belief, value
from minigan.game.priors import Prior
from minigan.layers.activations import Activation
from minigan.layers.fused import LinearActivation, MaxoutDropout

STEPS = {"d": Algorithm1.d_step, "g": Algorithm1.g_step, "joint": Algorithm1.joint_step}
KERNELS = {"Linear": "affine", "Maxout": "maxout", "Dropout": "dropout"}
LETTERS = {"kept": "r", "winner": "w"}
TOLD = {
    "kept": "which units dropout keeps: 1 or 0",
    "winner": "which piece won each unit; -1 where dropout took the unit",
}


class Place:
    """Where the nodes of a move stand, and what is a picture in it.

    number  of the move, from 0
    bright  whether data are brightness in [0, 1]
    """

    def __init__(self, game: Recorded, move: Move, number: int, bright: bool):
        self.game, self.move, self.number, self.bright = game, move, number, bright
        self.networks = game.networks
        self.n_g, self.n_d = (len(self.networks[role].stages) for role in (GENERATOR, DISCRIMINATOR))
        self.last = self.n_g + self.n_d + 2
        self.by = f"Algorithm1.{STEPS[move.kind].__name__} on {game.ops.description}"

    def id(self, what: str) -> str:
        return f"{self.number}.{what}"

    def stage(self, role: str, i: int) -> str:
        """The node of a stage on its way up."""
        return self.id(f"{role}.{i}")

    def column(self, role: str, i: int) -> int:
        return 1 + i + (self.n_g + 1) * (role == DISCRIMINATOR)

    def layer(self, role: str, i: int) -> Any:
        return self.networks[role].stages[i].layer

    def weighs(self, role: str) -> list[int]:
        """The stages of a player that have parameters."""
        network = self.networks[role]
        return [i for i, stage in enumerate(network.stages) if network.layers[stage.index].shapes()]

    def pixels_in(self, role: str, i: int) -> Pixels:
        """Whether the rows of a stage's input are pictures: D's, up to its first weights."""
        below = role == DISCRIMINATOR and i <= self.weighs(role)[0]
        return "rows" if below or role == GENERATOR and i > self.weighs(role)[-1] else None

    def pixels_out(self, role: str, i: int) -> Pixels:
        """Whether the rows of its output are: G's, from its last weights on."""
        above = role == GENERATOR and i >= self.weighs(role)[-1]
        return "rows" if above or role == DISCRIMINATOR and i < self.weighs(role)[0] else None

    def pixels_of(self, role: str, i: int, letter: str) -> Pixels:
        """Whether a parameter's columns are pictures, D's first W, or its rows, G's last."""
        if letter == "W" and self.pixels_in(role, i):
            return "columns"
        return "rows" if self.pixels_out(role, i) else None


def nodes(place: Place) -> list[Node]:
    """The nodes of the way up."""
    move, found = place.move, [noise(place)]
    if move.labels is not None:
        found.append(labels(place))
    found += [of_a_stage(place, GENERATOR, i) for i in range(place.n_g)]
    if move.x is not None:
        found.append(examples(place, move.x))
    found += [of_a_stage(place, DISCRIMINATOR, i) for i in range(place.n_d)]
    return [*found, losses(place)]


def noise(place: Place) -> Node:
    """z"""
    prior = place.game.prior
    says = f"A row of noise for each sample, from the {prior.name} prior."
    node = Node(place.id("z"), place.number, "up", 0, "z", "z, the noise", says)
    node.formulas, node.by = [r"z \sim p_z"], f"Algorithm1.draw_z: Prior.draw, kernel {prior.name}"
    node.code = [Algorithm1.draw_z, Prior.draw, getattr(NumpyOps, prior.name)]
    node.add("z", place.move.z, "a row for each sample")
    return node


def labels(place: Place) -> Node:
    """y"""
    says = "The label of each row, one-hot: both players are told it."
    node = Node(place.id("y"), place.number, "data", 0, "y", "y, the labels", says)
    node.by, node.code = "Condition.draw_y", [type(place.game.condition).draw_y]
    assert place.move.labels is not None
    node.add("y", place.move.labels, "a column for each class")
    return node


def examples(place: Place, x: np.ndarray) -> Node:
    """x"""
    says = "The minibatch of data. D sees it above the samples, as one batch [x; G(z)] of 2m rows."
    node = Node(place.id("x"), place.number, "up", place.n_g + 1, "x", "x, the data", says)
    node.formulas, node.by = [r"x \sim p_\text{data}"], "Algorithm1.draw_x"
    node.code = [Algorithm1.draw_x]
    node.add("x", x, "a row for each example", pixels="rows", bright=place.bright, at=x)
    return node


def of_a_stage(place: Place, role: str, i: int) -> Node:
    """One layer, or neighbours that one kernel computes."""
    network, layer = place.networks[role], place.layer(role, i)
    arrays, label = place.move.on_the_way("up", role)[i].arrays, stage_name(network, role, i)
    node = Node(place.stage(role, i), place.number, "up", place.column(role, i), kinds(network, i), label, "")
    node.formulas = formulas.forward(layer)
    node.says = f"From {arrays['x'].shape[1]} columns to {arrays['y'].shape[1]}."
    if not node.formulas:
        node.says += f" A layer of your own: {formulas.in_words(layer)}"
    node.by, node.code = f"{place.by}: Player.forward, {type(layer).__name__}.forward", code_up(layer)
    node.reads = below(place, role, i)
    last = i == len(network.stages) - 1
    letter = {(GENERATOR, True): "G(z)", (DISCRIMINATOR, True): "l"}.get((role, last), "y")
    says = {"G(z)": "the samples", "l": "the logits of D"}.get(letter, "what it makes")
    pixels, at = place.pixels_out(role, i), arrays["y"] if letter == "G(z)" else None
    node.add(letter, arrays["y"], says, key="y", pixels=pixels, bright=place.bright and letter == "G(z)", at=at)
    for name, array in arrays.items():
        if name in ("W", "b"):
            node.add(name, array, f"{name} as it is before this move's update", pixels=place.pixels_of(role, i, name))
        elif name not in ("x", "y"):
            node.add(LETTERS.get(name, rf"\text{{{name}}}"), array, TOLD.get(name, "kept for backward"), key=name)
    return node


def below(place: Place, role: str, i: int) -> list[str]:
    """The nodes that a stage reads: below it, and the update that its weights had in the move before."""
    moved = place.number > 0 and role in LEARN[place.game.moves[place.number - 1].kind] and i in place.weighs(role)
    weights = [f"{place.number - 1}.update.{role}.{i}"] if moved else []
    if i:
        return [place.stage(role, i - 1), *weights]
    told = [place.id("y")] if place.move.labels is not None else []
    if role == GENERATOR:
        return [place.id("z"), *told, *weights]
    data = [place.id("x")] if place.move.x is not None else []
    return [*data, place.stage(GENERATOR, place.n_g - 1), *told, *weights]


def code_up(layer: Any) -> list[Any]:
    """The methods by which a stage goes up, and the definition of its kernel."""
    match layer:
        case LinearActivation():
            return [type(layer).forward, Activation.apply, *kernel(layer.activation.name)]
        case MaxoutDropout():
            return [type(layer).forward, type(layer.maxout).forward, NumpyOps.affine_maxout, NumpyOps.maxout]
        case Activation():
            return [type(layer).forward, *kernel(layer.name)]
    return [type(layer).forward, *kernel(KERNELS.get(type(layer).__name__, ""))]


def kernel(name: str) -> list[Any]:
    """NumPy's, which defines what all backends compute."""
    found = getattr(NumpyOps, name, None) if name else None
    return [found] if found is not None else []


def losses(place: Place) -> Node:
    """What both players minimise."""
    game, move = place.game, place.move
    logits, loss, m = move.on_the_way("up", DISCRIMINATOR)[place.n_d - 1].arrays["y"], game.loss, game.m
    says = "What both players minimise, by D's logits."
    node = Node(place.id("loss"), place.number, "up", place.last, "loss", "the losses", says)
    players, weight = LOSSES[move.kind], game.d_weight
    real, fake = logits[:m], logits[-m:]
    for player in players:
        node.formulas += [text for text in formulas.losses(loss, player, weight)[0] if text not in node.formulas]
    if "d" in players:
        node.facts.append(("L_D", weight * float(loss.d_loss(real, fake))))
    if "d" in players and loss.logit:
        node.facts.append(("V", value(real, fake)))
    if "g" in players:
        node.facts.append(("L_G", float(loss.g_loss(fake))))
    if not node.formulas:
        node.says += f" A loss of your own: {formulas.in_words(loss)}"
    methods = [getattr(type(loss), f"{player}_loss") for player in players]
    node.by = f"{type(loss).__name__}, in float64"
    node.code = [*methods, *([type(loss).h] if isinstance(loss, AgainstTargets) else [])]
    node.reads = [place.stage(DISCRIMINATOR, place.n_d - 1)]
    rows = "row, real above fake" if move.x is not None else "fake"
    node.add("D", belief(loss, logits), f"D's answer for each {rows}")
    return node
