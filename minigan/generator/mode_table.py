"""Mode coverage of a trained generator as a table: what `minigan.evaluate` says of one trained on a mixture."""

from __future__ import annotations

from dataclasses import asdict
from math import isqrt
from typing import Any

from minigan.data import Mixture
from minigan.errors import ConfigError
from minigan.generator.sampler import Sampler
from minigan.metrics.modes import DEVIATIONS, PUBLISHED, SAMPLES, Coverage, coverage

IN_A_LINE = 8


def measure(sampler: Sampler, data: Mixture, n: int | None, seed: int) -> dict[str, Any]:
    """The table as JSON has it: {"data", "n", "seed", "deviation", "modes", "rows", "paper"}.

    n  how many samples, None for the protocol's 2,500

    The rows are of n samples of G and of as many of the data.  Raises ConfigError for a mixture with one mode.
    """
    n = SAMPLES if n is None else n
    if len(data.centres) < 2:
        raise ConfigError(f"--data {data.name}: one mode, expected a mixture whose modes can be counted: ring or grid")
    sets = {"minigan": sampler.sample(n, seed), "p_data": data.sample(n, seed)}
    return {
        "data": data.name,
        "n": n,
        "seed": seed,
        "deviation": data.deviation,
        "modes": len(data.centres),
        "rows": [row(name, coverage(samples, data.centres, data.deviation)) for name, samples in sets.items()],
        "paper": [asdict(published) for published in PUBLISHED.get(data.name, ())],
    }


def row(name: str, found: Coverage) -> dict[str, Any]:
    """One line of the table."""
    return {
        "name": name,
        "captured": found.captured,
        "high_quality": found.high_quality,
        "divergence": found.divergence,
        "shares": found.shares,
    }


def text(result: dict[str, Any]) -> str:
    """The table to print."""
    near = f"within {DEVIATIONS} deviations of {result['deviation']} of the nearest mode"
    lines = [
        f"Mode coverage of {result['n']} samples ({result['data']}, {result['modes']} modes), seed {result['seed']}",
        f"high quality: {near}; captured: a mode with at least one such sample",
        "",
        f"{'':24} {'captured':>12}  high quality  KL(shares || uniform)",
    ]
    for line in result["rows"]:
        divergence = "-" if line["divergence"] is None else f"{line['divergence']:.3f} nats"
        lines.append(f"{line['name']:24} {line['captured']:>12}  {line['high_quality']:>12.1%}  {divergence:>21}")
    for line in result["paper"]:
        error = "" if line["modes_error"] is None else f" +- {line['modes_error']}"
        lines.append(f"{line['source'] + ': GAN':24} {line['modes']:>5}{error:7}  {line['high_quality']:>12.1%}")
    shares = result["rows"][0]["shares"]
    if shares is not None:
        lines += ["", "share of the samples of high quality at each mode, minigan:"]
        percents = [f"{share:6.1%}" for share in shares]
        side = isqrt(len(percents))
        width = side if side**2 == len(percents) else IN_A_LINE  # a line is a column of the grid
        lines += ["".join(percents[start : start + width]) for start in range(0, len(percents), width)]
    return "\n".join(lines)
