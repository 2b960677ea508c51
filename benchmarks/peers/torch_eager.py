"""The peer in PyTorch: eager, or one `torch.compile` over the whole iteration."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.peers.recipe import Recipe

ACTIVATIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid, "linear": lambda h: h}


class TorchGAN:
    """Algorithm 1 with autograd.

    recipe, weights  the job, and minigan's float32 weights by name; W is (I, O), as `torch.addmm` takes it
    compile          a mode of torch.compile: the whole iteration, both backward passes and both updates included, is
                     one compiled graph
    """

    device = "cpu"

    def __init__(self, recipe: Recipe, weights: dict[str, np.ndarray], seed: int, compile: str | None = None):
        self.recipe, self.iteration, self.data = recipe, 0, None
        self.rng = torch.Generator().manual_seed(seed)
        tensors = {
            name: torch.tensor(weights[name], device=self.device, requires_grad=True) for name in recipe.shapes()
        }
        self.named = tensors
        self.g = [tensors[f"{name}.{letter}"] for name in recipe.g_names for letter in "Wb"]
        self.d = [tensors[f"{name}.{letter}"] for name in recipe.d_names for letter in "Wb"]
        self.ones = torch.ones(recipe.batch_size, 1, device=self.device)
        self.targets = torch.cat([self.ones, torch.zeros_like(self.ones)])
        if compile is not None:
            torch._dynamo.config.trace_autograd_ops = True  # autograd.grad inside the graph
            self.update_g, self.update_d = _InGraphMomentum(self.g, recipe), _InGraphMomentum(self.d, recipe)
            self._play = torch.compile(self._play, fullgraph=True, mode=compile)
        else:
            self.update_g, self.update_d = _FusedMomentum(self.g, recipe), _FusedMomentum(self.d, recipe)

    def set_data(self, examples: np.ndarray) -> None:
        """examples (n, features) uint8"""
        self.data = torch.tensor(examples, device=self.device)

    def iterate(self, n: int = 1) -> None:
        """n iterations on fresh minibatches, z and masks."""
        for _ in range(n):
            self._step(self._draw())

    def play(self, draws: list[tuple]) -> None:
        """One iteration on given numbers: an (x, z, masks) for each step; a step of G alone takes (None, z, masks)."""
        self._step([self._tensors(*draw) for draw in draws])

    def losses(self, x: np.ndarray, z: np.ndarray, masks: list[np.ndarray]) -> tuple[float, float]:
        """(d_loss, g_loss) before any update.      x (m, n)   z (m, latent)   masks (2m, width), real rows first"""
        with torch.no_grad():
            d_loss, g_loss = self._both_losses(*self._tensors(x, z, masks))
        return d_loss.item(), g_loss.item()

    def weights(self) -> dict[str, np.ndarray]:
        """The weights now, by minigan's names."""
        return {name: tensor.detach().numpy().copy() for name, tensor in self.named.items()}

    def _step(self, draws: list[tuple]) -> None:
        self._play(draws, torch.tensor(self.recipe.lr_at(self.iteration)))
        self.iteration += 1

    def _play(self, draws: list[tuple], lr: torch.Tensor) -> None:
        *alone, (x, z, masks) = draws
        for draw in alone:
            self._d_step(*draw, lr)
        if x is None:
            self._g_step(z, masks, lr)
        else:
            self._joint_step(x, z, masks, lr)

    def _d_step(self, x, z, masks, lr) -> None:
        with torch.no_grad():
            fake = self._generate(z)
        self.update_d(torch.autograd.grad(self._d_loss(x, fake, masks), self.d), lr)

    def _g_step(self, z, masks, lr) -> None:
        """D's weights take no part in autograd's backward: gradients are asked for G's alone."""
        self.update_g(torch.autograd.grad(self._g_loss(z, masks), self.g), lr)

    def _joint_step(self, x, z, masks, lr) -> None:
        """One forward of D, in halves so that G's backward sees no real row; two backwards at the old weights."""
        m = self.recipe.batch_size
        logits_real = self._discriminate(x, [r[:m] for r in masks])
        logits_fake = self._discriminate(self._generate(z), [r[m:] for r in masks])
        d_loss = self._d_bce(torch.cat([logits_real, logits_fake]))
        d_grads = torch.autograd.grad(d_loss, self.d, retain_graph=True)
        g_grads = torch.autograd.grad(self._g_bce(logits_fake), self.g)
        self.update_d(d_grads, lr)
        self.update_g(g_grads, lr)

    def _both_losses(self, x, z, masks):
        m = self.recipe.batch_size
        return self._d_loss(x, self._generate(z), masks), self._g_loss(z, [r[m:] for r in masks])

    def _d_loss(self, x, fake, masks):
        return self._d_bce(self._discriminate(torch.cat([x, fake]), masks))

    def _g_loss(self, z, masks):
        return self._g_bce(self._discriminate(self._generate(z), masks))

    def _d_bce(self, logits):
        """w (-mean log D(x) - mean log(1 - D(G(z)))); the mean over 2m rows is half the sum of the two means."""
        return 2 * self.recipe.d_weight * F.binary_cross_entropy_with_logits(logits, self.targets)

    def _g_bce(self, logits_fake):
        """-mean log D(G(z))"""
        return F.binary_cross_entropy_with_logits(logits_fake, self.ones)

    def _generate(self, z):
        """z (m, latent) to G(z) (m, n)"""
        h = z
        for W, b, activation in zip(self.g[::2], self.g[1::2], self.recipe.g_activations):
            h = ACTIVATIONS[activation](torch.addmm(b, h, W))
        return h

    def _discriminate(self, x, masks):
        """x (B, n), bool masks (B, width) to logits (B, 1)"""
        *hidden, (W, b) = zip(self.d[::2], self.d[1::2])
        h = _dropout(x, masks[0], self.recipe.keep_input)
        for (W_maxout, b_maxout), mask in zip(hidden, masks[1:]):
            pieces = torch.addmm(b_maxout, h, W_maxout).view(len(h), self.recipe.d_pieces, -1)
            h = _dropout(pieces.amax(dim=1), mask, self.recipe.keep_hidden)
        return torch.addmm(b, h, W)

    def _draw(self) -> list[tuple]:
        """The numbers of one iteration, as `play` takes them."""
        m, alone = self.recipe.batch_size, self.recipe.d_alone
        draws = [(self._draw_x(), self._draw_z(), self._draw_masks(2 * m)) for _ in range(alone)]
        if self.recipe.updates == "alternating":
            return draws + [(None, self._draw_z(), self._draw_masks(m))]
        return draws + [(self._draw_x(), self._draw_z(), self._draw_masks(2 * m))]

    def _draw_x(self):
        """A minibatch (m, n) of pixels in [0, 1]."""
        rows = torch.randint(len(self.data), (self.recipe.batch_size,), generator=self.rng, device=self.device)
        return self.data[rows].float().mul_(1 / 255)

    def _draw_z(self):
        """(m, latent) from the prior"""
        z = torch.empty(self.recipe.batch_size, self.recipe.latent, device=self.device)
        if self.recipe.prior == "normal":
            return z.normal_(generator=self.rng)
        return z.uniform_(-(3**0.5), 3**0.5, generator=self.rng)

    def _draw_masks(self, rows: int) -> list[torch.Tensor]:
        """Bool masks (rows, width), from 16 random bits an entry: several times as fast as `bernoulli_` on a CPU."""
        masks = []
        for width, keep in zip(self.recipe.mask_widths, self.recipe.keeps):
            words = torch.empty(-(-rows * width // 4), dtype=torch.int64, device=self.device)
            words.random_(-(2**63), None, generator=self.rng)
            bits = words.view(torch.int16)[: rows * width].view(rows, width)
            masks.append(bits < round(keep * 2**16) - 2**15)
        return masks

    def _tensors(self, x, z, masks):
        """NumPy arrays to tensors; masks to bool."""
        x = None if x is None else torch.tensor(x, device=self.device)
        masks = [torch.tensor(np.asarray(r, dtype=bool), device=self.device) for r in masks]
        return x, torch.tensor(z, device=self.device), masks


class _FusedMomentum:
    """PyTorch's own fused SGD, one pass over the memory.

    Its velocity lacks the factor lr: with lr changing by 4e-6 an iteration, the same trajectory for a benchmark's ends.
    """

    def __init__(self, params: list[torch.Tensor], recipe: Recipe):
        self.params = params
        self.optimiser = torch.optim.SGD(params, lr=recipe.lr, momentum=recipe.momentum, fused=True)

    def __call__(self, grads, lr) -> None:
        for p, g in zip(self.params, grads):
            p.grad = g
        self.optimiser.param_groups[0]["lr"] = lr.item()
        self.optimiser.step()


class _InGraphMomentum:
    """v <- mu v - lr g, theta <- theta + v, which the compiler makes one loop for each parameter."""

    def __init__(self, params: list[torch.Tensor], recipe: Recipe):
        self.params, self.momentum = params, recipe.momentum
        self.velocity = [torch.zeros_like(p) for p in params]

    @torch.no_grad()
    def __call__(self, grads, lr) -> None:
        for p, v, g in zip(self.params, self.velocity, grads):
            v.mul_(self.momentum).sub_(lr * g)
            p.add_(v)


def _dropout(h, mask, keep: float):
    return h * (mask * (1 / keep))
