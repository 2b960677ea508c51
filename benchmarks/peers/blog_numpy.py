"""The GAN in plain NumPy as a blog would print it: clear, correct, and with no thought for speed.

Real and fake images pass through D separately, every array is a fresh one, and the masks come from np.random.
"""

from __future__ import annotations

import numpy as np

from benchmarks.peers.recipe import Recipe


class BlogGAN:
    """Algorithm 1, layer by layer.      recipe, weights: the job, and minigan's float32 weights by name"""

    def __init__(self, recipe: Recipe, weights: dict[str, np.ndarray], seed: int):
        self.recipe, self.iteration, self.data = recipe, 0, None
        self.p = {name: weights[name].copy() for name in recipe.shapes()}
        self.v = {name: np.zeros_like(w) for name, w in self.p.items()}
        self.rng = np.random.RandomState(seed)

    def set_data(self, examples: np.ndarray) -> None:
        """examples (n, features) uint8"""
        self.data = examples

    def iterate(self, n: int = 1) -> None:
        """n iterations on fresh minibatches, z and masks."""
        for _ in range(n):
            self.play(self.draw())

    def play(self, draws: list[tuple]) -> None:
        """One iteration on given numbers: an (x, z, masks) for each step; a step of G alone takes (None, z, masks)."""
        *alone, (x, z, masks) = draws
        for draw in alone:
            self.update(self.discriminator_step(*draw)[1])
        if x is None:
            self.update(self.generator_step(z, masks)[1])
        else:
            m = self.recipe.batch_size
            d_grads = self.discriminator_step(x, z, masks)[1]
            g_grads = self.generator_step(z, [mask[m:] for mask in masks])[1]
            self.update(d_grads)
            self.update(g_grads)
        self.iteration += 1

    def losses(self, x: np.ndarray, z: np.ndarray, masks: list[np.ndarray]) -> tuple[float, float]:
        """(d_loss, g_loss) before any update.      x (m, n)   z (m, latent)   masks (2m, width), real rows first"""
        m = self.recipe.batch_size
        return self.discriminator_step(x, z, masks)[0], self.generator_step(z, [mask[m:] for mask in masks])[0]

    def weights(self) -> dict[str, np.ndarray]:
        """The weights now, by minigan's names."""
        return {name: w.copy() for name, w in self.p.items()}

    def discriminator_step(self, x, z, masks):
        """D's loss  w (-mean log D(x) - mean log(1 - D(G(z))))  and its gradients."""
        m, w = self.recipe.batch_size, np.float32(self.recipe.d_weight)
        fake, _ = self.generator(z)
        logits_real, cache_real = self.discriminator(x, [mask[:m] for mask in masks])
        logits_fake, cache_fake = self.discriminator(fake, [mask[m:] for mask in masks])
        loss = w * (np.mean(np.logaddexp(0, -logits_real)) + np.mean(np.logaddexp(0, logits_fake)))
        grads_real = self.discriminator_gradients(w * (sigmoid(logits_real) - 1) / m, cache_real)
        grads_fake = self.discriminator_gradients(w * sigmoid(logits_fake) / m, cache_fake)
        return float(loss), {name: grads_real[name] + grads_fake[name] for name in grads_real}

    def generator_step(self, z, masks):
        """G's loss  -mean log D(G(z))  and its gradients; D is only passed through."""
        fake, cache_g = self.generator(z)
        logits, cache_d = self.discriminator(fake, masks)
        loss = np.mean(np.logaddexp(0, -logits))
        dfake = self.discriminator_input_gradient((sigmoid(logits) - 1) / self.recipe.batch_size, cache_d)
        return float(loss), self.generator_gradients(dfake, cache_g)

    def update(self, grads: dict[str, np.ndarray]) -> None:
        """v <- mu v - lr g,  theta <- theta + v"""
        lr = np.float32(self.recipe.lr_at(self.iteration))
        for name, g in grads.items():
            self.v[name] = np.float32(self.recipe.momentum) * self.v[name] - lr * g
            self.p[name] = self.p[name] + self.v[name]

    def generator(self, z):
        """z (m, latent) to G(z) (m, n), and each layer's input and output"""
        h, cache = z, []
        for name, activation in zip(self.recipe.g_names, self.recipe.g_activations):
            x, a = h, h @ self.p[f"{name}.W"] + self.p[f"{name}.b"]
            if activation == "relu":
                h = np.maximum(a, 0)
            elif activation == "sigmoid":
                h = sigmoid(a)
            else:
                h = a
            cache.append((x, h))
        return h, cache

    def generator_gradients(self, dy, cache):
        """dy (m, n), the derivative by G(z), to the gradients of G's weights"""
        grads = {}
        layers = list(zip(self.recipe.g_names, self.recipe.g_activations, cache))
        for name, activation, (x, h) in reversed(layers):
            if activation == "relu":
                dy = dy * (h > 0)
            elif activation == "sigmoid":
                dy = dy * h * (1 - h)
            grads[f"{name}.W"] = x.T @ dy
            grads[f"{name}.b"] = dy.sum(axis=0)
            if name != self.recipe.g_names[0]:
                dy = dy @ self.p[f"{name}.W"].T
        return grads

    def discriminator(self, x, masks):
        """x (m, n) to logits (m, 1), and each layer's dropped input, mask and maxout winners"""
        *hidden, top = self.recipe.d_names
        h, cache = x, []
        for name, mask, keep in zip(hidden, masks, self.recipe.keeps):
            h = h * mask / np.float32(keep)
            a = h @ self.p[f"{name}.W"] + self.p[f"{name}.b"]
            a = a.reshape(len(a), self.recipe.d_pieces, -1)
            winner = a.argmax(axis=1)
            cache.append((h, mask, winner))
            h = a.max(axis=1)
        h = h * masks[-1] / np.float32(self.recipe.keep_hidden)
        cache.append((h, masks[-1], None))
        return h @ self.p[f"{top}.W"] + self.p[f"{top}.b"], cache

    def discriminator_gradients(self, dlogits, cache):
        """dlogits (m, 1) to the gradients of D's weights"""
        dy, grads = dlogits, {}
        layers = list(zip(self.recipe.d_names, self.recipe.keeps, cache))
        for name, keep, (h, mask, winner) in reversed(layers):
            if winner is not None:
                dy = self.maxout_gradient(dy, winner)
            grads[f"{name}.W"] = h.T @ dy
            grads[f"{name}.b"] = dy.sum(axis=0)
            if name != self.recipe.d_names[0]:
                dy = dy @ self.p[f"{name}.W"].T * mask / np.float32(keep)
        return grads

    def discriminator_input_gradient(self, dlogits, cache):
        """dlogits (m, 1) to the derivative (m, n) by D's input"""
        dy = dlogits
        layers = list(zip(self.recipe.d_names, self.recipe.keeps, cache))
        for name, keep, (_, mask, winner) in reversed(layers):
            if winner is not None:
                dy = self.maxout_gradient(dy, winner)
            dy = dy @ self.p[f"{name}.W"].T * mask / np.float32(keep)
        return dy

    def maxout_gradient(self, dy, winner):
        """dy, winner (m, O) to (m, pieces O): a unit's derivative goes to the piece that won"""
        da = np.zeros((len(dy), self.recipe.d_pieces, dy.shape[1]), dtype=dy.dtype)
        np.put_along_axis(da, winner[:, None], dy[:, None], axis=1)
        return da.reshape(len(dy), -1)

    def draw(self) -> list[tuple]:
        """The numbers of one iteration, as `play` takes them."""
        m, alone = self.recipe.batch_size, self.recipe.d_alone
        draws = [(self.draw_x(), self.draw_z(), self.draw_masks(2 * m)) for _ in range(alone)]
        if self.recipe.updates == "alternating":
            return draws + [(None, self.draw_z(), self.draw_masks(m))]
        return draws + [(self.draw_x(), self.draw_z(), self.draw_masks(2 * m))]

    def draw_x(self):
        """A minibatch (m, n) of pixels in [0, 1]."""
        rows = self.rng.randint(0, len(self.data), self.recipe.batch_size)
        return self.data[rows].astype(np.float32) / 255

    def draw_z(self):
        """(m, latent) from the prior"""
        shape = (self.recipe.batch_size, self.recipe.latent)
        if self.recipe.prior == "normal":
            return self.rng.randn(*shape).astype(np.float32)
        return self.rng.uniform(-np.sqrt(3), np.sqrt(3), shape).astype(np.float32)

    def draw_masks(self, rows: int):
        """Bool masks (rows, width)"""
        return [self.rng.rand(rows, width) < keep for width, keep in zip(self.recipe.mask_widths, self.recipe.keeps)]


def sigmoid(a):
    return 1 / (1 + np.exp(-a))
