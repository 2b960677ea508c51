"""Do the peers compute the same thing?      python -m benchmarks.peers.check [recipe ...]

From the same weights, x, z and masks: the same losses, and the same weights after each of three iterations.  With
MINIGAN_REHEARSAL=1 the peers of a GPU are among them, on a CPU and with toys for recipes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.peers.blog_numpy import BlogGAN
from benchmarks.peers.floor import Floor
from benchmarks.peers.jax_jit import JaxGAN
from benchmarks.peers.recipe import RECIPES, REHEARSAL, Recipe, flop, products
from benchmarks.peers.torch_cuda import TorchCudaGAN
from benchmarks.peers.torch_eager import TorchGAN

LOSS_TOLERANCE = 1e-4
MOVE_TOLERANCE = 1e-2
ITERATIONS = 3

PEERS: dict[str, Callable] = {
    "blog": BlogGAN,
    "torch": TorchGAN,
    "torch compiled": lambda *job: TorchGAN(*job, compile="default"),
    "jax": JaxGAN,
    "jax scan": lambda *job: JaxGAN(*job, scan=True),
}
if REHEARSAL:
    PEERS["torch on a GPU"] = lambda recipe, weights, seed: TorchCudaGAN(recipe, weights)
    PEERS["torch on a GPU, compiled"] = lambda recipe, weights, seed: TorchCudaGAN(recipe, weights, compiled="default")


def check(recipe: Recipe, seed: int = 0) -> None:
    """Raise AssertionError where a peer differs from the blog's plain NumPy.

    With the recipe's lr the first step would throw D far beyond these weights, and G's gradients would vanish.
    """
    recipe = replace(recipe, lr=0.01)
    rng = np.random.default_rng(seed)
    weights = telling_weights(recipe, rng)
    examples = rng.integers(0, 256, (1000, recipe.features), dtype=np.uint8)
    iterations = [draw(recipe, rng) for _ in range(ITERATIONS)]
    m = recipe.batch_size
    x, z, masks = (rng.random((m, recipe.features), np.float32), draw_z(recipe, rng), draw_masks(recipe, rng, 2 * m))

    peers = {name: make(recipe, weights, seed) for name, make in PEERS.items()}
    expected = peers["blog"].losses(x, z, masks)
    before = weights
    for name, peer in peers.items():
        losses = peer.losses(x, z, masks)
        assert np.allclose(losses, expected, rtol=0, atol=LOSS_TOLERANCE), f"{name}: losses {losses}, not {expected}"
    for number, draws in enumerate(iterations):
        for peer in peers.values():
            peer.play(draws)
        after = peers["blog"].weights()
        for name, peer in peers.items():
            compare_moves(f"{name}, iteration {number}", peer.weights(), after, before)
        before = after
    for name, peer in peers.items():
        peer.set_data(examples)
        peer.iterate(2)
        assert all(np.isfinite(w).all() for w in peer.weights().values()), f"{name}: weights are not finite"
    Floor(recipe).iterate()
    print(f"{recipe.name}: peers agree; {len(products(recipe))} products, {flop(recipe) / 1e9:.2f} GFLOP")


def compare_moves(what: str, weights: dict, expected: dict, before: dict) -> None:
    """How far each array moved agrees to MOVE_TOLERANCE of the move's length.

    Roundings differ, and now and then one unit's winner with them, so entries cannot be compared one by one.
    """
    for name, w in weights.items():
        move = np.linalg.norm(expected[name] - before[name])
        error = np.linalg.norm(w - expected[name])
        assert move > 100 * np.linalg.norm(np.spacing(w)), f"{what}: {name} moved {move:.2e}, too little to tell"
        assert error <= MOVE_TOLERANCE * move, f"{what}: {name} moved {move:.2e}, off by {error:.2e}"


def telling_weights(recipe: Recipe, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights of a size at which every gradient matters: W ~ N(0, 1/n_in), b ~ N(0, 0.01)."""
    return {
        name: rng.normal(0, shape[0] ** -0.5 if name.endswith("W") else 0.1, shape).astype(np.float32)
        for name, shape in recipe.shapes().items()
    }


def draw(recipe: Recipe, rng: np.random.Generator) -> list[tuple]:
    """The numbers of one iteration, as `play` takes them."""
    m = recipe.batch_size
    pair = lambda: (rng.random((m, recipe.features), np.float32), draw_z(recipe, rng), draw_masks(recipe, rng, 2 * m))
    draws = [pair() for _ in range(recipe.d_alone)]
    if recipe.updates == "alternating":
        return draws + [(None, draw_z(recipe, rng), draw_masks(recipe, rng, m))]
    return draws + [pair()]


def draw_z(recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((recipe.batch_size, recipe.latent), np.float32)


def draw_masks(recipe: Recipe, rng: np.random.Generator, rows: int) -> list[np.ndarray]:
    return [rng.random((rows, width)) < keep for width, keep in zip(recipe.mask_widths, recipe.keeps)]


if __name__ == "__main__":
    for chosen in sys.argv[1:] or RECIPES:
        check(RECIPES[chosen])
