"""The Parzen estimate of a trained generator as table 1 of the paper has it: what `minigan.evaluate` says of images."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass

import numpy as np

from minigan.data import Dataset
from minigan.generator.reference_data import held_out
from minigan.generator.sampler import Sampler
from minigan.metrics import parzen, table1
from minigan.options.console import is_terminal


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


def measure(sampler: Sampler, data: Dataset, name: str, n: int | None, sigma: float | None, seed: int) -> dict:
    """The table as JSON has it: {"data", "n", "seed", "sigma_images", "test_images", "rows", "paper"}.

    name   the data's name or path as given
    n      how many samples, and as many training images, centres and images of noise; None for the authors' 10,000
    sigma  deviation of the Gaussians, None for the authors' grid

    Raises ConfigError where there are no test images.
    """
    n = parzen.SAMPLES if n is None else n
    validation, test = (data.scaled(part, np.float64) for part in held_out(data, name))
    train = data.scaled(data.train, np.float32)
    sets = {
        "minigan": lambda: sampler.sample(n, seed),
        "training images": lambda: train[:n],
        "k-means centres": lambda: table1.k_means_centres(train, n, seed),
        "marginal noise": lambda: table1.marginal_noise(test, n, seed),
    }
    rows = [measured(sampler.ops, what, make(), validation, test, sigma) for what, make in sets.items()]
    return {
        "data": data.name,
        "n": n,
        "seed": seed,
        "sigma_images": len(validation),
        "test_images": len(test),
        "rows": [asdict(row) for row in rows],
        "paper": table1.PAPER.get(data.name, {}),
    }


def measured(ops, name: str, samples: np.ndarray, validation, test, sigma: float | None) -> Row:
    """The row of one set of samples (n, d)."""
    from tqdm import tqdm

    points = (len(validation) + len(test)) * (2 if sigma is None else 1)
    hidden = not is_terminal(sys.stderr)
    with tqdm(total=points, desc=f"{len(samples)} {name}", leave=False, file=sys.stderr, disable=hidden) as bar:
        if sigma is None:
            found, finer = parzen.estimates(ops, test, validation, samples, bar.update)
        else:
            found = finer = parzen.estimate(ops, test, validation, samples, np.array([sigma]), bar.update)
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


def text(result: dict) -> str:
    """The table to print, in nats."""
    curve = result["rows"][0]["curve"]
    given = len(curve) == 1
    how = "as given" if given else f"chosen on {result['sigma_images']} held-out images"
    lines = [
        f"Parzen estimate of the log-likelihood of {result['test_images']} test images ({result['data']}), in nats",
        f"sigma {how}; samples drawn with seed {result['seed']}",
        "",
        f"{'':24} {'mean':>8} +- {'s.e.':4}  {'sigma':>5}" + ("" if given else "    finer sigma"),
    ]
    for row in result["rows"]:
        finer = "" if given else f"{row['finer_mean']:8.1f} ({row['finer_sigma']:.3f})"
        edge = "  sigma is at the grid's edge: the best may lie outside" if row["at_edge"] else ""
        numbers = f"{row['mean']:8.1f} +- {row['standard_error']:4.1f}  {row['sigma']:.3f}"
        lines.append(f"{row['name']:24} {numbers}  {finer}{edge}")
    for name, (mean, error) in result["paper"].items():
        lines.append(f"{f'paper: {name}':24} {mean:8.1f} +- {error:4.1f}")
    lines += ["", "mean over the held-out images along sigma, minigan:"]
    lines += ["  ".join(f"{sigma:8.3f}" for sigma, _ in curve), "  ".join(f"{mean:8.1f}" for _, mean in curve)]
    return "\n".join(lines)
