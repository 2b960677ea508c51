"""An entry of a gradient, written out: the terms that it is the sum of, as the iteration's own numbers have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigan.backends import get
from minigan.explaining.recording import Seen
from minigan.game.losses import AgainstTargets
from minigan.layers import Dropout, Linear, Maxout
from minigan.layers.activations import Activation
from minigan.layers.fused import LinearActivation, MaxoutDropout, as_written
from minigan.options.recipe import Loss

OPS = get("numpy")
MOST = 8
"""terms that are shown; the rest is summed"""


@dataclass(frozen=True)
class Sum:
    """value = sum of all products of the columns of `factors`.

    formula  with the entry's numbers in it, as KaTeX reads it
    over     what the terms are counted by: "r", a row of the minibatch, say
    names    what each factor is, as KaTeX reads it
    factors  (terms, factors) float64
    """

    formula: str
    over: str
    names: list[str]
    factors: np.ndarray

    def shown(self) -> dict[str, Any]:
        """The largest terms one by one, the rest summed, and what all come to."""
        products = self.factors.prod(axis=1)
        order = np.argsort(-np.abs(products), kind="stable")
        largest, rest = order[:MOST], order[MOST:]
        terms = [{"at": int(i), "factors": self.factors[i].tolist(), "product": float(products[i])} for i in largest]
        return {
            "formula": self.formula,
            "over": self.over,
            "names": self.names,
            "terms": terms,
            "rest": {"count": len(rest), "zeros": int((products[rest] == 0).sum()), "sum": float(products[rest].sum())},
            "total": float(products.sum()),
        }


def of_a_stage(layer: Any, up: Seen, down: Seen, letter: str, index: tuple[int, ...]) -> Sum | None:
    """An entry of dW, db, dz or dx of a stage, `up` and `down` of the same rows; None for a layer of your own."""
    merged = isinstance(layer, (LinearActivation, MaxoutDropout))
    affine = merged or as_written(layer) and isinstance(layer, (Linear, Maxout))
    between = "dz" if "dz" in down.arrays else "dy"
    if letter == "dz":
        return of_dz(layer, up, down, index)
    if affine:
        return of_weights(up, down.arrays[between], between, letter, index)
    if not as_written(layer):
        return None
    (r, i) = index
    if isinstance(layer, Dropout):
        factor = kept_factor(up, layer.keep, index)
        formula = rf"dx_{{{r},{i}}} = dy_{{{r},{i}}} \; r_{{{r},{i}}} / \text{{keep}}"
        return Sum(formula, "", ["dy", r"r / \text{keep}"], pair(down.arrays["dy"][index], factor))
    if isinstance(layer, Activation):
        return of_activation(layer, up, down, index, "dx")
    return None


def of_weights(up: Seen, dz: np.ndarray, name: str, letter: str, index: tuple[int, ...]) -> Sum:
    """Of an affine layer, dz being the derivative by x W + b."""
    if letter == "dW":
        i, o = index
        formula = rf"dW_{{{i},{o}}} = \sum_r x_{{r,{i}}} \, {name}_{{r,{o}}}"
        return Sum(formula, "r", [rf"x_{{r,{i}}}", rf"{name}_{{r,{o}}}"], beside(up.arrays["x"][:, i], dz[:, o]))
    if letter == "db":
        (o,) = index
        return Sum(rf"db_{{{o}}} = \sum_r {name}_{{r,{o}}}", "r", [rf"{name}_{{r,{o}}}"], beside(dz[:, o]))
    r, i = index
    formula = rf"dx_{{{r},{i}}} = \sum_o {name}_{{{r},o}} \, W_{{{i},o}}"
    return Sum(formula, "o", [rf"{name}_{{{r},o}}", rf"W_{{{i},o}}"], beside(dz[r], up.arrays["W"][i]))


def of_dz(layer: Any, up: Seen, down: Seen, index: tuple[int, ...]) -> Sum | None:
    """Between x W + b and what is done to it."""
    if isinstance(layer, LinearActivation):
        return of_activation(layer.activation, up, down, index, "dz")
    r, column = index
    width = down.arrays["dy"].shape[1]
    p, o = divmod(column, width)
    won = float(up.arrays["winner"][r, o] == p)
    scale = 1 / layer.keep if isinstance(layer, MaxoutDropout) and up.draw is not None else 1.0
    formula = rf"dz_{{{r},{column}}} = dy_{{{r},{o}}} \; [\,w_{{{r},{o}}} = {p}\,] \; / \; \text{{keep}}"
    names = [rf"dy_{{{r},{o}}}", rf"[\,w = {p}\,]", r"1 / \text{keep}"]
    return Sum(formula, "", names, pair(down.arrays["dy"][r, o], won, scale))


def of_activation(layer: Activation, up: Seen, down: Seen, index: tuple[int, ...], letter: str) -> Sum:
    """One product: dy times the slope that y tells."""
    r, o = index
    y = np.array([[up.arrays["y"][index]]])
    slope = layer.derive(OPS, np.ones_like(y), y, np.empty_like(y))
    formula = rf"{letter}_{{{r},{o}}} = dy_{{{r},{o}}} \; f'({letter[1]}_{{{r},{o}}})"
    names = [rf"dy_{{{r},{o}}}", rf"f'\text{{, where }} y = {float(y[0, 0]):.6g}"]
    return Sum(formula, "", names, pair(down.arrays["dy"][index], float(np.asarray(slope)[0, 0])))


def of_the_loss(loss: Loss, player: str, weight: float, logits: np.ndarray, index: tuple[int, ...]) -> Sum | None:
    """dl_i of a player; None for a loss of your own."""
    if not isinstance(loss, AgainstTargets) or not hasattr(OPS, f"{loss.name}_backward"):
        return None
    i, n = index[0], len(logits)
    scale, target = (weight / (n // 2), int(i < n // 2)) if player == "d" else (loss.sign / n, loss.target)
    l = logits[i : i + 1].astype(np.float64)
    slope = np.asarray(OPS.loss_backward(loss.name, l, target, 1.0, np.empty_like(l)))
    formula = rf"dl_{{{i}}} = \text{{scale}} \cdot \frac{{\partial h(t, l)}}{{\partial l}}, \qquad"
    formula += rf" t = {target}, \; l = {float(l[0, 0]):.6g}"
    return Sum(formula, "", [r"\text{scale}", r"\partial h / \partial l"], pair(scale, slope[0, 0]))


def kept_factor(up: Seen, keep: float, index: tuple[int, ...]) -> float:
    """r / keep of a unit: 1 where nothing was dropped."""
    return float(up.arrays["kept"][index]) / keep if up.draw is not None and keep < 1 else 1.0


def pair(*factors: Any) -> np.ndarray:
    """One term."""
    return np.array([factors], np.float64)


def beside(*factors: np.ndarray) -> np.ndarray:
    """A term for each entry."""
    return np.stack(factors, axis=1).astype(np.float64)
