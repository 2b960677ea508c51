"""A player of a run alone, in the units of its data: what every other format is written from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from minigan import backends
from minigan.data.describe import Description, standard_of
from minigan.errors import CheckpointError, ConfigError, one_line
from minigan.files import checkpoint
from minigan.game import kept_loss
from minigan.game.losses import named
from minigan.generator.sampler import Sampler, from_header
from minigan.layers import Linear, Maxout, Sequential, models

Role: TypeAlias = Literal["generator", "discriminator"]


@dataclass(frozen=True)
class Portable:
    """G: z (B, latent) -> x (B, n), or D: x (B, n) -> (B, 1), x in the data's own units.

    weights      {"0.W": (I, O), "0.b": (O,), ...} finite floats of one dtype
    probability  whether D(x) is the sigmoid of what D's last layer makes
    """

    role: Role
    network: Sequential
    weights: dict[str, np.ndarray]
    probability: bool = False

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return next(iter(self.weights.values())).dtype


def read(path: Path, role: Role) -> Portable:
    """A player of a run's folder (its newest checkpoint), of a checkpoint, or of a generator's own file.

    G's weights are those that samples come from: their mean where the run has one.  Raises CheckpointError for a file
    that cannot be trusted, that lacks the player or whose weights are not finite; ConfigError as `in_own_units`.
    """
    path, tensors, header = checkpoint.find(path)
    if role == "generator":
        sampler = Sampler.of(backends.get("numpy"), path, tensors, header)
        weights = {name: sampler.ops.to_host(view) for name, view in sampler.params.items()}
        found = Portable(role, sampler.generator, weights)
        data = sampler.data
    else:
        found, data = discriminator(path, tensors, header)
    for name, weight in found.weights.items():
        if not np.isfinite(weight).all():
            raise CheckpointError(f"{path}: {role}.{name} has NaN or infinity, expected finite weights")
    return in_own_units(found, data)


def discriminator(
    path: Path, tensors: dict[str, np.ndarray], header: checkpoint.Header
) -> tuple[Portable, Description]:
    """D in what was read from a checkpoint, and the data that it was trained on.  Raises CheckpointError."""
    recipe, _, data = from_header(path, header)
    text = header["discriminator"]
    try:
        loss = named(kept_loss.from_json(header["recipe"].get("loss", recipe.loss), None))
        network = models.from_json(text)
    except ValueError as error:
        raise CheckpointError(f"{path}: its header describes no discriminator ({one_line(error)})") from None
    prefix = "discriminator."
    own = {name: tensor for name, tensor in tensors.items() if name.removeprefix(prefix)[:1].isdigit()}
    expected = {prefix + name: (shape, np.dtype(recipe.dtype)) for name, shape in network.shapes().items()}
    checkpoint.check_tensors(expected, own, path)
    weights = {name.removeprefix(prefix): own[name].astype(recipe.dtype) for name in expected}
    return Portable("discriminator", network, weights, loss.logit), data


def in_own_units(player: Portable, data: Description) -> Portable:
    """The same, where features were standardised with means m and deviations s inside the outermost weights:

        G:  s (y W + b) + m = y (W s) + (b s + m)            D:  ((x - m) / s) W + b = x (W / s) + (b - (m / s) W)

    Raises ConfigError for a G that then ends in no Linear.
    """
    if (standard := standard_of(data)) is None:
        return player
    layers, weights = player.network.layers, dict(player.weights)
    if player.role == "generator":
        last = len(layers) - 1
        if not isinstance(layers[last], Linear):
            kind = type(layers[last]).__name__
            raise ConfigError(f"a generator of standardised features that ends in {kind}: expected Linear")
        W, b = (weights[f"{last}.{letter}"].astype(np.float64) for letter in "Wb")
        made = {f"{last}.W": W * standard.deviation, f"{last}.b": b * standard.deviation + standard.mean}
    else:
        first = next(i for i, layer in enumerate(layers) if isinstance(layer, (Linear, Maxout)))
        W, b = (weights[f"{first}.{letter}"].astype(np.float64) for letter in "Wb")
        W = W / np.where(standard.deviation == 0, 1, standard.deviation)[:, None]
        made = {f"{first}.W": W, f"{first}.b": b - standard.mean @ W}
    weights |= {name: weight.astype(player.dtype) for name, weight in made.items()}
    return Portable(player.role, player.network, weights, player.probability)
