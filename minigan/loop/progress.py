"""What a person at the terminal sees: samples as half-block characters, a progress bar or a plain line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from minigan.data import Dataset, Mixture
from minigan.loop.callback import Callback, Line
from minigan.options.console import SOLID, is_terminal, shows_pictures, tell

if TYPE_CHECKING:
    from minigan.gan import GAN
    from minigan.loop.loop import Loop

COMPILING = "the kernels are compiled, some ten seconds; later runs find them where a cache folder can be written"
SECONDS_BEFORE_A_LINE, SECONDS_BETWEEN_LINES, SECONDS_BETWEEN_MOVES = 0.5, 5.0, 0.05


def half_blocks(samples: np.ndarray, image_shape: tuple[int, ...], columns: int = 8) -> str:
    """Samples (n, H W C) in [0, 1] side by side: one character for two pixels, upper as ink and lower as paper."""
    shape = image_shape if len(image_shape) == 3 else (*image_shape, 1)
    tiles = np.round(255 * np.clip(samples, 0, 1)).astype(int).reshape(len(samples), *shape)
    lines = []
    for i in range(0, len(tiles), columns):
        padded = np.pad(tiles[i : i + columns], ((0, 0), (0, shape[0] % 2), (0, 1), (0, 0)))
        strip = np.concatenate(list(padded), axis=1)
        strip = np.broadcast_to(strip, (*strip.shape[:2], 3))
        for upper, lower in zip(strip[0::2], strip[1::2]):
            ink = ["\x1b[38;2;{};{};{};48;2;{};{};{}m".format(*a, *b) + SOLID for a, b in zip(upper, lower)]
            lines.append("".join(ink) + "\x1b[0m")
    return "\n".join(lines)


def opening(data: Dataset | Mixture, gan: GAN, iterations: int) -> str:
    """What begins: "digits, 1500 examples: 750 iterations of 100 on numpy, 2 threads"."""
    examples = f", {len(data.train)} examples" if isinstance(data, Dataset) else ""
    many = f"{iterations} iteration{'s' * (iterations != 1)} of {gan.recipe.batch_size}"
    ranks = f"{gan.ranks.size} ranks of " if gan.ranks.size > 1 else ""
    return f"{data.name}{examples}: {many} on {ranks}{gan.ops.description}"


class Progress(Callback):
    """How far a fit is, on standard error: a bar where it is a terminal, else a plain line every few seconds."""

    measures, follows = False, True

    def __init__(self) -> None:
        self.bar = tqdm(disable=True)

    def on_fit_begin(self, loop: Loop) -> None:
        begin, self.total = loop.gan.iteration, loop.total
        seen = is_terminal(sys.stderr)
        self.bar = tqdm(total=loop.total, initial=begin, unit="it", file=sys.stderr, disable=not seen)
        self.every = 1 if seen else None
        self._at, self._moved = begin, 0.0
        self._next_line = time.monotonic() + SECONDS_BEFORE_A_LINE

    def on_iteration_end(self, loop: Loop, line: Line) -> None:
        if not self.bar.disable:
            self._move(loop.gan.iteration)
        if line:
            self.say(line)

    def _move(self, iteration: int) -> None:
        """Move the bar; where that comes oftener than an eye sees, the next time is further away."""
        self.bar.update(iteration - self._at)
        now = time.monotonic()
        if iteration - self._at == self.every and now - self._moved < SECONDS_BETWEEN_MOVES:
            self.every *= 2
        self._at, self._moved = iteration, now

    def say(self, line: Line) -> None:
        """The numbers of a measured iteration."""
        value = "" if line["value"] is None else f"V {line['value']:.3f}  "
        text = f"{value}D(x) {line['d_real']:.2f}  D(G(z)) {line['d_fake']:.2f}"
        self.bar.set_postfix_str(text, refresh=False)
        if self.bar.disable and (time.monotonic() >= self._next_line or line["iteration"] == self.total):
            speed = f"{line['iterations_per_second']:.0f} it/s"
            tell(f"iteration {line['iteration']} of {self.total}  {text}  {speed}")
            self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES

    def warn(self, text: str) -> None:
        """What the person should know, on a line of its own."""
        with tqdm.external_write_mode(sys.stderr, nolock=self.bar.disable):
            tell(text)

    def show(self, samples: np.ndarray, image_shape: Sequence[int] | None) -> None:
        """Some samples, where there is a terminal to show them in."""
        if shows_pictures(sys.stdout) and image_shape is not None and max(image_shape[:2]) <= 32:
            self.bar.clear()
            print(half_blocks(samples[:8], tuple(image_shape)))
            self.bar.refresh()

    def on_fit_end(self, loop: Loop) -> None:
        self.bar.close()

    def on_exception(self, loop: Loop, error: BaseException) -> None:
        self.bar.close()
