"""The peer in PyTorch on several ranks: each network in DistributedDataParallel, gradients by gloo."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.parallel import DistributedDataParallel

from benchmarks.peers.recipe import Recipe
from benchmarks.peers.torch_eager import TorchGAN


class Network(torch.nn.Module):
    """A network whose parameters have a list of their own, as DistributedDataParallel asks."""

    def __init__(self, params: list[torch.Tensor], forward):
        super().__init__()
        self.params, self._forward = torch.nn.ParameterList(params), forward

    def forward(self, *arguments):
        return self._forward(*arguments)


class DDPGAN(TorchGAN):
    """Algorithm 1, in turns, as PyTorch's users write it for several ranks.

    recipe  with the minibatch of one rank

    The process group is the default one; buckets are gradients' own memory, and are summed beside the backward pass.
    """

    def __init__(self, recipe: Recipe, weights: dict[str, np.ndarray], seed: int):
        super().__init__(recipe, weights, seed)
        fused = {"gradient_as_bucket_view": True, "static_graph": True}
        self.ddp_g = DistributedDataParallel(Network(self.g, self._generate), **fused)
        self.ddp_d = DistributedDataParallel(Network(self.d, self._discriminate), **fused)

    def _d_step(self, x, z, masks, lr) -> None:
        with torch.no_grad():
            fake = self._generate(z)
        self._descend(self._d_bce(self.ddp_d(torch.cat([x, fake]), masks)), self.update_d.optimiser, lr)

    def _g_step(self, z, masks, lr) -> None:
        """D stands still: autograd computes none of its weights' gradients."""
        for p in self.d:
            p.requires_grad_(False)
        self._descend(self._g_bce(self._discriminate(self.ddp_g(z), masks)), self.update_g.optimiser, lr)
        for p in self.d:
            p.requires_grad_(True)

    @staticmethod
    def _descend(loss, optimiser, lr) -> None:
        optimiser.zero_grad(set_to_none=False)
        loss.backward()
        optimiser.param_groups[0]["lr"] = lr.item()
        optimiser.step()
