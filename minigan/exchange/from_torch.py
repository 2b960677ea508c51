"""A GAN that goes on from weights which PyTorch has learnt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from minigan.exchange import torch_layout
from minigan.game.state import tensors
from minigan.layers import Sequential
from minigan.options.recipe import Recipe

if TYPE_CHECKING:
    from minigan.gan import GAN


class FromTorch:
    """What a GAN takes from PyTorch."""

    @classmethod
    def from_torch(
        cls,
        file: str | Path,
        generator: Sequential,
        discriminator: Sequential,
        recipe: Recipe = Recipe(),
        *,
        discriminator_file: str | Path | None = None,
        backend: str = "numpy",
        threads: int | None = None,
        device: int = 0,
        distributed: str | None = None,
    ) -> Self:
        """A GAN whose G has the weights of a state dict in safetensors, that of an nn.Sequential with such layers.

        file                the state dict of G (`minigan.exchange.torch_layout`); nothing is unpickled
        discriminator_file  that of D; without it D begins as the recipe's seed says

        `partial_fit` goes on from these weights, `fit` begins anew.  Raises CheckpointError for a file that is none, or
        has other layers, and ConfigError as GAN does.
        """
        made = cls(generator, discriminator, recipe, backend, threads, device, distributed)  # type: ignore[call-arg]  # a mixin
        gan = cast("GAN", made)
        weights = {"generator": torch_layout.read(Path(file), generator)}
        if discriminator_file is not None:
            weights["discriminator"] = torch_layout.read(Path(discriminator_file), discriminator)
        gan.begin(1, {})
        views = tensors(gan.game)
        for role, its in weights.items():
            for name, weight in its.items():
                for view in (views[f"{role}.{name}"], views.get(f"{role}.mean.{name}")):
                    if view is not None:
                        gan.ops.copy(gan.ops.asarray(weight.copy(), view.dtype), out=view)
        return made
