"""Passes through both players as they are now, without dropout, for pictures; no buffer of the game is touched."""

from __future__ import annotations

import numpy as np

from minigan.backends import Array
from minigan.data.describe import classes_of
from minigan.game.losses import belief, slopes
from minigan.gan import GAN
from minigan.layers import Sequential, Tape


class Probe:
    """Of a GAN: what G makes of z, what D says of x, and how D wants a sample to change.

    z  (n, latent), the same for every picture, so that one can watch a sample move

    Where both players are told classes, row i of z, and of the samples, has class i mod C.
    """

    def __init__(self, gan: GAN, n: int, seed: int = 0):
        self.gan, self.ops, self.n = gan, gan.ops, n
        self.z = gan.sampler().draw_z(n, seed)
        self.classes = classes_of(gan.data)
        self._tapes: dict[tuple[str, int], Tape] = {}

    def generate(self, z: np.ndarray) -> np.ndarray:
        """G(z) scaled as trained on, by the weights that samples come from: z (B, latent) to (B, n)."""
        with self.ops.session():
            return self.ops.to_host(self._pass("generator", self._told(z))).copy()

    def discriminate(self, x: np.ndarray) -> np.ndarray:
        """D(x) as `belief` has it: x (B, n), scaled as trained on, to (B,)."""
        with self.ops.session():
            return belief(self.gan.game.loss, self.ops.to_host(self._pass("discriminator", self._told(x))))[:, 0]

    def pull(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """D(x_i), and -dL_i/dx_i, the way that G's loss of sample i falls: x (B, n) to (B,) and (B, n).

        L_i is what G minimises of sample i alone, so that it does not depend on how many there are.
        """
        game, ops, rows = self.gan.game, self.ops, self._told(x)
        with ops.session():
            logits = self._pass("discriminator", rows)
            dlogits = slopes(game.loss, "g", ops, logits, out=ops.empty(logits.shape, logits.dtype))
            dx = game.discriminator.backward(dlogits, self._tape("discriminator", len(rows)), learn=False, need_dx=True)
            return belief(game.loss, ops.to_host(logits))[:, 0], -len(x) * ops.to_host(dx)[:, : x.shape[1]]

    def _told(self, rows: np.ndarray) -> np.ndarray:
        """Rows beside their classes, one-hot, where both players are told them."""
        if self.classes is None:
            return rows
        numbers = np.arange(len(rows)) % len(self.classes.names)
        return np.hstack([rows, self.classes.one_hot(numbers, rows.dtype)])

    def _pass(self, role: str, rows: np.ndarray) -> Array:
        """A pass without dropout: (B, width) to (B, what it makes), in the tape's memory."""
        player = getattr(self.gan.game, role)
        params = player.settled if role == "generator" else player.params
        tape = self._tape(role, len(rows))
        return player.network.forward(self.ops, params, self.ops.asarray(rows, params.dtype), tape)

    def _tape(self, role: str, rows: int) -> Tape:
        """The memory of such passes."""
        if (role, rows) not in self._tapes:
            network: Sequential = getattr(self.gan.game, role).network
            self._tapes[role, rows] = network.tape(self.ops, rows, self.gan.recipe.dtype)
        return self._tapes[role, rows]
