"""What a person at the terminal sees: samples as half-block characters, a progress bar or a plain line now and then."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
from tqdm import tqdm

from minigan.options.console import SOLID, is_terminal, shows_pictures, tell

SECONDS_BETWEEN_LINES = 5.0


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


class Progress:
    """How far a run is, on standard error: a bar where it is a terminal, else a plain line every few seconds."""

    def __init__(self, start: int, total: int):
        self.total = total
        self.next_line = time.monotonic() + SECONDS_BETWEEN_LINES
        self.bar = tqdm(total=total, initial=start, unit="it", file=sys.stderr, disable=not is_terminal(sys.stderr))

    def step(self) -> None:
        """One iteration more."""
        self.bar.update()

    def say(self, line: dict[str, Any]) -> None:
        """The numbers of a logged iteration."""
        value = "" if line["value"] is None else f"V {line['value']:.3f}  "
        text = f"{value}D(x) {line['d_real']:.2f}  D(G(z)) {line['d_fake']:.2f}"
        self.bar.set_postfix_str(text, refresh=False)
        if self.bar.disable and (time.monotonic() >= self.next_line or line["iteration"] == self.total):
            speed = f"{line['iterations_per_second']:.0f} it/s"
            tell(f"iteration {line['iteration']} of {self.total}  {text}  {speed}")
            self.next_line = time.monotonic() + SECONDS_BETWEEN_LINES

    def warn(self, text: str) -> None:
        """What the person should know, on a line of its own."""
        with tqdm.external_write_mode(sys.stderr, nolock=self.bar.disable):
            tell(text)

    def show(self, samples: np.ndarray, image_shape: tuple[int, ...] | None) -> None:
        """Some samples, where there is a terminal to show them in."""
        if shows_pictures(sys.stdout) and image_shape is not None and max(image_shape[:2]) <= 32:
            self.bar.clear()
            print(half_blocks(samples[:8], image_shape))
            self.bar.refresh()

    def close(self) -> None:
        self.bar.close()
