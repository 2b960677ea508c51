"""G and D from one line a layer, as presets write them:

    generator     = ["relu 1200 uniform=.05", "relu 1200 uniform=.05", "sigmoid uniform=.05 bias=marginals"]
    discriminator = ["maxout 240x5 uniform=.005 keep=.8", "maxout 240x5 uniform=.005 keep=.5", "linear keep=.5"]

A line is an activation (linear, maxout, or the name of one in `minigan.layers.activations`), a width (units x pieces
for maxout; the last layer's width is known: the data's features for G, 1 for D) and options:
    uniform=r, normal=s, sparse=n    how W begins (`minigan.layers.initialisers`); uniform=.05 where nothing is said
    bias=c, bias=marginals           how b begins; 0 where nothing is said
    slope=s                          a number of the activation, where it has one of this name
    keep=p                           dropout on the layer's inputs, keeping a unit with probability p
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable
from dataclasses import fields
from typing import Any, TypeAlias

import numpy as np

from minigan.errors import ConfigError, did_you_mean, shortened
from minigan.layers import Dropout, Linear, Maxout, Sequential
from minigan.layers.activations import ACTIVATIONS
from minigan.layers.initialisers import Constant, Initialiser, Marginals, Normal, Sparse, Uniform
from minigan.layers.layer import Layer
from minigan.layers.sequential import STARTS

NAMES = ("linear", *ACTIVATIONS, "maxout")
KEPT = (bool, int, float, str, type(None))
"""what a checkpoint keeps of a layer's fields"""
Layers: TypeAlias = Iterable[type[Layer]]
"""classes of one's own"""
WEIGHTS: dict[str, Callable[[str], Initialiser]] = {
    "uniform": lambda text: Uniform(_positive("uniform", text)),
    "normal": lambda text: Normal(_positive("normal", text)),
    "sparse": lambda text: Sparse(_integer("sparse", text, 2**24)),
}
LAYERS: dict[str, type[Layer]] = {layer.__name__: layer for layer in (Dropout, Linear, Maxout, *ACTIVATIONS.values())}


def build(lines: tuple[str, ...], n_in: int, n_out: int, means: np.ndarray | None = None) -> Sequential:
    """The network that the lines describe.

    n_in, n_out  width of the input and of the last layer
    means        (n_out,) the data's means, for bias=marginals

    Raises ValueError, naming the line, where one cannot be understood.
    """
    if not lines:
        raise ValueError("a network without layers: expected lines such as 'relu 1200'")
    layers: list[Layer] = []
    for number, line in enumerate(lines):
        try:
            width_if_last = n_out if number == len(lines) - 1 else None
            layers += _parse(line, n_in, width_if_last, means)
        except ValueError as error:
            raise ValueError(f"layer {line!r}: {error}") from None
        n_in = next(layer.n_out for layer in reversed(layers) if isinstance(layer, (Linear, Maxout)))
    return Sequential(*layers)


def _parse(line: str, n_in: int, width_if_last: int | None, means: np.ndarray | None) -> list[Layer]:
    parts = line.split()
    if not parts or parts[0] not in NAMES:
        nearest = did_you_mean(parts[0] if parts else "", NAMES)
        raise ValueError(f"expected it to begin with one of {', '.join(NAMES)}{nearest}")
    activation, parts = parts[0], parts[1:]
    size = parts.pop(0) if parts and "=" not in parts[0] else None
    weights: Initialiser = Uniform(0.05)
    bias: Initialiser = Constant(0.0)
    keep, own = 1.0, dict[str, float]()
    numbers = [f.name for f in fields(ACTIVATIONS[activation])] if activation in ACTIVATIONS else []
    for option in parts:
        name, _, text = option.partition("=")
        if name in WEIGHTS:
            weights = WEIGHTS[name](text)
        elif name == "bias":
            bias = _bias(activation, text, means)
        elif name == "keep":
            keep = _positive(name, text)
        elif name in numbers:
            own[name] = _number(name, text)
        else:
            known = (*WEIGHTS, *numbers, "bias", "keep")
            expected = f"{', '.join(known[:-1])} or keep, then = and a value"
            raise ValueError(f"option {option!r}: expected {expected}{did_you_mean(name, known)}")

    dropout = [Dropout(keep)] if keep != 1 else []
    if activation == "maxout":
        units, _, pieces = (size or "").partition("x")
        width = _width(units, width_if_last)
        return [*dropout, Maxout(n_in, width, _integer("pieces", pieces, 127), weights, bias)]
    above = [ACTIVATIONS[activation](**own)] if activation in ACTIVATIONS else []
    return [*dropout, Linear(n_in, _width(size, width_if_last), weights, bias), *above]


def _width(text: str | None, width_if_last: int | None) -> int:
    if text is None or text == "":
        if width_if_last is None:
            raise ValueError("expected a width after the activation, such as 'relu 1200' or 'maxout 240x5'")
        return width_if_last
    width = _integer("width", text, 2**24)
    if width_if_last not in (None, width):
        raise ValueError(f"width {width} in the last layer, where {width_if_last} is needed")
    return width


def _integer(name: str, text: str, largest: int) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= largest:
        raise ValueError(f"{name} {text!r}: expected a whole number from 1 to {largest}")
    return int(text)


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not np.isfinite(number):
        raise ValueError(f"{name}={text}: expected a number")
    return number


def _positive(name: str, text: str) -> float:
    number = _number(name, text)
    if number <= 0:
        raise ValueError(f"{name}={text}: expected a number above 0")
    return number


def _bias(activation: str, text: str, means: np.ndarray | None) -> Initialiser:
    if text != "marginals":
        return Constant(_number("bias", text))
    if activation != "sigmoid":
        raise ValueError("bias=marginals: expected on a sigmoid layer, which makes means of logits")
    if means is None:
        raise ValueError("bias=marginals: these data have no pixel means in [0, 1]")
    return Marginals(means)


def to_json(network: Sequential) -> str:
    """The layers as JSON, [["Linear", {"n_in": 100, "n_out": 1200}], ...]: what a checkpoint says of a network.

    That is their fields, without those that say how parameters begin.  Raises ValueError for a layer of one's own that
    has a field of another kind than `KEPT`, or the name of one of minigan's.
    """
    for kind in map(type, network.layers):
        if LAYERS.get(name := kind.__name__, kind) is not kind:
            raise ValueError(f"{name}: expected another name for a layer of your own: minigan has one of this name")
    starts = ({STARTS[letter] for letter in layer.shapes()} for layer in network.layers)
    return json.dumps([[type(layer).__name__, fields_of(layer, but)] for layer, but in zip(network.layers, starts)])


def fields_of(thing: Any, but: Container[str] = ()) -> dict[str, object]:
    """The fields of a layer or a loss as a checkpoint keeps them.  Raises ValueError for another kind than `KEPT`."""
    kept = {f.name: getattr(thing, f.name) for f in fields(thing) if f.name not in but}
    kept = {field: value.item() if isinstance(value, np.generic) else value for field, value in kept.items()}
    for field, value in kept.items():
        if type(value) not in KEPT:
            told = f"{type(thing).__name__} of {field} {shortened(repr(value))}"
            raise ValueError(f"{told}: a checkpoint keeps numbers, texts, True, False and None")
    return kept


def from_json(text: str, layers: Layers = ()) -> Sequential:
    """The network that `to_json` described; `layers` are classes of one's own.  Raises ValueError for anything else."""
    try:
        known = LAYERS | {layer.__name__: layer for layer in layers}
        return Sequential(*(made_of(known, *named) for named in json.loads(text)))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no description of a network: {str(text)[:80]!r} ({error})") from None


def check_loadable(role: str, network: Sequential) -> None:
    """Raise ConfigError unless `from_json` makes the network again of what `to_json` says of it."""
    try:
        text, kinds = to_json(network), set(map(type, network.layers))
        if kinds - set(LAYERS.values()):  # in minigan's own only a size can be wrong, and MemoryError says that better
            from_json(text, kinds)
    except ValueError as error:
        raise ConfigError(f"the {role} could not be saved and loaded: {error}") from None


def made_of(
    known: dict[str, type], name: str, values: dict[str, Any], *, kind: str = "layer", asked: str = "layers=[its class]"
) -> Any:
    """A layer or a loss from the name of its class and its fields.  Raises ValueError for a size that none can have."""
    if name not in known:
        raise ValueError(f"an unknown {kind} {shortened(str(name))}; expected load(path, {asked})")
    for size, value in values.items():
        largest = {"n_in": 2**31, "n_out": 2**31, "pieces": 127}.get(size)
        if largest is not None and not (type(value) is int and 1 <= value <= largest):
            raise ValueError(f"{name} of {size} {shortened(repr(value))}: expected a whole number from 1 to {largest}")
        if type(value) not in KEPT:
            raise ValueError(f"{name} of {size} {shortened(repr(value))}: expected a number or a text")
    return known[name](**values)
