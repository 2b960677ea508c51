"""`python -m minigan.sample`: draw samples from a trained generator."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minigan.data.describe import Description
from minigan.data.labels import row_by_row
from minigan.errors import ConfigError
from minigan.generator.latent_lines import straight_lines
from minigan.generator.trained import TrainedOptions
from minigan.options import cli
from minigan.options.console import say
from minigan.options.recipe import check_sample

if TYPE_CHECKING:
    from minigan.generator.sampler import Sampler

PROG = "minigan.sample"
EACH = "each"
KINDS = (".png", ".npy", ".npz")


@dataclass(frozen=True, kw_only=True)
class Options(TrainedOptions):
    """Draw samples from a trained generator."""

    out: str
    """FILE.png (a grid), FILE.npy (float32, (n, features), in the data's own units) or FILE.npz (x, z and labels y)"""
    n: int = 100
    """how many"""
    columns: int = 10
    """images in a row of the grid"""
    label: str | None = None
    """of a generator that is told labels: one class, or each: the rows of the grid are of one class after the other;
    without it each sample's is drawn, as often as in the training data"""
    interpolate: bool = False
    """each row of the grid along a straight line in z, between two draws (`minigan.figure 3` has more)"""

    def check(self) -> None:
        """Raise ConfigError for the first option that cannot be used."""
        super().check()
        cli.new_file("--out", self.out, KINDS)
        check_sample(self.n, self.seed)
        if self.columns < 2:
            raise ConfigError(f"--columns {self.columns}: expected at least 2")
        if self.interpolate and self.n % self.columns:
            raise ConfigError(f"--n {self.n}: expected full rows of {self.columns} images with --interpolate")


@cli.command(PROG)
def main(args: list[str]) -> None:
    options = cli.parse(Options, args, PROG)
    options.check()
    sampler = options.sampler()
    if options.interpolate:
        z = straight_lines(sampler.draw_z(2 * options.n // options.columns, options.seed), options.columns)
    else:
        z = sampler.draw_z(options.n, options.seed)
    labels = labels_of(options, sampler)
    x = sampler.generate(z, labels).astype(np.float32)
    write(Path(options.out), x, z, labels, sampler.data, options.columns)
    say(options.out)


def labels_of(options: Options, sampler: Sampler) -> np.ndarray | None:
    """The label of each sample, (n,), or None of a generator that is told none.  Raises ConfigError for no class."""
    n, classes = options.n, sampler.classes
    if classes is None:
        if options.label is not None:
            raise ConfigError(f"--label {options.label}: the generator was trained without --condition labels")
        return None
    if options.label == EACH:
        return row_by_row(classes.names, options.columns, n)
    if options.label is not None:
        return np.array(classes.names)[classes.numbers(options.label, n)]
    lines = options.columns if options.interpolate else 1
    return np.array(classes.names)[np.repeat(classes.draw(n // lines, options.seed), lines)]


def write(path: Path, x: np.ndarray, z: np.ndarray, labels: np.ndarray | None, data: Description, columns: int) -> None:
    """x (n, features), z (n, latent) and labels (n,), if any, to the file that the suffix asks for.

    data  what the generator was trained on
    """
    match path.suffix:
        case ".npy":
            np.save(path, x)
        case ".npz":
            np.savez(path, x=x, z=z) if labels is None else np.savez(path, x=x, z=z, y=labels)
        case _:
            from minigan.files.plots import save_samples

            save_samples(path, x, data["image_shape"], columns=columns, contrast="contrast" in data)


if __name__ == "__main__":
    sys.exit(main())
