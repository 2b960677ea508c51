"""`python -m minigan.evaluate`: how good a trained generator is, by the measure that its data allow.

On images the Parzen estimate of table 1 of the paper (`minigan.generator.parzen_table`); on a mixture, whose modes are
known, how many of them it captures (`minigan.generator.mode_table`).
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Literal

from minigan.errors import ConfigError
from minigan.files.whole_file import replace_file
from minigan.generator.trained import TrainedOptions
from minigan.options import cli
from minigan.options.recipe import check_sample

PROG = "minigan.evaluate"


@dataclass(frozen=True, kw_only=True)
class Options(TrainedOptions):
    """Estimate the log-likelihood of test images under a trained generator (table 1 of the paper); or, where it was
    trained on ring or grid, count the modes that it captures."""

    data: str | None = None
    """the images or the mixture to compare it with; without it the data that the generator was trained on"""
    n: int | None = None
    """how many samples, and as many of each row beside them; without it 10,000, or 2,500 to count modes"""
    sigma: float | None = None
    """images: deviation of the Gaussians; without it the authors' grid, and validation images to choose from it"""
    draws: int | None = None
    """images: draws of so many samples each, whose mean is given; without it 10"""
    backend: Literal["numpy", "numba", "cupy"] = "numba"
    """what computes"""
    json: str | None = None
    """FILE.json for the whole table with all its figures"""

    def check(self) -> None:
        """Raise ConfigError for the first option that cannot be used."""
        super().check()
        check_sample(1 if self.n is None else self.n, self.seed)
        if self.sigma is not None and not 0 < self.sigma < inf:
            raise ConfigError(f"--sigma {self.sigma}: expected a finite number above 0")
        if self.draws is not None and not 1 <= self.draws <= 1000:
            raise ConfigError(f"--draws {self.draws}: expected 1 to 1000")
        if self.json is not None:
            cli.new_file("--json", self.json, (".json",))


def evaluate(options: Options) -> tuple[dict[str, Any], str]:
    """The table as JSON has it, and as text.

    Raises ConfigError, CheckpointError or DataError for what cannot be evaluated.
    """
    from minigan.data import Mixture
    from minigan.generator import mode_table, parzen_table
    from minigan.generator.reference_data import data_of

    sampler = options.sampler()
    name, data = data_of(sampler, options.run, options.data)
    if isinstance(data, Mixture):
        for option, value in (("--sigma", options.sigma), ("--draws", options.draws)):
            if value is not None:
                raise ConfigError(f"{option} {value}: for images; the modes of --data {name} are counted without it")
        result = mode_table.measure(sampler, data, options.n, options.seed)
        return result, mode_table.text(result)
    draws = parzen_table.DRAWS if options.draws is None else options.draws
    result = parzen_table.measure(sampler, data, name, options.n, options.sigma, options.seed, draws)
    return result, parzen_table.text(result)


@cli.command(PROG)
def main(args: list[str]) -> None:
    options = cli.parse(Options, args, PROG)
    options.check()
    result, text = evaluate(options)
    print(text)
    if options.json:
        replace_file(Path(options.json), (json.dumps(result, indent=1) + "\n").encode())


if __name__ == "__main__":
    sys.exit(main())
