"""The peer in PyTorch on a GPU: eager or compiled, launched kernel by kernel or whole iterations as one CUDA graph."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.peers.recipe import REHEARSAL, Recipe
from benchmarks.peers.torch_eager import TorchGAN, _InGraphMomentum

WARM_UP = 3


class TorchCudaGAN(TorchGAN):
    """`TorchGAN` on the GPU, from its default generator; nothing in an iteration waits for the device.

    in_graph  how many iterations one CUDA graph has; 0 launches every kernel singly
    tf32      float32 products on the tensor cores
    compiled  None, or a mode of `torch.compile` for the whole iteration: draws, both passes backward, both updates;
              "reduce-overhead" makes graphs of its own, so it is for in_graph 0
    """

    device = "cpu" if REHEARSAL else "cuda"

    def __init__(
        self,
        recipe: Recipe,
        weights: dict[str, np.ndarray],
        in_graph: int = 0,
        tf32: bool = False,
        compiled: str | None = None,
    ):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        super().__init__(recipe, weights, seed=0)
        self.rng, self.graph, self.compiled = None, None, compiled
        self.in_graph = in_graph if self.device == "cuda" else 0  # a CPU has no graphs
        # Not of shape (): on a CPU what a compiled graph writes into such a tensor is lost.
        self.lr = torch.tensor([recipe.lr], dtype=torch.float64, device=self.device)
        momentum = _Momentum if compiled is None else _InGraphMomentum
        self.update_g, self.update_d = momentum(self.g, recipe), momentum(self.d, recipe)
        if compiled is not None:
            torch._dynamo.config.trace_autograd_ops = True  # autograd.grad inside the graph
            self._iteration = torch.compile(self._iteration, fullgraph=True, mode=compiled)
            self._both_losses = torch.compile(self._both_losses, fullgraph=True)

    def set_data(self, examples: np.ndarray) -> None:
        """examples (n, features) uint8"""
        super().set_data(examples)
        if self.compiled == "reduce-overhead":  # else its graphs would leave out what is written in place
            for tensor in (*self.g, *self.d, *self.update_g.velocity, *self.update_d.velocity, self.lr, self.data):
                torch._dynamo.mark_static_address(tensor)

    def iterate(self, n: int = 1) -> None:
        """n iterations, or as many more as fill the last graph; returns when they are done."""
        if self.in_graph == 0:
            for _ in range(n):
                self._iteration()
        else:
            self.graph = self.graph or self._captured()
            for _ in range(-(-n // self.in_graph)):
                self.graph.replay()
        if self.device == "cuda":
            torch.cuda.synchronize()

    def play(self, draws: list[tuple]) -> None:
        """One iteration on given numbers: an (x, z, masks) for each step; a step of G alone takes (None, z, masks)."""
        self._iteration([self._tensors(*draw) for draw in draws])

    def weights(self) -> dict[str, np.ndarray]:
        """The weights now, by minigan's names."""
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.named.items()}

    def _iteration(self, draws: list[tuple] | None = None) -> None:
        self._play(self._draw() if draws is None else draws, self.lr[0].float())
        self.lr.div_(self.recipe.decay)

    def _draw_masks(self, rows: int) -> list[torch.Tensor]:
        """Bool masks (rows, width): compiled, a comparison where the mask is used and no memory."""
        if self.compiled is None:
            return super()._draw_masks(rows)
        shapes = zip(self.recipe.mask_widths, self.recipe.keeps)
        return [torch.rand(rows, width, device=self.device) < keep for width, keep in shapes]

    def _captured(self) -> torch.cuda.CUDAGraph:
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                self._iteration()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(self.in_graph):
                self._iteration()
        return graph


class _Momentum:
    """v <- mu v - lr g, theta <- theta + v, each over all parameters in one call; lr stays on the device."""

    def __init__(self, params: list[torch.Tensor], recipe: Recipe):
        self.params, self.momentum = params, recipe.momentum
        self.velocity = [torch.zeros_like(p) for p in params]

    @torch.no_grad()
    def __call__(self, grads, lr) -> None:
        torch._foreach_mul_(self.velocity, self.momentum)
        torch._foreach_sub_(self.velocity, torch._foreach_mul(grads, lr))
        torch._foreach_add_(self.params, self.velocity)
