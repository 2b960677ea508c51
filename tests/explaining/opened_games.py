"""Small games to open, of every rule that the recipe has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minigan import GAN, Dropout, LeakyReLU, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid, Tanh
from minigan.data import dataset_of
from minigan.data.labels import Labels
from minigan.layers.initialisers import Uniform
from minigan.loop.loop import source_of

X = np.random.default_rng(0).integers(0, 256, (64, 2, 3), dtype=np.uint8)
Y = np.arange(64) % 3
GAMES: dict[str, dict[str, Any]] = {
    "joint": {"updates": "simultaneous"},
    "joint, k = 2, sgd": {"updates": "simultaneous", "k": 2, "optimizer": "sgd", "loss": "least-squares"},
    "alternating, k = 2": {"k": 2, "average": 4, "max_column_norm": 0.3},
    "adam, saturating": {"optimizer": "adam", "loss": "saturating", "prior": "normal"},
    "each layer by itself": {"updates": "simultaneous", "fused": False},
    "labels": {"condition": "labels"},
    "labels, joint, float64": {"condition": "labels", "updates": "simultaneous", "precision": "float64"},
}


@dataclass(frozen=True)
class Square:
    """y = x^2      dx = 2 x dy      A layer of one's own."""

    def shapes(self):
        return {}

    def memory(self, width):
        return {"y": (width, None), "dx": (width, None)}

    def forward(self, ops, p, x, tape):
        tape.x = x
        return np.multiply(x, x, out=tape.y)

    def backward(self, ops, p, dy, tape, grads=None, need_dx=True):
        return np.multiply(2 * tape.x, dy, out=tape.dx) if need_dx else None


@dataclass(frozen=True)
class Plain:
    """The non-saturating loss as one's own: in plain NumPy, with none of minigan's kernels."""

    logit = True

    def d_loss(self, real, fake):
        return np.mean(np.log1p(np.exp(-real))) + np.mean(np.log1p(np.exp(fake)))

    def g_loss(self, fake):
        return np.mean(np.log1p(np.exp(-fake)))

    def d_backward(self, ops, logits, weight, out):
        m = len(logits) // 2
        return weight * (1 / (1 + np.exp(-logits)) - np.repeat([[1.0], [0.0]], m, axis=0)) / m

    def g_backward(self, ops, logits, out):
        return (1 / (1 + np.exp(-logits)) - 1) / len(logits)


def begun(name: str = "joint", backend: str = "numpy", seed: int = 0, own: tuple = (), **recipe: Any):
    """A GAN after three iterations, and its minibatches; `own` are layers between those of D."""
    options = GAMES[name] | recipe
    fused, told = options.pop("fused", True), 3 if options.get("condition") else 0
    layers = Linear(3 + told, 5), ReLU(), Dropout(0.7), Linear(5, 6), Tanh(), Linear(6, 6), Sigmoid()
    G, wide = Sequential(*layers, fused=fused), Uniform(1.0)
    hidden = Maxout(6 + told, 4, 2, wide), Dropout(0.5), Linear(4, 3, wide), LeakyReLU(0.1), *own
    D = Sequential(Dropout(0.8), *hidden, Linear(3, 1, wide), fused=fused)
    gan = GAN(G, D, Recipe(latent=3, batch_size=8, seed=seed, **options), backend=backend)
    gan.fit(X, Y if told else None, iterations=3, verbose=False)
    data = dataset_of("array", X)
    return gan, source_of(gan, replace(data, labels=Labels.of("y", Y)) if told else data)


def left_by(step) -> dict[str, np.ndarray]:
    """All tensors as they are after an iteration."""
    return {name: array for move in step.moves for name, array in move.after.items()}
