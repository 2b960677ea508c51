"""Precision, recall, density and coverage of samples as a table, and how near they are to the training examples."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, TypeAlias

import numpy as np

from minigan.backends import Ops
from minigan.data import Dataset
from minigan.data.features import Features
from minigan.generator.reference_data import MOST, tested
from minigan.generator.sampler import Sampler
from minigan.metrics import table1
from minigan.metrics.balls import Balls
from minigan.metrics.copying import nearer
from minigan.metrics.distances import Frame
from minigan.metrics.manifolds import Overlap, compared
from minigan.metrics.neighbours import Scaled, nearest
from minigan.options.console import is_terminal

DRAWS = 10
LOOKED_UP = 2000
"""So many samples at most, of the first draw, have their nearest training example looked for."""
MEASURES = tuple(field.name for field in fields(Overlap))
Rows: TypeAlias = dict[str, tuple[Callable[[int], np.ndarray], int]]
"""{a row's name: (seed -> (n, d) floats, how many draws)}"""


def measure(
    sampler: Sampler, data: Dataset, name: str, n: int | None, k: int, seed: int, draws: int = DRAWS, seen: bool = False
) -> dict[str, Any]:
    """The table of a generator's samples beside the data's test examples, as trained on: of all, or 10,000 of them.

    name  the data's name or path as given
    n     how many samples, and as many of each row beside them; None for as many as test examples
    k     which neighbour's distance is a radius
    seen  whether the test examples are training examples, so that distances to these say nothing

    Raises ConfigError where there are no test images, and unless k is below the number of points of every row.
    """
    dtype = sampler.params.dtype
    test = data.scaled(table1.some_of(tested(data, name), MOST, seed), dtype)
    n = len(test) if n is None else n
    train = data.scaled(data.train, dtype)
    rows: Rows = {"minigan": (lambda s: sampler.scaled_sample(n, s), draws)}
    rows |= table1.rows_beside(train, test, n, draws)
    examples = None if seen else train
    return table(sampler.ops, data.name, rows, test, examples, k, seed) | {"n": n, "draws": draws}


def of_features(ops: Ops, features: Features, n: int | None, k: int, seed: int) -> dict[str, Any]:
    """The same table of features; `n` cuts the samples into draws, None takes all for one.  Raises ConfigError."""
    n = len(features.samples) if n is None else min(n, len(features.samples))
    draws = len(features.samples) // n
    test = table1.some_of(features.test, MOST, seed)
    train = test if features.train is None else features.train
    rows: Rows = {"samples": (lambda s: features.samples[(s - seed) * n :][:n], draws)}
    beside = table1.rows_beside(train, test, n, draws)
    rows |= beside if features.train is not None else {"marginal noise": beside["marginal noise"]}
    return table(ops, features.name, rows, test, features.train, k, seed) | {"n": n, "draws": draws}


def table(
    ops: Ops, name: str, rows: Rows, test: np.ndarray, train: np.ndarray | None, k: int, seed: int
) -> dict[str, Any]:
    """{"data", "k", "seed", "test_images", "nearest_held_out", "rows"}: test (N, d), train (T, d) or None.

    A row has its name, the means over draws, their `spread` from draw to draw (None for one draw), and of its first
    draw the median distance to the nearest training example and `nearer` (`minigan.metrics.copying`).
    """
    frame = Frame.around(test, *([] if train is None else [train]))
    real = Balls.around(ops, frame, test, k)
    away = None if train is None else distances(ops, test, train)
    made = []
    for row, (draw, times) in rows.items():
        found = []
        for i in watched(row, times):
            samples = draw(seed + i)
            found.append(asdict(compared(ops, real, Balls.around(ops, frame, samples, k))))
            if i == 0:
                size = len(samples)
                near = None if train is None or away is None else distances(ops, samples, train)
        draws = {measure: [one[measure] for one in found] for measure in MEASURES}
        made.append(
            {"name": f"{size} {row}"}
            | {measure: float(np.mean(values)) for measure, values in draws.items()}
            | {"spread": {m: float(np.std(v, ddof=1)) for m, v in draws.items()} if times > 1 else None}
            | {"nearest": None if near is None else float(np.median(near))}
            | {"nearer": None if near is None or away is None else nearer(near, away)}
        )
    return {
        "data": name,
        "k": k,
        "seed": seed,
        "test_images": len(test),
        "nearest_held_out": None if away is None else float(np.median(away)),
        "rows": made,
    }


def watched(row: str, times: int) -> Any:
    """The numbers of a row's draws, with a bar where a terminal shows it."""
    from tqdm import tqdm

    return tqdm(range(times), desc=row, leave=False, file=sys.stderr, disable=not is_terminal(sys.stderr))


def distances(ops: Ops, some: np.ndarray, train: np.ndarray) -> np.ndarray:
    """From the first of some rows (n, d) to their nearest training examples (T, d): float64."""
    scaled: Scaled = lambda rows, dtype: rows.astype(dtype)
    return nearest(ops, some[:LOOKED_UP], train, scaled)[1]


def text(result: dict[str, Any]) -> str:
    """The table to print."""
    draws, held = result["draws"], result["nearest_held_out"]
    lines = [
        f"Precision and recall, density and coverage of {result['test_images']} test images ({result['data']}), "
        f"k = {result['k']}",
        f"{draws} draw{'s' * (draws != 1)} of samples, seeds from {result['seed']} on; mean and deviation over draws",
        "",
        f"{'':24}" + "".join(f"{measure:>17}" for measure in MEASURES) + f"{'nearest':>10}{'nearer':>8}",
    ]
    for row in result["rows"]:
        spread = row["spread"]
        cells = [f"{row[m]:8.3f} " + (f"+- {spread[m]:.3f}" if spread else f"{'one':>8}") for m in MEASURES]
        near = "-" if row["nearest"] is None else f"{row['nearest']:.3f}"
        share = "-" if row["nearer"] is None else f"{row['nearer']:.0%}"
        lines.append(f"{row['name']:24}" + "".join(f"{cell:>17}" for cell in cells) + f"{near:>10}{share:>8}")
    if held is not None:
        lines.append(f"{'held-out images':24}" + 68 * " " + f"{held:>10.3f}{'50%':>8}")
        lines += ["", "nearest: median distance to the nearest training image; nearer: how often it is less than that"]
        lines += ["of a held-out image. 50% is as new data are; much more, and samples are copies of training images."]
    return "\n".join(lines)
