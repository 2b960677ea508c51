"""What a game has learnt, by the names that checkpoints have."""

from __future__ import annotations

import hashlib

import numpy as np

from minigan.backends import Array
from minigan.game.algorithm1 import Algorithm1


def tensors(game: Algorithm1) -> dict[str, Array]:
    """{"generator.0.W": view, "generator.velocity.0.W": view, "generator.mean.0.W": view, ...} of both players: what
    is written into a view, the game has.
    """
    views: dict[str, Array] = {}
    for role, player in (("generator", game.generator), ("discriminator", game.discriminator)):
        views |= {f"{role}.{name}": view for name, view in player.params.items()}
        kept = player.optimiser.state | ({} if player.mean is None else {"mean": player.mean})
        for kind, state in kept.items():
            views |= {f"{role}.{kind}.{name}": view for name, view in state.items()}
    return views


def take_over(game: Algorithm1, before: Algorithm1) -> None:
    """Give a game what another one of the same networks has learnt: weights, and all that optimisers of the same kind
    remember.  A mean of G's weights that there was not yet begins with the weights.
    """
    kept = tensors(before)
    for name, view in tensors(game).items():
        source = kept.get(name, kept.get(name.replace(".mean.", ".")))
        if source is not None:
            game.ops.copy(source, out=view)


def buffers(game: Algorithm1) -> list[Array]:
    """All that it has learnt as vectors (n,), laid out as the backend has them: weights first, G's and D's."""
    players = game.generator, game.discriminator
    kept = [player.params for player in players]
    for player in players:
        kept += [*player.optimiser.state.values(), *([] if player.mean is None else [player.mean])]
    return [params.flat for params in kept]


def digest(game: Algorithm1) -> str:
    """Of the weights: the same where they are, to the last bit.  Waits for the device."""
    found = hashlib.blake2b(digest_size=8)
    for vector in buffers(game)[:2]:
        game.ops.on_host(vector, lambda weights: found.update(weights.data))
    return found.hexdigest()


def not_finite(game: Algorithm1) -> str | None:
    """The first layer of D, then of G, with NaN or infinity in a weight or in what the optimiser remembers of it.

    As checkpoints name it, "discriminator.velocity.1.W (Maxout)"; None where all is finite.  Waits for the device.
    """
    for role, player in (("discriminator", game.discriminator), ("generator", game.generator)):
        for kind, params in {"": player.params, **player.optimiser.state}.items():
            if np.isfinite(game.ops.norm(params.flat)):
                continue
            for name, view in params.items():
                if not np.isfinite(game.ops.to_host(view)).all():
                    layer = player.network.layers[int(name.split(".")[0])]
                    return f"{'.'.join(filter(None, (role, kind, name)))} ({type(layer).__name__})"
    return None
