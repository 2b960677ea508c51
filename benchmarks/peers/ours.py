"""minigan itself in the peers' clothes, and the products alone through its own matrix product."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.peers.recipe import Product, Recipe
from minigan import GAN, Dataset, Dropout, Linear, Maxout, ReLU, Sequential, Sigmoid, rng
from minigan import Recipe as Rules
from minigan.backends import Ops
from minigan.backends.cuda import devices
from minigan.data import minibatches

ACTIVATIONS = {"relu": (ReLU(),), "sigmoid": (Sigmoid(),), "linear": ()}


class MiniGAN:
    """minigan's GAN on a backend, with the recipe's networks and the given weights."""

    def __init__(
        self,
        recipe: Recipe,
        weights: dict[str, np.ndarray],
        seed: int,
        backend: str,
        threads=None,
        precision="float32",
        distributed: str | None = None,
    ):
        rules = Rules(
            seed=seed,
            precision=precision,
            latent=recipe.latent,
            prior=recipe.prior,
            batch_size=recipe.batch_size,
            k=recipe.k,
            updates=recipe.updates,
            lr=recipe.lr,
            lr_decay=recipe.decay,
            momentum=recipe.momentum,
            momentum_final=recipe.momentum,
        )
        self.gan = GAN(generator(recipe), discriminator(recipe), rules, backend, threads, distributed=distributed)
        self.ops, self.source = self.gan.ops, None
        self.gan.begin(1, {})
        game = self.gan.game
        for role, player in (("generator", game.generator), ("discriminator", game.discriminator)):
            for name, view in player.params.items():
                self.ops.copy(self.ops.asarray(weights[f"{role}.{name}"]), out=view)

    def set_data(self, examples: np.ndarray) -> None:
        """examples (n, features) uint8"""
        rules = self.gan.recipe
        self.source = minibatches(self.ops, Dataset("benchmark", examples), rules.batch_size, rules.seed, rules.dtype)

    def iterate(self, n: int = 1) -> None:
        """n iterations of Algorithm 1."""
        with self.ops.session():
            for _ in range(n):
                self.gan.step(self.source)

    def drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """The next iteration's x (m, n) and z (m, latent)."""
        game = self.gan.game
        self.source.prepare(self.gan.iteration, self.gan.recipe.k)
        game.draw_x(self.source, 0)
        game.draw_z(0)
        return self.ops.to_host(game.x), self.ops.to_host(game.z)

    def numbers(self) -> tuple:
        """The next iteration's x (m, n), z (m, latent) and masks (2m, width) each, and what D and G lose on them."""
        game, (x, z) = self.gan.game, self.drawn()
        game._discriminate_pair(0)
        draw = game.tape_d.draw
        draw = replace(draw, iteration=self.gan.iteration, rows=self.ops.to_host(draw.rows))
        masks, layers = [], game.discriminator.network.layers
        for index, layer in enumerate(layers):
            if isinstance(layer, Dropout):
                width = layers[index - 1].n_out if index else game.discriminator.network.n_in
                masks.append(rng.words(draw.layer(index), width) < rng.keep_threshold(layer.keep))
        logits = self.ops.to_host(game.logits)
        real, fake = logits[: game.m], logits[game.m :]
        weight = 0.5 if game.updates == "simultaneous" else 1.0
        return x, z, masks, (weight * game.loss.d_loss(real, fake), game.loss.g_loss(fake))


def one_after_the_other(precision: str = "float32") -> Ops:
    """A GPU that runs nothing side by side, for a floor: without an iteration's other kernels, hardly any product would
    wait for another.
    """
    gpu = devices.select(0)
    from minigan.backends.cuda.cupy_ops import CupyOps

    return CupyOps(gpu, precision == "tf32", side_by_side=False)


class Products:
    """Matrix products alone, an iteration's or others, through a backend's own gemm."""

    def __init__(self, needed: list[Product], ops: Ops, seed: int = 0):
        self.ops = ops
        normal = np.random.default_rng(seed).standard_normal
        memory: dict[str, np.ndarray] = {}

        def buffer(name: str, rows: int, columns: int) -> np.ndarray:
            if name not in memory or len(memory[name]) < rows:
                memory[name] = self.ops.asarray(normal((rows, columns), np.float32))
            return memory[name]

        for p in needed:
            buffer(p.a, *((p.K, p.M) if p.trans_a else (p.M, p.K)))
            buffer(p.b, *((p.N, p.K) if p.trans_b else (p.K, p.N)))
            buffer(p.out, p.M, p.N)
        self.calls = [
            (
                memory[p.a][: p.K if p.trans_a else p.M],
                memory[p.b][: p.N if p.trans_b else p.K],
                memory[p.out][: p.M],
                p.trans_a,
                p.trans_b,
            )
            for p in needed
        ]
        self._products = self.ops.recorded(self._multiply)

    def iterate(self, n: int = 1) -> None:
        with self.ops.session():
            for _ in range(n):
                self._products()

    def _multiply(self) -> None:
        for call in self.calls:
            self.ops.gemm(*call)


def generator(recipe: Recipe) -> Sequential:
    layers, n_in = [], recipe.latent
    for width, activation in zip(recipe.g_widths, recipe.g_activations):
        layers += [Linear(n_in, width), *ACTIVATIONS[activation]]
        n_in = width
    return Sequential(*layers)


def discriminator(recipe: Recipe) -> Sequential:
    layers, n_in = [Dropout(recipe.keep_input)], recipe.features
    for width in recipe.d_widths:
        layers += [Maxout(n_in, width, recipe.d_pieces), Dropout(recipe.keep_hidden)]
        n_in = width
    return Sequential(*layers, Linear(n_in, 1))
