"""The peer in JAX: a whole iteration in one jit with donated buffers, or twenty in one `lax.scan`."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers.recipe import Recipe

IN_A_SCAN = 20
ACTIVATIONS = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "linear": lambda h: h}


class State(NamedTuple):
    """What an iteration moves; every field is donated.

    g, d        [(W, b), ...] of each network from below; W is (I, O)
    g_velocity, d_velocity  the same shapes
    key, iteration  the random key and the number of iterations made
    """

    g: list
    d: list
    g_velocity: list
    d_velocity: list
    key: jax.Array
    iteration: jax.Array


class JaxGAN:
    """Algorithm 1 as a pure function of `State`.

    recipe, weights  the job, and minigan's float32 weights by name
    scan             iterations go twenty a call, and what is left over one by one
    """

    def __init__(self, recipe: Recipe, weights: dict[str, np.ndarray], seed: int, scan: bool = False):
        self.recipe, self.scan, self.data = recipe, scan, None
        g, d = (
            [(jnp.array(weights[f"{name}.W"]), jnp.array(weights[f"{name}.b"])) for name in names]
            for names in (recipe.g_names, recipe.d_names)
        )
        zeros = partial(jax.tree.map, jnp.zeros_like)
        self.state = State(g, d, zeros(g), zeros(d), jax.random.key(seed), jnp.zeros((), jnp.int32))
        self._iteration = jax.jit(self._iteration_on, donate_argnums=0)
        self._iterations = jax.jit(self._iterations_on, donate_argnums=0)
        self._played = jax.jit(self._play, donate_argnums=0)
        self._losses = jax.jit(self._both_losses)

    def set_data(self, examples: np.ndarray) -> None:
        """examples (n, features) uint8"""
        self.data = jax.device_put(examples)

    def iterate(self, n: int = 1) -> None:
        """n iterations on fresh minibatches, z and masks; returns when they are done."""
        scans, singles = divmod(n, IN_A_SCAN) if self.scan else (0, n)
        for _ in range(scans):
            self.state = self._iterations(self.state, self.data)
        for _ in range(singles):
            self.state = self._iteration(self.state, self.data)
        jax.block_until_ready(self.state.g)

    def play(self, draws: list[tuple]) -> None:
        """One iteration on given numbers: an (x, z, masks) for each step; a step of G alone takes (None, z, masks)."""
        self.state = self._played(self.state, draws)

    def losses(self, x: np.ndarray, z: np.ndarray, masks: list[np.ndarray]) -> tuple[float, float]:
        """(d_loss, g_loss) before any update.      x (m, n)   z (m, latent)   masks (2m, width), real rows first"""
        return tuple(map(float, self._losses(self.state.g, self.state.d, x, z, masks)))

    def weights(self) -> dict[str, np.ndarray]:
        """The weights now, by minigan's names."""
        names, layers = self.recipe.g_names + self.recipe.d_names, self.state.g + self.state.d
        return {f"{name}.{letter}": np.array(p) for name, layer in zip(names, layers) for letter, p in zip("Wb", layer)}

    def _iterations_on(self, state: State, data) -> State:
        return jax.lax.scan(lambda state, _: (self._iteration_on(state, data), None), state, length=IN_A_SCAN)[0]

    def _iteration_on(self, state: State, data) -> State:
        key, fresh = jax.random.split(state.key)
        return self._play(state._replace(key=key), self._draw(fresh, data))

    def _play(self, state: State, draws: list[tuple]) -> State:
        lr = self.recipe.lr * jnp.exp(-np.log(self.recipe.decay) * state.iteration.astype(jnp.float32))
        *alone, (x, z, masks) = draws
        for draw in alone:
            state = self._d_step(state, *draw, lr)
        if x is None:
            state = self._g_step(state, z, masks, lr)
        else:
            state = self._joint_step(state, x, z, masks, lr)
        return state._replace(iteration=state.iteration + 1)

    def _d_step(self, state: State, x, z, masks, lr) -> State:
        grads = jax.grad(self._d_loss)(state.d, x, self._generate(state.g, z), masks)
        return self._update_d(state, grads, lr)

    def _g_step(self, state: State, z, masks, lr) -> State:
        return self._update_g(state, jax.grad(self._g_loss)(state.g, state.d, z, masks), lr)

    def _joint_step(self, state: State, x, z, masks, lr) -> State:
        """One forward of D, in halves so that G's backward sees no real row; two backwards at the old weights."""
        m = self.recipe.batch_size
        fake, to_g = jax.vjp(lambda g: self._generate(g, z), state.g)
        real_masks, fake_masks = [r[:m] for r in masks], [r[m:] for r in masks]
        logits_real, real_to_d = jax.vjp(lambda d: self._discriminate(d, x, real_masks), state.d)
        logits_fake, fake_to_d = jax.vjp(lambda d, fake: self._discriminate(d, fake, fake_masks), state.d, fake)
        dreal, dfake = jax.grad(self._d_bce, argnums=(0, 1))(logits_real, logits_fake)
        d_grads = jax.tree.map(jnp.add, *real_to_d(dreal), fake_to_d(dfake)[0])
        (g_grads,) = to_g(fake_to_d(jax.grad(self._g_bce)(logits_fake))[1])
        return self._update_g(self._update_d(state, d_grads, lr), g_grads, lr)

    def _update_g(self, state: State, grads, lr) -> State:
        velocity = self._velocity(state.g_velocity, grads, lr)
        return state._replace(g=jax.tree.map(jnp.add, state.g, velocity), g_velocity=velocity)

    def _update_d(self, state: State, grads, lr) -> State:
        velocity = self._velocity(state.d_velocity, grads, lr)
        return state._replace(d=jax.tree.map(jnp.add, state.d, velocity), d_velocity=velocity)

    def _velocity(self, velocity, grads, lr):
        """v <- mu v - lr g"""
        return jax.tree.map(lambda v, g: self.recipe.momentum * v - lr * g, velocity, grads)

    def _both_losses(self, g, d, x, z, masks):
        m = self.recipe.batch_size
        return self._d_loss(d, x, self._generate(g, z), masks), self._g_loss(g, d, z, [r[m:] for r in masks])

    def _d_loss(self, d, x, fake, masks):
        logits = self._discriminate(d, jnp.concatenate([x, fake]), masks)
        return self._d_bce(*jnp.split(logits, 2))

    def _g_loss(self, g, d, z, masks):
        return self._g_bce(self._discriminate(d, self._generate(g, z), masks))

    def _d_bce(self, logits_real, logits_fake):
        """w (-mean log D(x) - mean log(1 - D(G(z))))"""
        return self.recipe.d_weight * (jax.nn.softplus(-logits_real).mean() + jax.nn.softplus(logits_fake).mean())

    def _g_bce(self, logits_fake):
        """-mean log D(G(z))"""
        return jax.nn.softplus(-logits_fake).mean()

    def _generate(self, g, z):
        """z (m, latent) to G(z) (m, n)"""
        h = z
        for (W, b), activation in zip(g, self.recipe.g_activations):
            h = ACTIVATIONS[activation](_affine(h, W, b))
        return h

    def _discriminate(self, d, x, masks):
        """x (B, n), bool masks (B, width) to logits (B, 1)"""
        *hidden, (W, b) = d
        h = _dropout(x, masks[0], self.recipe.keep_input)
        for (W_maxout, b_maxout), mask in zip(hidden, masks[1:]):
            pieces = _affine(h, W_maxout, b_maxout).reshape(len(h), self.recipe.d_pieces, -1)
            h = _dropout(pieces.max(axis=1), mask, self.recipe.keep_hidden)
        return _affine(h, W, b)

    def _draw(self, key, data) -> list[tuple]:
        """The numbers of one iteration, as `play` takes them."""
        m = self.recipe.batch_size
        *alone, last = jax.random.split(key, self.recipe.d_alone + 1)
        draws = [(self._draw_x(k, data), self._draw_z(k), self._draw_masks(k, 2 * m)) for k in alone]
        if self.recipe.updates == "alternating":
            return draws + [(None, self._draw_z(last), self._draw_masks(last, m))]
        return draws + [(self._draw_x(last, data), self._draw_z(last), self._draw_masks(last, 2 * m))]

    def _draw_x(self, key, data):
        """A minibatch (m, n) of pixels in [0, 1]."""
        rows = jax.random.randint(jax.random.fold_in(key, 0), (self.recipe.batch_size,), 0, len(data))
        return data[rows].astype(jnp.float32) * (1 / 255)

    def _draw_z(self, key):
        """(m, latent) from the prior"""
        key, shape = jax.random.fold_in(key, 1), (self.recipe.batch_size, self.recipe.latent)
        if self.recipe.prior == "normal":
            return jax.random.normal(key, shape)
        return jax.random.uniform(key, shape, minval=-(3**0.5), maxval=3**0.5)

    def _draw_masks(self, key, rows: int) -> list[jax.Array]:
        """Bool masks (rows, width)"""
        sizes = enumerate(zip(self.recipe.mask_widths, self.recipe.keeps))
        return [jax.random.bernoulli(jax.random.fold_in(key, 2 + i), p, (rows, width)) for i, (width, p) in sizes]


def _affine(x, W, b):
    return jnp.matmul(x, W, precision=jax.lax.Precision.HIGHEST) + b


def _dropout(h, mask, keep: float):
    return jnp.where(mask, h * (1 / keep), 0)
