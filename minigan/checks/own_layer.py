"""A layer of one's own: its gradients, and what the game asks of a layer beside them."""

from __future__ import annotations

import sys
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from typing import Any

import numpy as np

from minigan.backends import Ops, get
from minigan.checks.finite_differences import Result, agree, randomise
from minigan.checks.gradients import check_network
from minigan.errors import ConfigError, one_line
from minigan.layers import Layer, Linear, Sequential, Tanh, Tape
from minigan.layers.params import Grads, Params
from minigan.rng import Draw

ROWS = 6
WIDTHS = {"n_in": 4, "n_out": 3}


def check_layer(layer: Layer | type[Layer], ops: Ops | None = None) -> list[Result]:
    """Rows like those of `minigan.gradcheck`; a layer without a fault has `passed` in all of them.

    layer  a layer, or its class where only n_in and n_out have to be said
    ops    what computes, NumPy where nothing is said

    The layer stands between two Linears, above a tanh.  Raises ConfigError for what `Sequential` refuses.
    """
    ops, layer = ops or get("numpy"), _made(layer)
    name, width = type(layer).__name__, getattr(layer, "n_in", WIDTHS["n_in"])
    try:
        below = Sequential(Linear(4, width), Tanh(), layer)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    network = Sequential(*below.layers, Linear(below.n_out, 2))
    merged = Sequential(Linear(4, width), layer, Linear(below.n_out, 2))
    again = check_network(ops, f"Linear+{name}", merged) if len(merged.stages) < 3 else []
    return check_network(ops, name, network) + again + check_contract(ops, name, network)


def check_contract(ops: Ops, name: str, network: Sequential) -> list[Result]:
    """A pass reads no memory that it did not write and leaves x alone; two backwards may follow one forward, and one
    of them be over some rows."""
    random = np.random.default_rng(0)
    params = Params(ops, network.shapes(), np.float64)
    randomise(params, random)
    x, dy = random.standard_normal((ROWS, network.n_in)), random.standard_normal((ROWS, network.n_out))
    there, lower = ops.asarray(x.copy()), slice(ROWS // 2, None)

    def through(lay_there: float) -> tuple[np.ndarray, Tape]:
        tape = network.tape(ops, ROWS, np.float64)
        tape.draw = Draw(0, 0, 0, 0, ops.asarray(range(ROWS), "uint32"))
        for memory in tape.layers:
            for a in (a for a in vars(memory).values() if a is not None):
                ops.copy(ops.asarray(np.full(a.shape, lay_there if a.dtype.kind == "f" else 77, a.dtype)), out=a)
        return ops.to_host(network.forward(ops, params, there, tape)), tape

    def backward(tape: Tape, rows: slice = slice(None)) -> np.ndarray:
        grads, dy_there = Grads(params.like()), ops.asarray(dy[rows].copy())
        dx = ops.to_host(network.backward(ops, params, dy_there, tape[rows], grads))
        return dx if rows == lower else np.concatenate([dx.ravel(), ops.to_host(grads.target.flat)])

    (y, tape), (other_y, _) = through(0.0), through(np.nan)
    first, second, half = backward(tape), backward(tape), backward(tape, lower)
    return [
        agree(f"{name}: y, its memory full of NaN before", "contract", other_y, y),
        agree(f"{name}: x, after the pass", "contract", ops.to_host(there), x),
        agree(f"{name}: a second backward", "contract", second, first),
        agree(f"{name}: backward over some rows", "contract", half, first[: x.size].reshape(x.shape)[lower]),
    ]


def find_layer(text: str) -> Any:
    """What --layer module:Name names.  Raises ConfigError where it cannot be had."""
    module, _, name = text.partition(":")
    sys.path.append("")  # the console script begins where Python's programs lie, and not in this folder
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError, SyntaxError) as error:
        raise ConfigError(f"--layer {text}: expected module:Name, a layer or its class ({one_line(error)})") from None


def _made(layer: Layer | type[Layer]) -> Layer:
    """A layer of a class, of small widths."""
    if not isinstance(layer, type):
        return layer
    told = fields(layer) if is_dataclass(layer) else ()
    missing = [f.name for f in told if f.default is f.default_factory is MISSING]
    if not set(missing) <= set(WIDTHS):
        raise ConfigError(f"{layer.__name__} needs {', '.join(missing)}: expected a layer, {layer.__name__}(...)")
    return layer(**{name: WIDTHS[name] for name in missing})
