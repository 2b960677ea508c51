"""`python -m minigan.figure 2|3`: the paper's figures of samples, from any trained generator."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from minigan.errors import ConfigError
from minigan.generator.trained import TrainedOptions
from minigan.options import cli
from minigan.options.console import say

PROG = "minigan.figure"


@dataclass(frozen=True, kw_only=True)
class Options(TrainedOptions):
    """Draw figure 2 (samples, and beside the last of each row its nearest training image, outlined) or figure 3
    (images along lines in z) of the paper."""

    number: cli.Positional[Literal["2", "3"]]
    """which figure"""
    out: str
    """FILE.png"""
    data: str | None = None
    """figure 2: where the training images are; without it the data that the generator was trained on"""
    lines: Literal["linear", "spherical", "both"] = "both"
    """figure 3: straight lines in z, great circles, or first the ones and then the others between the same ends"""
    rows: int = 5
    """rows of images, with both kinds of lines of each"""
    columns: int = 8
    """samples in a row; figure 2 has one column more"""

    def check(self) -> None:
        """Raise ConfigError for the first option that cannot be used."""
        super().check()
        cli.new_file("--out", self.out, (".png",))
        for name in ("rows", "columns"):
            if not 1 <= getattr(self, name) <= 1000:
                raise ConfigError(f"--{name} {getattr(self, name)}: expected 1 to 1000")


@cli.command(PROG)
def main(args: list[str]) -> None:
    options = cli.parse(Options, args, PROG)
    options.check()
    from minigan.data import Dataset
    from minigan.files.plots import save_samples
    from minigan.generator.figures import along_lines, beside_neighbours
    from minigan.generator.reference_data import data_of

    sampler = options.sampler()
    if sampler.data["image_shape"] is None:
        raise ConfigError(f"figure {options.number}: the generator makes no images")
    if options.number == "2":
        _, data = data_of(sampler, options.run, options.data)
        assert isinstance(data, Dataset)  # a mixture has no images, and `data_of` has compared
        images = beside_neighbours(sampler, data, options.rows, options.columns, options.seed)
        columns = options.columns + 1
        outlined = range(options.columns, len(images), columns)
    else:
        images = along_lines(sampler, options.lines, options.rows, options.columns, options.seed)
        columns, outlined = options.columns, range(0)
    contrast = "contrast" in sampler.data
    save_samples(
        Path(options.out),
        sampler.in_own_units(images),
        sampler.data["image_shape"],
        columns=columns,
        contrast=contrast,
        outlined=outlined,
    )
    say(options.out)


if __name__ == "__main__":
    sys.exit(main())
