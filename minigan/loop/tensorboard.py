"""What TensorBoard shows of a fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigan.errors import ConfigError
from minigan.files.plots import displayable, image_grid
from minigan.game.losses import belief
from minigan.loop.callback import Callback, Line
from minigan.loop.pictures import SAMPLES

if TYPE_CHECKING:
    from minigan.gan import GAN
    from minigan.loop.loop import Loop


def writer_class(asked_by: str) -> Any:
    """tensorboardX's writer of event files.  Raises ConfigError where it is not installed."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise ConfigError(f'{asked_by}: no tensorboardX here, expected pip install "minigan[tensorboard]"') from None
    return SummaryWriter


class TensorBoard(Callback):
    """Writes event files: the numbers of each line, the gradient's length by layer, histograms of D(x) and D(G(z)) over
    the minibatch, and grids of samples.

    out    a folder
    every  iterations between grids; all else comes with the lines that others measure

    Raises ConfigError where tensorboardX is not installed.
    """

    every: int
    measures, follows = False, True

    def __init__(self, out: str | Path, every: int = 1000):
        self._writer_class = writer_class("TensorBoard")
        self.out, self.every = Path(out), every
        self._writer: Any = None

    def on_fit_begin(self, loop: Loop) -> None:
        done = loop.gan.iteration
        # A run that goes on may have been ahead of its checkpoint.
        self._writer = self._writer_class(str(self.out), purge_step=done + 1 if done else None)

    def on_iteration_end(self, loop: Loop, line: Line) -> None:
        gan, at = loop.gan, loop.gan.iteration
        if line:
            self._numbers(gan, line)
        shape = loop.data.image_shape
        if shape is not None and (at % self.every == 0 or at == loop.total):
            samples = gan.sample(SAMPLES, gan.recipe.seed)
            grid = image_grid(displayable(samples) if "contrast" in gan.data else samples, tuple(shape))
            self._writer.add_image("samples", grid, at, dataformats="HWC")

    def _numbers(self, gan: GAN, line: Line) -> None:
        game, at, write = gan.game, gan.iteration, self._writer
        for name, number in line.items():
            if isinstance(number, (int, float)) and name != "iteration":
                write.add_scalar(name, number, at)
        for role, player in (("generator", game.generator), ("discriminator", game.discriminator)):
            for name, part in player.params.parts.items():
                write.add_scalar(f"gradient/{role}.{name}", player.optimiser.gradient_norm(part), at)
        believed = belief(game.loss, gan.ops.to_host(game.logits))[:, 0]
        write.add_histogram("D/data", believed[: game.m], at)
        write.add_histogram("D/samples", believed[game.m :], at)

    def on_fit_end(self, loop: Loop) -> None:
        self._writer.close()

    def on_exception(self, loop: Loop, error: BaseException) -> None:
        if self._writer is not None:
            self._writer.close()
