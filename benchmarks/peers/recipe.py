"""The recipes that are timed, and the matrix products that one iteration of each cannot do without."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

REHEARSAL = os.environ.get("MINIGAN_REHEARSAL") == "1"
"""Toys for recipes: what is to run on a GPU is first run through on a CPU (`tests/campaigns/gpu_rehearsal.py`)."""


@dataclass(frozen=True)
class Recipe:
    """One job: the networks of the paper, the order of play and the optimiser's numbers.

    latent          width of z, drawn from `prior`: uniform on (-sqrt 3, sqrt 3), or normal N(0, 1)
    g_widths        G's layers, each Linear then its activation: "relu", "sigmoid" or "linear"
    d_widths        D's maxout layers of `d_pieces` pieces; dropout comes before each and before the one logit
    batch_size      m
    updates, k      as in `minigan.game.algorithm1`
    """

    name: str
    latent: int = 100
    prior: str = "uniform"
    g_widths: tuple[int, ...] = (1200, 1200, 784)
    g_activations: tuple[str, ...] = ("relu", "relu", "sigmoid")
    d_widths: tuple[int, ...] = (240, 240)
    d_pieces: int = 5
    batch_size: int = 100
    k: int = 1
    updates: str = "alternating"
    lr: float = 0.1
    decay: float = 1.000004
    momentum: float = 0.5
    keep_input: float = 0.8
    keep_hidden: float = 0.5

    @property
    def features(self) -> int:
        """The width of x and of G(z)."""
        return self.g_widths[-1]

    @property
    def d_alone(self) -> int:
        """How many steps of D come before the iteration's last step, which moves G (or both players)."""
        return self.k if self.updates == "alternating" else self.k - 1

    @property
    def d_weight(self) -> float:
        """The factor w of D's loss  w (-mean log D(x) - mean log(1 - D(G(z))))."""
        return 1.0 if self.updates == "alternating" else 0.5

    @property
    def g_names(self) -> list[str]:
        """The layers of G with weights, from below, as minigan names them."""
        return [f"generator.{2 * i}" for i in range(len(self.g_widths))]

    @property
    def d_names(self) -> list[str]:
        """The layers of D with weights, from below: its maxout layers, then the logit."""
        return [f"discriminator.{2 * i + 1}" for i in range(len(self.d_widths) + 1)]

    @property
    def keeps(self) -> list[float]:
        """The keep probability of each of D's dropouts, from below."""
        return [self.keep_input] + [self.keep_hidden] * len(self.d_widths)

    @property
    def mask_widths(self) -> list[int]:
        """The width of each of D's dropout masks, from below."""
        return [self.features, *self.d_widths]

    def lr_at(self, iteration: int) -> float:
        """lr after so many iterations."""
        return self.lr * self.decay**-iteration

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{"generator.0.W": (I, O), "generator.0.b": (O,), ...}"""
        shapes = {}
        g_columns = list(self.g_widths)
        d_columns = [self.d_pieces * width for width in self.d_widths] + [1]
        for names, rows, columns in (
            (self.g_names, [self.latent, *self.g_widths[:-1]], g_columns),
            (self.d_names, self.mask_widths, d_columns),
        ):
            for name, n_in, n_out in zip(names, rows, columns):
                shapes[f"{name}.W"], shapes[f"{name}.b"] = (n_in, n_out), (n_out,)
        return shapes


MNIST = Recipe("mnist")
CIFAR10 = Recipe(
    "cifar10",
    prior="normal",
    g_widths=(8000, 8000, 3072),
    g_activations=("relu", "sigmoid", "linear"),
    d_widths=(1600, 1600),
    lr=0.025,
)
LARGE_BATCH = 1000
if REHEARSAL:
    LARGE_BATCH = 40
    MNIST, CIFAR10 = (
        replace(recipe, latent=10, g_widths=(24, 24, 16), d_widths=(8, 8), batch_size=20) for recipe in (MNIST, CIFAR10)
    )
RECIPES = {
    recipe.name: recipe
    for recipe in (
        MNIST,
        replace(MNIST, name="mnist-1000", batch_size=LARGE_BATCH),
        CIFAR10,
        replace(MNIST, name="mnist-k5", k=5),
        replace(MNIST, name="mnist-simultaneous", updates="simultaneous"),
    )
}


def initial_weights(recipe: Recipe, seed: int) -> dict[str, np.ndarray]:
    """Weights to start from, float32: G's uniform on +-.05 (a linear output's +-.5), D's on +-.005; biases 0."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in recipe.shapes().items():
        bound = 0.05 if name.startswith("generator") else 0.005
        if name == f"{recipe.g_names[-1]}.W" and recipe.g_activations[-1] == "linear":
            bound = 0.5
        drawn = rng.uniform(-bound, bound, shape) if name.endswith("W") else np.zeros(shape)
        weights[name] = drawn.astype(np.float32)
    return weights


class Product(NamedTuple):
    """out (M, N) <- op(a) op(b) + beta out,  op(a) (M, K), op(b) (K, N).

    trans_a   a lies in memory as (K, M)        trans_b   b lies as (N, K)
    a, b, out the names of the buffers: two products that name the same buffer touch the same memory
    """

    M: int
    N: int
    K: int
    trans_a: bool
    trans_b: bool
    beta: float
    a: str
    b: str
    out: str


def products(recipe: Recipe) -> list[Product]:
    """Every matrix product of one iteration, in order, with nothing superfluous.

    A step of D computes no dx below D's first weights and nothing of G's backward; a step of G computes none of D's
    weight gradients, and no dz.  A joint step has one forward of D over 2m rows and two backwards over it: D's over
    2m rows, G's over the m fake ones.  A weight gradient goes into its velocity: beta = momentum.
    """
    m, shapes = recipe.batch_size, recipe.shapes()

    def forward(names: list[str], rows: int) -> list[Product]:
        """y = x W for each layer"""
        found = []
        for name in names:
            n_in, n_out = shapes[f"{name}.W"]
            found.append(Product(rows, n_out, n_in, False, False, 0.0, f"{name}.x", f"{name}.W", f"{name}.y"))
        return found

    def backward(names: list[str], rows: int, learn: bool, need_dx: bool) -> list[Product]:
        """dW = x^T dy where the network learns, dx = dy W^T where a layer below, or the caller, needs it"""
        found = []
        for name in reversed(names):
            n_in, n_out = shapes[f"{name}.W"]
            x, W, dy, dx, v = (f"{name}.{letter}" for letter in ("x", "W", "dy", "dx", "velocity"))
            if learn:
                found.append(Product(n_in, n_out, rows, True, False, recipe.momentum, x, dy, v))
            if need_dx or name != names[0]:
                found.append(Product(rows, n_in, n_out, False, True, 0.0, dy, W, dx))
        return found

    g, d = recipe.g_names, recipe.d_names
    d_step = forward(g, m) + forward(d, 2 * m) + backward(d, 2 * m, learn=True, need_dx=False)
    g_backward = backward(d, m, learn=False, need_dx=True) + backward(g, m, learn=True, need_dx=False)
    last = forward(g, m) + forward(d, m) if recipe.updates == "alternating" else d_step
    return recipe.d_alone * d_step + last + g_backward


def flop(recipe: Recipe) -> int:
    """The floating-point operations in one iteration's products: 2 M N K each."""
    return sum(2 * p.M * p.N * p.K for p in products(recipe))
