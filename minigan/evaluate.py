"""`python -m minigan.evaluate`: the Parzen estimate of a trained generator, as table 1 of the paper has it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Literal

import numpy as np

from minigan import cli
from minigan.errors import ConfigError

PROG = "minigan.evaluate"


@dataclass(frozen=True)
class Options:
    """Estimate the log-likelihood of test images under a trained generator (table 1 of the paper)."""

    run: str | None = None
    """the run's folder, or a checkpoint file"""
    pretrained: str | None = None
    """in place of --run: a generator that ships with minigan (mnist)"""
    data: str | None = None
    """where the test images are; without it the data that the generator was trained on"""
    n: int = 10_000
    """how many samples, and as many training images, centres and images of noise"""
    sigma: float | None = None
    """deviation of the Gaussians; without it the authors' grid, and validation images to choose from it"""
    seed: int = 0
    """seed of z and of the noise"""
    backend: Literal["numpy", "numba"] = "numba"
    """what computes"""
    threads: int | None = None
    """CPU threads; without it all cores that are free to use"""
    json: str | None = None
    """FILE.json for the whole table with its curves"""

    def check(self) -> None:
        """Raise ConfigError for the first option that cannot be used."""
        if not 1 <= self.n < 2**31:
            raise ConfigError(f"--n {self.n}: expected 1 to 2^31 - 1")
        if self.sigma is not None and not 0 < self.sigma < inf:
            raise ConfigError(f"--sigma {self.sigma}: expected a finite number above 0")
        if not 0 <= self.seed < 2**64:
            raise ConfigError(f"--seed {self.seed}: expected 0 to 2^64 - 1")
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"--threads {self.threads}: expected at least 1")
        if self.json is not None:
            cli.new_file("--json", self.json, (".json",))


@dataclass(frozen=True)
class Row:
    """One line of the table: mean, standard error and sigma in the authors' grid, and what a finer grid finds.

    curve  ((sigma, mean over validation images), ...)
    """

    name: str
    mean: float
    standard_error: float
    sigma: float
    at_edge: bool
    curve: tuple[tuple[float, float], ...]
    finer_mean: float
    finer_sigma: float


def evaluate(options: Options) -> dict:
    """The table as JSON has it: {"data", "n", "seed", "sigma_images", "test_images", "rows", "paper"}.

    Raises ConfigError, CheckpointError or DataError for what cannot be evaluated.
    """
    from minigan.metrics import table1
    from minigan.reference_data import data_of, held_out
    from minigan.sampler import Sampler, chosen

    sampler = Sampler.load(chosen(options.run, options.pretrained), options.backend, options.threads)
    name, data = data_of(sampler, options.run, options.data)
    validation, test = (data.scaled(part, np.float64) for part in held_out(data, name))
    train = data.scaled(data.train, np.float32)
    n = options.n
    sets = {
        "minigan": lambda: sampler.sample(n, options.seed),
        "training images": lambda: train[:n],
        "k-means centres": lambda: table1.k_means_centres(train, n, options.seed),
        "marginal noise": lambda: table1.marginal_noise(test, n, options.seed),
    }
    rows = [measured(sampler.ops, f"{what}", make(), validation, test, options.sigma) for what, make in sets.items()]
    return {
        "data": data.name,
        "n": n,
        "seed": options.seed,
        "sigma_images": len(validation),
        "test_images": len(test),
        "rows": [asdict(row) for row in rows],
        "paper": table1.PAPER.get(data.name, {}),
    }


def measured(ops, name: str, samples: np.ndarray, validation, test, sigma: float | None) -> Row:
    """The row of one set of samples (n, d)."""
    from tqdm import tqdm

    from minigan.metrics import parzen

    grid = parzen.SIGMAS if sigma is None else np.array([sigma])
    points = len(validation) + len(test)
    bar = tqdm(total=points, desc=f"{len(samples)} {name}", leave=False, file=sys.stderr, disable=not sys.stderr.isatty())
    with bar:
        found = parzen.estimate(ops, test, validation, samples, grid, bar.update)
        finer = found
        if sigma is None:
            bar.reset(points)
            finer = parzen.estimate(ops, test, validation, samples, parzen.refined(grid, found.sigma), bar.update)
    return Row(
        f"{len(samples)} {name}",
        found.mean,
        found.standard_error,
        found.sigma,
        found.at_edge,
        found.curve,
        finer.mean,
        finer.sigma,
    )


def table(result: dict) -> str:
    """The table as text, in nats."""
    lines = [
        f"Parzen estimate of the log-likelihood of {result['test_images']} test images ({result['data']}), in nats",
        f"sigma chosen on {result['sigma_images']} held-out images; samples drawn with seed {result['seed']}",
        "",
        f"{'':24} {'mean':>8} +- {'s.e.':4}  {'sigma':>5}    finer sigma",
    ]
    for row in result["rows"]:
        finer = f"{row['finer_mean']:8.1f} ({row['finer_sigma']:.3f})"
        edge = "  sigma is at the grid's edge: the best may lie outside" if row["at_edge"] else ""
        numbers = f"{row['mean']:8.1f} +- {row['standard_error']:4.1f}  {row['sigma']:.3f}"
        lines.append(f"{row['name']:24} {numbers}  {finer}{edge}")
    for name, (mean, error) in result["paper"].items():
        lines.append(f"{f'paper: {name}':24} {mean:8.1f} +- {error:4.1f}")
    curve = result["rows"][0]["curve"]
    lines += ["", "mean over the held-out images along sigma, minigan:"]
    lines += ["  ".join(f"{sigma:8.3f}" for sigma, _ in curve), "  ".join(f"{mean:8.1f}" for _, mean in curve)]
    return "\n".join(lines)


def main(args: list[str] | None = None) -> None:
    args = sys.argv[1:] if args is None else args

    def body() -> None:
        options = cli.parse(Options, args, PROG)
        options.check()
        result = evaluate(options)
        print(table(result))
        if options.json:
            Path(options.json).write_text(json.dumps(result, indent=1) + "\n")

    cli.run(PROG, body)


if __name__ == "__main__":
    main()
