"""The second stage of the authors' TFD recipe: a deeper generator whose last layers are a trained generator."""

from __future__ import annotations

import json
from typing import Any

from minigan.errors import CheckpointError, ConfigError
from minigan.gan import GAN
from minigan.generator.sampler import Sampler
from minigan.layers import models


def end_in(gan: GAN, run: str) -> None:
    """Give the last layers of G the weights of a trained generator; their optimiser begins anew, like all of D.

    run  a run's folder, a checkpoint, or a generator's own file

    Raises ConfigError, naming the option, for a generator that cannot be trusted or that G does not end in.
    """
    try:
        trained = Sampler.load(run)
    except CheckpointError as error:
        raise ConfigError(f"--generator-from {error}") from None
    layers, last = (json.loads(models.to_json(network)) for network in (gan.generator, trained.generator))
    first = len(layers) - len(last)
    if layers[first:] != last:
        sized: list[Any] = [layer for layer in trained.generator.layers if layer.shapes()]
        widths = "-".join(str(width) for width in (sized[0].n_in, *(layer.n_out for layer in sized)))
        raise ConfigError(f"--generator-from {run}: a generator {widths}, expected one that --generator ends in")
    for name, weights in trained.params.items():
        index, letter = name.split(".")
        own = gan.game.generator.params[f"{first + int(index)}.{letter}"]
        gan.ops.copy(gan.ops.asarray(weights, own.dtype), out=own)
