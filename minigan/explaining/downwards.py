"""The way back down: the losses' derivatives by the logits, by each layer's input and weights, by G(z); the updates."""

from __future__ import annotations

from functools import partial
from typing import Any

from minigan.backends.numpy_ops import NumpyOps
from minigan.explaining import formulas
from minigan.explaining.names import DISCRIMINATOR, GENERATOR, kinds, stage_name
from minigan.explaining.nodes import Gradient, Node
from minigan.explaining.recording import LEARN, LOSSES, Seen
from minigan.explaining.sums import of_a_stage as written_out
from minigan.explaining.sums import of_the_loss
from minigan.explaining.upwards import Place
from minigan.game.algorithm1 import Algorithm1
from minigan.game.losses import AgainstTargets
from minigan.game.player import Player
from minigan.layers.activations import Activation
from minigan.layers.fused import LinearActivation, MaxoutDropout

WHOSE = {"d": "D's loss", "g": "G's loss"}
STATES = {"velocity": "v", "first_moment": "m_1", "second_moment": "m_2", "mean": r"\bar\theta"}


def nodes(place: Place) -> list[Node]:
    """The nodes of the way down, in the order in which they are computed."""
    found = []
    for player in LOSSES[place.move.kind]:
        found.append(of_the_logits(place, player))
        found += down(place, player, DISCRIMINATOR)
        if player == "g":
            found += [by_the_samples(place), *down(place, player, GENERATOR)]
    return found + [update(place, role, i) for role in LEARN[place.move.kind] for i in place.weighs(role)]


def of_the_logits(place: Place, player: str) -> Node:
    """dl"""
    move, loss = place.move, place.game.loss
    top = place.n_d - 1
    logits = move.up(DISCRIMINATOR, player)[top].arrays["y"]
    dl = move.on_the_way(player, DISCRIMINATOR)[top].arrays["dy"]
    weight = place.game.d_weight
    says = f"The derivative of {WHOSE[player]} by each logit: from here it goes down."
    label = f"the derivative of {WHOSE[player]} by the logits"
    node = Node(place.id(f"{player}.dl"), place.number, player, place.last, "dl", label, says)
    node.formulas = formulas.losses(loss, player, weight)[1]
    node.by = f"{type(loss).__name__}.{player}_backward, called by {place.by}"
    caller = Algorithm1._dlogits_d if player == "d" else Algorithm1._backward_g
    node.code = [caller, getattr(type(loss), f"{player}_backward")]
    if isinstance(loss, AgainstTargets):
        node.code.append(getattr(NumpyOps, f"{loss.name}_backward"))
    node.reads = [place.stage(DISCRIMINATOR, top), place.id("loss")]
    written = partial(of_the_loss, loss, player, weight, logits)
    gradient = Gradient(place.number, player, (DISCRIMINATOR, top), "l", written)
    node.add("dl", dl, "real rows above fakes" if player == "d" else "a row for each fake", gradient=gradient)
    return node


def down(place: Place, player: str, role: str) -> list[Node]:
    """The backward of each stage, the highest first, as far as it goes."""
    seen = place.move.on_the_way(player, role)
    return [of_a_stage(place, player, role, i, seen[i]) for i in sorted(seen, reverse=True)]


def back(place: Place, player: str, role: str, i: int) -> str:
    """The node of a stage on its way down."""
    return place.id(f"{player}.{role}.{i}")


def of_a_stage(place: Place, player: str, role: str, i: int, seen: Seen) -> Node:
    """One stage's backward."""
    network, layer, arrays = place.networks[role], place.layer(role, i), seen.arrays
    name = stage_name(network, role, i)
    learns = any(f"d{letter}" in arrays for letter in ("W", "b"))
    node = Node(
        back(place, player, role, i), place.number, player, place.column(role, i), kinds(network, i),
        f"back through {name}, from {WHOSE[player]}", "",
    )  # fmt: skip
    node.formulas = formulas.backward(layer, learns, "dx" in arrays)
    node.says = says_of(place, player, role, learns, "dx" in arrays)
    if is_by_samples(place, player, role, i):
        node.says += " What it makes is dG(z)."
    if not node.formulas:
        node.says += f" A layer of your own: {formulas.in_words(layer)}"
    node.by, node.code = f"{place.by}: Player.backward, {type(layer).__name__}.backward", code_down(layer)
    node.reads = [above(place, player, role, i), place.stage(role, i)]
    up = place.move.up(role, player)[i]
    for letter, says in (
        ("dz", "by what lies between xW + b and what is done to it"),
        ("dW", "by W: the plain gradient"),
        ("db", "by b"),
        ("dx", "by its input: the dy of the layer below"),
    ):
        if letter not in arrays or letter == "dx" and is_by_samples(place, player, role, i):
            continue
        what = {"dz": "z", "dx": "x"}.get(letter, letter[1:])
        written = partial(written_out, layer, up, seen, letter)
        pixels = place.pixels_in(role, i) if letter == "dx" else place.pixels_of(role, i, letter[1:])
        gradient = Gradient(place.number, player, (role, i), what, written)
        node.add(letter, arrays[letter], says, pixels=pixels, gradient=gradient)
    return node


def is_by_samples(place: Place, player: str, role: str, i: int) -> bool:
    """Whether this dx is dL/dG(z) itself, which has a node of its own."""
    return (player, role, i) == ("g", DISCRIMINATOR, 0) and place.move.labels is None


def says_of(place: Place, player: str, role: str, learns: bool, down: bool) -> str:
    """What is asked of a stage's backward, and what not."""
    if player == "g" and role == DISCRIMINATOR:
        return "D stands still: no gradient of its weights is computed, only what goes down to G(z)."
    said = "The gradient of its weights." if learns else "It has no weights."
    return said if down else f"{said} Below it nothing is asked for, so it computes no dx."


def above(place: Place, player: str, role: str, i: int) -> str:
    """Where dy comes from."""
    top = (place.n_d if role == DISCRIMINATOR else place.n_g) - 1
    if i < top:
        return back(place, player, role, i + 1)
    return place.id(f"{player}.dl") if role == DISCRIMINATOR else place.id("g.dG")


def code_down(layer: Any) -> list[Any]:
    """The methods by which a stage goes down, and the definition of its kernel."""
    match layer:
        case LinearActivation():
            slope = getattr(NumpyOps, f"{layer.activation.name}_backward", None)
            return [type(layer).backward, *[slope] * (slope is not None), type(layer.linear).backward]
        case MaxoutDropout():
            own = [type(layer).backward, type(layer.maxout).backward]
            return [*own, NumpyOps.affine_maxout_backward, NumpyOps.maxout_backward]
        case Activation():
            slope = getattr(NumpyOps, f"{layer.name}_backward", None)
            return [type(layer).backward, *[slope] * (slope is not None)]
    return [type(layer).backward]


def by_the_samples(place: Place) -> Node:
    """dL_G/dG(z)"""
    lowest = place.move.on_the_way("g", DISCRIMINATOR)[0].arrays["dx"]
    top = place.move.on_the_way("g", GENERATOR)[place.n_g - 1].arrays["dy"]
    says = "How D wants each sample to change: G's loss falls where G(z) moves against this."
    label = "dL/dG(z), how D wants each sample to change"
    node = Node(place.id("g.dG"), place.number, "g", place.n_g + 1, "dG(z)", label, says)
    node.formulas = [r"dG(z) = \frac{\partial L_G}{\partial G(z)}"]
    if lowest.shape != top.shape:
        node.formulas.append(r"[\,dG(z); dy\,] = dx \quad \text{of D's lowest layer; no weight decides } y")
    node.by = f"{place.by}: Algorithm1._backward_g"
    node.code = [Algorithm1._backward_g, type(place.game.condition).of_fakes]
    node.reads = [back(place, "g", DISCRIMINATOR, 0)]
    up, down = place.move.up(DISCRIMINATOR, "g")[0], place.move.on_the_way("g", DISCRIMINATOR)[0]
    written = partial(written_out, place.layer(DISCRIMINATOR, 0), up, down, "dx")
    gradient = Gradient(place.number, "g", (DISCRIMINATOR, 0), "x", written)
    samples = place.move.on_the_way("up", GENERATOR)[place.n_g - 1].arrays["y"]
    node.add("dG(z)", top, "a row for each sample", key="dG", pixels="rows", at=samples, gradient=gradient)
    return node


def update(place: Place, role: str, i: int) -> Node:
    """What a player's optimiser makes of the gradients of one stage."""
    move, network = place.move, place.networks[role]
    player = getattr(place.game, role)
    optimiser, way = player.optimiser, "d" if role == DISCRIMINATOR else "g"
    index = network.stages[i].index
    node_id, label = place.id(f"update.{role}.{i}"), f"the update of {stage_name(network, role, i)}"
    says = "The weights move by what backward left. No gradient was stored: it went into this at once."
    node = Node(node_id, place.number, "update", place.column(role, i), "update", label, says)
    if not any(optimiser.grads.target is kept for kept in optimiser.state.values()):
        node.says = "The weights move by the gradient that backward left."
    node.formulas = formulas.UPDATES.get(type(optimiser), [])
    node.by = f"{type(optimiser).__name__}.update, called by Player.update"
    node.code = [type(optimiser).update, Player.update]
    rate, momentum = move.rates[role]
    node.facts = [(r"\eta", rate), *([(r"\mu", momentum)] if "velocity" in optimiser.state else [])]
    if player.max_column_norm is not None:
        node.facts.append((r"\max |W_{:,o}|", player.max_column_norm))
    node.reads = [back(place, way, role, i)]
    for key, array in move.after.items():
        owner, *kind, number, letter = key.split(".")
        if (owner, number) != (role, str(index)):
            continue
        told = STATES.get(kind[0], rf"\text{{{kind[0]}}}") if kind else r"\theta"
        shown = rf"{told}_{letter}" if kind else letter
        says = f"{kind[0].replace('_', ' ')} of {letter} after the update" if kind else f"{letter} after the update"
        pixels = place.pixels_of(role, i, letter)
        node.add(shown, array, says, key=".".join([*kind, letter]), pixels=pixels)
    return node
