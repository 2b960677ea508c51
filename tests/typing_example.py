"""A user's program: tests/test_types.py checks its types, with a user's settings, and runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_type

import numpy as np
from numpy.typing import NDArray

import minigan
from minigan import (
    GAN,
    Dataset,
    Dropout,
    Linear,
    Maxout,
    Mixture,
    Recipe,
    ReLU,
    Sequential,
    Sigmoid,
    check_layer,
    check_loss,
    value,
)
from minigan.backends import Array, Ops
from minigan.data import load
from minigan.generator.sampler import Sampler, pretrained
from minigan.layers import Layer
from minigan.layers.layer import LayerParams, LayerTape, Memory, Shapes, Targets


@dataclass(frozen=True)
class Softsign:
    """A layer of one's own, in plain NumPy:  y = x / (1 + |x|)      dx = dy / (1 + |x|)^2"""

    def shapes(self) -> Shapes:
        return {}

    def memory(self, width: int) -> Memory:
        return {"y": (width, None)}

    def forward(self, ops: Ops, p: LayerParams, x: Array, tape: LayerTape) -> Array:
        values: NDArray[np.floating] = np.asarray(x)
        tape.slope = (1 + abs(values)) ** -2
        return values / (1 + abs(values))

    def backward(
        self, ops: Ops, p: LayerParams, dy: Array, tape: LayerTape, grads: Targets | None = None, need_dx: bool = True
    ) -> Array:
        dx: NDArray[np.floating] = np.asarray(dy) * tape.slope
        return dx


@dataclass(frozen=True)
class Wasserstein:
    """A loss of one's own: D maximises E l(x) - E l(G(z))"""

    scale: float = 1.0
    logit = False

    def d_loss(self, real: np.ndarray, fake: np.ndarray) -> float:
        return self.scale * float(fake.mean() - real.mean())

    def g_loss(self, fake: np.ndarray) -> float:
        return -self.scale * float(fake.mean())

    def d_backward(self, ops: Ops, logits: Array, weight: float, out: Array) -> Array:
        m = len(logits) // 2
        return np.repeat([[-weight * self.scale / m], [weight * self.scale / m]], m, axis=0)

    def g_backward(self, ops: Ops, logits: Array, out: Array) -> Array:
        return np.full(logits.shape, -self.scale / len(logits))


X = np.linspace(0, 1, 400).reshape(50, 8)
G = Sequential(Linear(4, 16), ReLU(), Linear(16, 8), Softsign(), Linear(8, 8), Sigmoid())
D = Sequential(Dropout(0.8), Maxout(8, 6, 2), Linear(6, 1))
assert_type(G.layers, tuple[Layer, ...])
assert_type(G.n_out, int)

recipe = Recipe(latent=4, batch_size=10)
assert_type(recipe.dtype, np.dtype[np.floating])
gan = GAN(G, D, recipe)
assert_type(gan.fit(X, epochs=1), GAN)
assert_type(gan.fit(X.tolist(), iterations=1).iteration, int)
assert_type(gan.sample(3), NDArray[np.floating])
assert_type(gan.discriminate(X), NDArray[np.float64])
assert_type(gan.gradients(X)["generator.0.W"], NDArray[np.floating])
assert_type(gan.data["name"], str)
assert_type(gan.game.measure()["value"], float | None)
assert_type(gan.ops, Ops)
assert_type(gan.ops.to_host(gan.ops.zeros((2, 3), "float32")).ndim, int)

own = GAN(G, D, Recipe(latent=4, batch_size=10, loss=Wasserstein(0.5))).fit(X, iterations=1)
assert_type([row.passed for row in check_loss(own.game.loss)], list[bool])

data = Dataset("mine", X[:40], validation=X[40:], image_shape=(2, 4))
assert_type(data.validation, np.ndarray | None)
assert_type(Mixture.ring().sample(5, seed=0), NDArray[np.float64])
assert_type(load("digits"), Dataset | Mixture)
assert_type(value(np.zeros((3, 1)), np.zeros((3, 1))), float)
assert_type([row.passed for row in check_layer(Softsign)], list[bool])
sampler = Sampler.load(pretrained("mnist"))
assert_type(sampler.generate(sampler.draw_z(2)), NDArray[np.floating])

if TYPE_CHECKING:  # each of these is wrong, and a checker that does not say so says that its comment is not needed
    GAN(G)  # type: ignore[call-arg]
    gan.fit(X, epochs="ten")  # type: ignore[arg-type]
    Recipe(updates="in turn")  # type: ignore[arg-type]
    Sequential(Linear(4, 4), np.tanh)  # type: ignore[arg-type]
    GAN.load("digits.safetensors", layers=[Softsign()])  # type: ignore[list-item]
    GAN.load("digits.safetensors", loss=Softsign)  # type: ignore[arg-type]
    Recipe(loss=Softsign())  # type: ignore[arg-type]
    np.exp(gan.ops.zeros((2,), "float32"))  # type: ignore[call-overload]
    minigan.no_such_name  # type: ignore[attr-defined]
