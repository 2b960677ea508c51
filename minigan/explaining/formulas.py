"""What each stage, loss and update computes, in the letters of docs/backward.md, as KaTeX reads it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from minigan.game.losses import CrossEntropy, LeastSquares
from minigan.game.optim import SGD, Adam, Momentum, Optimiser
from minigan.layers import Dropout, Linear, Maxout
from minigan.layers.activations import Activation
from minigan.layers.fused import LinearActivation, MaxoutDropout, as_written
from minigan.options.recipe import Loss

ACTIVATIONS: dict[str, tuple[str, str]] = {
    "relu": (r"\max(0, @)", r"[\,y > 0\,]"),
    "sigmoid": (r"\sigma(@) = \frac{1}{1 + e^{-@}}", r"y \, (1 - y)"),
    "tanh": (r"\tanh @", r"(1 - y^2)"),
    "leaky_relu": (r"\max(@, s @)", r"\bigl([\,y > 0\,] + s \, [\,y \le 0\,]\bigr)"),
}
"""{name: f of @, and its derivative by y = f(@)}"""
AFFINE = r"x W + b, \qquad {0}_{{ro}} = \sum_i x_{{ri}} W_{{io}} + b_o"
WEIGHTS = [
    r"dW = x^\top {dy}, \qquad dW_{{io}} = \sum_r x_{{ri}} \, {dy}_{{ro}}",
    r"db = \sum_B {dy}, \qquad db_o = \sum_r {dy}_{{ro}}",
]
INPUT = r"dx = {dy} \, W^\top, \qquad dx_{{ri}} = \sum_o {dy}_{{ro}} W_{{io}}"
MASK = r"r \sim \text{Bernoulli}(\text{keep})"
LARGEST = r"y_{ro} = \max_p \, z_{r,\,pO+o}"


def activation(layer: Activation) -> tuple[str, str] | None:
    """f of @, and its derivative by y; None for one of your own."""
    return ACTIVATIONS.get(layer.name) if as_written(layer) else None


def forward(layer: Any) -> list[str]:
    """Of a stage; none where it is a layer of your own."""
    match layer:
        case LinearActivation():
            f = activation(layer.activation)
            return [f"z = {AFFINE.format('z')}", f"y = {f[0].replace('@', 'z')}" if f else r"y = f(z)"]
        case MaxoutDropout():
            return [
                f"z = {AFFINE.format('z')}",
                f"{LARGEST} \\cdot \\frac{{r_{{ro}}}}{{\\text{{keep}}}}",
                MASK,
            ]
        case Linear() if as_written(layer):
            return [f"y = {AFFINE.format('y')}"]
        case Maxout() if as_written(layer):
            return [f"z = {AFFINE.format('z')}", LARGEST]
        case Dropout() if as_written(layer):
            return [r"y = \frac{x \, r}{\text{keep}}, \qquad " + MASK]
        case Activation() if activation(layer):
            return [f"y = {ACTIVATIONS[layer.name][0].replace('@', 'x')}"]
    return []


def backward(layer: Any, learns: bool, down: bool) -> list[str]:
    """Of a stage: of dW and db where it learns, of dx where that goes on down."""
    match layer:
        case LinearActivation():
            f = activation(layer.activation)
            return [rf"dz = dy \; {f[1]}" if f else r"dz = dy \, f'(z)", *weights("dz", learns, down)]
        case MaxoutDropout():
            won = r"dz_{r,\,pO+o} = \tfrac{1}{\text{keep}} \, dy_{ro} \, [\,w_{ro} = p\,]"
            return [won, *weights("dz", learns, down)]
        case Linear() if as_written(layer):
            return weights("dy", learns, down)
        case Maxout() if as_written(layer):
            return [r"dz_{r,\,pO+o} = dy_{ro} \, [\,w_{ro} = p\,]", *weights("dz", learns, down)]
        case Dropout() if as_written(layer):
            return [r"dx = \frac{dy \, r}{\text{keep}}"]
        case Activation() if activation(layer):
            return [rf"dx = dy \; {ACTIVATIONS[layer.name][1]}"]
    return []


def weights(dy: str, learns: bool, down: bool) -> list[str]:
    """Of an affine layer, given the name of the derivative by what it makes."""
    return [formula.format(dy=dy) for formula in [*WEIGHTS * learns, *[INPUT] * down]]


def losses(loss: Loss, player: str, weight: float) -> tuple[list[str], list[str]]:
    """What a player minimises, and its derivative by l; none for a loss of your own."""
    match loss:
        case CrossEntropy():
            value = {1: r"\zeta(-l_i)", 0: r"\zeta(l_i)"}
            slope = {1: r"(\sigma(l_i) - 1)", 0: r"\sigma(l_i)"}
            where = [r"\zeta(a) = \log(1 + e^a)", r"-\zeta(-l) = \log D, \qquad -\zeta(l) = \log(1 - D)"]
        case LeastSquares():
            value = {1: r"\tfrac12 (l_i - 1)^2", 0: r"\tfrac12 l_i^2"}
            slope, where = {1: r"(l_i - 1)", 0: r"l_i"}, []
        case _:
            return [], []
    if player == "g":
        over = r"-\frac1m" if loss.sign < 0 else r"\frac1m"
        return [rf"L_G = {over} \sum_i {value[loss.target]}", *where], [rf"dl_i = {over} \, {slope[loss.target]}"]
    half, over = ("", r"\frac1m") if weight == 1 else (r"\tfrac12", r"\frac{1}{2m}")
    terms = rf"\frac1m \sum_\text{{real}} {value[1]} + \frac1m \sum_\text{{fake}} {value[0]}"
    down = [rf"dl_i = {over} \, {slope[t]} \quad \text{{on {rows}}}" for t, rows in ((1, "real rows"), (0, "fakes"))]
    return [rf"L_D = {half} \Bigl( {terms} \Bigr)", *where], down


UPDATES: dict[type[Optimiser], list[str]] = {
    SGD: [r"\theta \leftarrow \theta - \eta \, g"],
    Momentum: [r"v \leftarrow \mu v - \eta \, g, \qquad \theta \leftarrow \theta + v"],
    Adam: [
        r"m_1 \leftarrow \beta_1 m_1 + (1 - \beta_1) \, g, \qquad m_2 \leftarrow \beta_2 m_2 + (1 - \beta_2) \, g^2",
        r"\theta \leftarrow \theta - \eta \, \frac{m_1 / (1 - \beta_1^t)}{\sqrt{m_2 / (1 - \beta_2^t)} + \epsilon}",
    ],
}
"""what an optimiser does with the gradient g of a player's loss by its weights theta"""


def in_words(thing: object) -> str:
    """The first paragraph of the docstring of a layer or loss of your own, where there is no formula."""
    return (inspect.getdoc(type(thing)) or type(thing).__name__).split("\n\n")[0]


def code(function: Callable[..., Any]) -> dict[str, str]:
    """{where: file, line and name; text: its source}, as it is installed."""
    name = function.__qualname__
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        return {"where": f"{function.__module__}: {name}", "text": "(its source is not at hand)"}
    path = function.__module__.replace(".", "/") + ".py"
    return {"where": f"{path}, line {first}: {name}", "text": inspect.cleandoc("\n" + "".join(lines))}
