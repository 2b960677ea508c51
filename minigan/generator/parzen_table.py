"""The Parzen estimate of a trained generator as table 1 of the paper has it: what `minigan.evaluate` says of images."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from minigan.backends import Ops
from minigan.data import Dataset
from minigan.generator.reference_data import held_out
from minigan.generator.sampler import Sampler
from minigan.metrics import parzen, table1
from minigan.options.console import is_terminal

DRAWS = 10


@dataclass(frozen=True)
class Row:
    """One line of the table: means over draws, in the authors' grid of sigma, and in a finer grid.

    mean            over draws of the mean over test images, in nats
    spread          deviation of a draw's mean from draw to draw; None for one draw
    standard_error  std / sqrt(n) over test images, the mean over draws
    draws           each draw's mean
    sigma           the median of what the draws chose
    curve           ((sigma, mean over validation images), ...) of the first draw
    """

    name: str
    mean: float
    spread: float | None
    standard_error: float
    draws: tuple[float, ...]
    sigma: float
    at_edge: bool
    curve: tuple[tuple[float, float], ...]
    finer_mean: float
    finer_spread: float | None
    finer_sigma: float


def measure(
    sampler: Sampler, data: Dataset, name: str, n: int | None, sigma: float | None, seed: int, draws: int = DRAWS
) -> dict[str, Any]:
    """The table as JSON has it: {"data", "n", "draws", "seed", "sigma_images", "test_images", "rows", "paper"}.

    name   the data's name or path as given
    n      how many samples, and as many training images, centres and images of noise; None for the authors' 10,000
    sigma  deviation of the Gaussians, None for the authors' grid
    draws  of the samples, of training images and of noise, with seeds from `seed` on

    Raises ConfigError where there are no test images.
    """
    n = parzen.SAMPLES if n is None else n
    validation, test = (data.scaled(part, np.float64) for part in held_out(data, name))
    train = data.scaled(data.train, np.float32)
    sets = {
        "minigan": (lambda s: sampler.scaled_sample(n, s), draws),
        **table1.rows_beside(train, test, n, draws),
    }
    rows = [
        measured(sampler.ops, what, [partial(draw, seed + i) for i in range(times)], validation, test, sigma)
        for what, (draw, times) in sets.items()
    ]
    return {
        "data": data.name,
        "n": n,
        "draws": draws,
        "seed": seed,
        "sigma_images": len(validation),
        "test_images": len(test),
        "rows": [asdict(row) for row in rows],
        "paper": table1.PAPER.get(data.name, {}) if data.in_unit_interval else {},
    }


def measured(
    ops: Ops,
    name: str,
    draws: list[Callable[[], np.ndarray]],
    validation: np.ndarray,
    test: np.ndarray,
    sigma: float | None,
) -> Row:
    """The row of some draws of samples, each (n, d)."""
    from tqdm import tqdm

    points = len(draws) * (len(validation) + len(test)) * (2 if sigma is None else 1)
    found, finer = [], []
    with tqdm(total=points, desc=name, leave=False, file=sys.stderr, disable=not is_terminal(sys.stderr)) as bar:
        for draw in draws:
            samples = draw()
            if sigma is None:
                one, closer = parzen.estimates(ops, test, validation, samples, bar.update)
            else:
                one = closer = parzen.estimate(ops, test, validation, samples, np.array([sigma]), bar.update)
            found.append(one)
            finer.append(closer)
    means, finer_means = (tuple(e.mean for e in of) for of in (found, finer))
    return Row(
        f"{len(samples)} {name}",
        float(np.mean(means)),
        spread(means),
        float(np.mean([e.standard_error for e in found])),
        means,
        float(np.median([e.sigma for e in found])),
        any(e.at_edge for e in found),
        found[0].curve,
        float(np.mean(finer_means)),
        spread(finer_means),
        float(np.median([e.sigma for e in finer])),
    )


def spread(means: tuple[float, ...]) -> float | None:
    """The standard deviation from draw to draw, in nats; None for one draw."""
    return float(np.std(means, ddof=1)) if len(means) > 1 else None


def text(result: dict[str, Any]) -> str:
    """The table to print, in nats."""
    curve, draws = result["rows"][0]["curve"], result["draws"]
    given = len(curve) == 1
    how = "as given" if given else f"chosen on {result['sigma_images']} held-out images"
    lines = [
        f"Parzen estimate of the log-likelihood of {result['test_images']} test images ({result['data']}), in nats",
        f"sigma {how}; {draws} draw{'s' * (draws != 1)} of samples, seeds from {result['seed']} on",
        "mean over draws, +- standard error over test images, and the deviation from draw to draw",
        "",
        f"{'':24} {'mean':>8} +- {'s.e.':4} {'draws':>6}  {'sigma':>5}" + ("" if given else "    finer sigma"),
    ]
    for row in result["rows"]:
        finer = "" if given else f"{row['finer_mean']:8.1f} ({row['finer_sigma']:.3f})"
        edge = "  sigma is at the grid's edge: the best may lie outside" if row["at_edge"] else ""
        apart = f"{row['spread']:6.1f}" if row["spread"] is not None else f"{'one':>6}"
        numbers = f"{row['mean']:8.1f} +- {row['standard_error']:4.1f} {apart}  {row['sigma']:.3f}"
        lines.append(f"{row['name']:24} {numbers}  {finer}{edge}")
    for name, (mean, error) in result["paper"].items():
        lines.append(f"{f'paper: {name}':24} {mean:8.1f} +- {error:4.1f}")
    lines += ["", "mean over the held-out images along sigma, minigan, first draw:"]
    lines += ["  ".join(f"{sigma:8.3f}" for sigma, _ in curve), "  ".join(f"{mean:8.1f}" for _, mean in curve)]
    return "\n".join(lines)
