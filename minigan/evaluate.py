"""`python -m minigan.evaluate`: how good a trained generator is, by the measure that its data allow.

On images the Parzen estimate of table 1 of the paper (`minigan.generator.parzen_table`), or how its samples lie among
test images (`minigan.generator.neighbour_table`); on a mixture, whose modes are known, how many of them it captures
(`minigan.generator.mode_table`).
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Literal

from minigan.errors import ConfigError
from minigan.files.whole_file import replace_text
from minigan.generator.trained import TrainedOptions
from minigan.options import cli
from minigan.options.recipe import check_sample

PROG = "minigan.evaluate"


@dataclass(frozen=True, kw_only=True)
class Options(TrainedOptions):
    """Estimate the log-likelihood of test images under a trained generator (table 1 of the paper), or measure
    precision, recall, density and coverage; or, where it was trained on ring or grid, count the modes that it
    captures."""

    data: str | None = None
    """the images or the mixture to compare it with; without it the data that the generator was trained on"""
    part: str | None = None
    """images: what to measure on: test, validation, train, or the name of an array in an .npz; without it test"""
    test_fraction: float | None = None
    """images: measure on this share of the training images, .2 say, and leave it out of them"""
    measure: Literal["parzen", "neighbours", "both"] = "parzen"
    """images: the Parzen estimate; or precision, recall, density and coverage, and nearest training images; or both"""
    k: int | None = None
    """neighbours: the distance to which neighbour is a point's radius; without it 5"""
    features: str | None = None
    """FILE.npz with features of your own in the arrays samples, test and perhaps train: neighbours are measured on
    them, instead of --run or --pretrained"""
    n: int | None = None
    """how many samples, and as many of each row beside them; without it 10,000, or 2,500 to count modes, or as many as
    test images for neighbours"""
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
        if self.k is not None and self.measure == "parzen" and self.features is None:
            raise ConfigError(f"--k {self.k}: expected with --measure neighbours or both")
        if self.test_fraction is not None and not 0 < self.test_fraction < 1:
            raise ConfigError(f"--test-fraction {self.test_fraction}: expected a number above 0 and below 1")
        if self.part is not None and self.test_fraction is not None:
            raise ConfigError(f"--part {self.part} and --test-fraction {self.test_fraction}: expected one of the two")
        if self.features is not None:
            for option in ("run", "pretrained", "data", "part", "test_fraction", "sigma", "draws"):
                if (value := getattr(self, option)) is not None:
                    flag = f"--{option.replace('_', '-')} {value}"
                    raise ConfigError(f"{flag}: expected without --features, whose file has all that is compared")
        if self.json is not None:
            cli.new_file("--json", self.json, (".json",))


def evaluate(options: Options) -> tuple[dict[str, Any], str]:
    """The table as JSON has it, and as text.

    Raises ConfigError, CheckpointError or DataError for what cannot be evaluated.
    """
    from minigan import backends
    from minigan.data import Mixture
    from minigan.data.features import load_features
    from minigan.generator import mode_table, neighbour_table, parzen_table
    from minigan.generator.reference_data import data_of, measured_on
    from minigan.metrics.manifolds import NEAREST

    k = NEAREST if options.k is None else options.k
    if options.features is not None:
        ops = backends.get(options.backend, options.threads, options.device)
        result = neighbour_table.of_features(ops, load_features(options.features), options.n, k, options.seed)
        return result, neighbour_table.text(result)
    sampler = options.sampler()
    name, data = data_of(sampler, options.run, options.data)
    if isinstance(data, Mixture):
        for option in ("sigma", "draws", "part", "test_fraction", "k"):
            if (value := getattr(options, option)) is not None:
                flag = f"--{option.replace('_', '-')} {value}"
                raise ConfigError(f"{flag}: for images; the modes of --data {name} are counted without it")
        result = mode_table.measure(sampler, data, options.n, options.seed)
        return result, mode_table.text(result)
    data = measured_on(data, name, sampler.data, options.part, options.test_fraction, options.seed)
    draws = parzen_table.DRAWS if options.draws is None else options.draws
    result, texts = {}, []
    if options.measure != "neighbours":
        result = parzen_table.measure(sampler, data, name, options.n, options.sigma, options.seed, draws)
        texts.append(parzen_table.text(result))
    if options.measure != "parzen":
        seen = options.part == "train"
        found = neighbour_table.measure(sampler, data, name, options.n, k, options.seed, draws, seen)
        result = result | {"neighbours": found} if result else found
        texts.append(neighbour_table.text(found))
    return result, "\n\n".join(texts)


@cli.command(PROG)
def main(args: list[str]) -> None:
    options = cli.parse(Options, args, PROG)
    options.check()
    result, text = evaluate(options)
    print(text)
    if options.json:
        replace_text(Path(options.json), json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
