"""D's steps of algorithm 1 alone, while G stands still: D "optimised to completion", as far as one lets it."""

from __future__ import annotations

from collections.abc import Iterator

from minigan.game.algorithm1 import Minibatches
from minigan.gan import GAN


def inner_loop(gan: GAN, source: Minibatches, steps: int) -> Iterator[int]:
    """Play D's steps, each an iteration of its own that has no other, and yield the number done after each."""
    game = gan.game
    for step in range(1, steps + 1):
        source.prepare(gan.iteration, gan.recipe.k)
        game.draw_x(source, 0)
        game.draw_z(0)
        game.d_step(0)
        game.tick()
        gan.iteration += 1
        yield step
