"""PyTorch's layout of a multilayer perceptron: the state dict of an nn.Sequential, in safetensors, both ways.

    Linear   W (I, O), b (O,)         nn.Linear: weight W^T (O, I), bias b
    Maxout   W (I, P O), b (P O,)     nn.Linear(I, O P), nn.MaxPool1d(P): weight (O P, I), bias (O P,)

A piece of a maxout unit is there a row beside the unit's other pieces: row o P + p is our column p O + o, so that a
pool over P neighbours is the unit.  nn.Sequential counts all its modules, and "2.weight" is that of the third.
"""

from __future__ import annotations

import re
from dataclasses import astuple
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from minigan.errors import CheckpointError, ConfigError, one_line, shortened
from minigan.exchange.portable import Portable
from minigan.files.whole_file import replace_file
from minigan.layers import Dropout, Linear, Maxout, Sequential
from minigan.layers.activations import Activation
from minigan.layers.layer import Layer

ACTIVATIONS: dict[str, str] = {
    "relu": "nn.ReLU()",
    "sigmoid": "nn.Sigmoid()",
    "tanh": "nn.Tanh()",
    "leaky_relu": "nn.LeakyReLU({})",
}
"""{minigan's name: the module, with its numbers}"""
NAME = re.compile(r"(.*?)(\d+)\.(weight|bias)")
LETTERS = {"W": "weight", "b": "bias"}


def modules(player: Portable) -> list[tuple[str, int | None]]:
    """The modules of the nn.Sequential, as Python writes them, and which of our layers' weights each one has.

    Raises ConfigError for a layer that PyTorch lacks.
    """
    made: list[tuple[str, int | None]] = []
    for i, layer in enumerate(player.network.layers):
        match layer:
            case Linear():
                made += [(f"nn.Linear({layer.n_in}, {layer.n_out})", i)]
            case Maxout():
                made += [(f"nn.Linear({layer.n_in}, {layer.n_out * layer.pieces})", i)]
                made += [(f"nn.MaxPool1d({layer.pieces})", None)]
            case Dropout():
                made += [(f"nn.Dropout({1 - layer.keep:.12g})", None)]
            case Activation() if layer.name in ACTIVATIONS:
                made += [(ACTIVATIONS[layer.name].format(*astuple(layer)), None)]
            case _:
                raise ConfigError(f"--to torch: {lacking(layer, ACTIVATIONS)}")
    return made + ([("nn.Sigmoid()", None)] if player.probability else [])


def lacking(layer: Layer, activations: dict[str, str]) -> str:
    """What an error says of a layer that the target does not have."""
    known = f"Linear, Maxout, Dropout, {', '.join(activations)}"
    return f"{shortened(repr(layer))} has no counterpart there, expected layers among {known}"


def code(player: Portable) -> str:
    """The nn.Sequential that takes the state dict, in Python."""
    return f"nn.Sequential({', '.join(module for module, _ in modules(player))})"


def state_dict(player: Portable) -> dict[str, np.ndarray]:
    """{"0.weight": (O, I), "0.bias": (O,), ...}.  Raises ConfigError for a layer that PyTorch lacks."""
    made = {}
    for index, (_, i) in enumerate(modules(player)):
        if i is not None:
            for letter, name in LETTERS.items():
                weight = player.weights[f"{i}.{letter}"]
                made[f"{index}.{name}"] = np.ascontiguousarray(by_unit(player.network.layers[i], weight).T)
    return made


def by_unit(layer: Layer, weight: np.ndarray) -> np.ndarray:
    """(..., P O), pieces outside, to (..., O P), units outside; of a Linear as it is."""
    if not isinstance(layer, Maxout):
        return weight
    return weight.reshape(*weight.shape[:-1], layer.pieces, layer.n_out).swapaxes(-1, -2).reshape(weight.shape)


def by_piece(layer: Layer, weight: np.ndarray) -> np.ndarray:
    """The way back from `by_unit`."""
    if not isinstance(layer, Maxout):
        return weight
    return weight.reshape(*weight.shape[:-1], layer.n_out, layer.pieces).swapaxes(-1, -2).reshape(weight.shape)


def write(player: Portable, out: Path) -> None:
    """Write the state dict, and in the file's metadata under "network" the `code` that takes it.

    Raises ConfigError for a layer that PyTorch lacks, OSError where the disk refuses.
    """
    replace_file(out, save(state_dict(player), {"format": "pt", "network": code(player)}))


def read(path: Path, network: Sequential) -> dict[str, np.ndarray]:
    """The weights of our network, {"0.W": (I, O), ...}, from a state dict of as many layers of the same sizes.

    Names end in a number and "weight" or "bias", with one beginning for all, "" or "net." say; the numbers only order
    the layers.  Raises CheckpointError, naming the file and the tensor, for anything else and for NaN;
    ConfigError for a layer of ours that PyTorch lacks.
    """
    tensors = parsed(path)
    layers = [(i, layer) for i, layer in enumerate(network.layers) if layer.shapes()]
    for _, layer in layers:
        if not isinstance(layer, (Linear, Maxout)):
            raise ConfigError(f"from_torch: {lacking(layer, ACTIVATIONS)}")
    found: dict[int, dict[str, np.ndarray]] = {}
    beginnings = set()
    for name, tensor in tensors.items():
        named = NAME.fullmatch(name)
        if named is None:
            raise CheckpointError(f"{path}: {shortened(name)}, expected names such as 0.weight and 0.bias of nn.Linear")
        beginnings.add(named[1])
        found.setdefault(int(named[2]), {})[named[3]] = tensor
    if len(beginnings) != 1 or len(found) != len(layers):
        has = f"{len(found)} layers with weights ({shortened(', '.join(sorted(tensors)))})"
        raise CheckpointError(f"{path}: {has}, expected {len(layers)} in one nn.Sequential")
    weights = {}
    for (i, layer), (number, its) in zip(layers, sorted(found.items())):
        for letter, name in LETTERS.items():
            shape = layer.shapes()[letter][::-1]
            full = f"{next(iter(beginnings))}{number}.{name}"
            if name not in its:
                raise CheckpointError(f"{path}: no {full}, expected {shape} for {shortened(repr(layer))}")
            weight = its[name]
            if weight.shape != shape or weight.dtype.kind != "f":
                told = f"{full} is {weight.dtype} {weight.shape}"
                raise CheckpointError(f"{path}: {told}, expected floats {shape} for {shortened(repr(layer))}")
            if not np.isfinite(weight).all():
                raise CheckpointError(f"{path}: {full} has NaN or infinity, expected finite weights")
            weights[f"{i}.{letter}"] = by_piece(layer, weight.T)
    return weights


def parsed(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file.  Raises CheckpointError."""
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from None
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        expected = "a state dict in safetensors, as safetensors.torch.save_file writes it (nothing is unpickled)"
        raise CheckpointError(f"{path}: no state dict ({one_line(error)}), expected {expected}") from None
