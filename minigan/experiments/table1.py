"""Table 1 on the run of `training.py`: the Parzen estimate, and what the measure makes of other sets of images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from minigan.data import Dataset
from minigan.experiments import training
from minigan.experiments.finding import Finding
from minigan.generator import parzen_table
from minigan.generator.reference_data import data_of
from minigan.generator.sampler import Sampler

TITLE = "Table 1"
SECONDS = (40, 300)
NEAR = 2
"""Standard errors."""


def run(out: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Finding:
    """The whole table; on MNIST it holds if ours is not below the paper's by more than two standard errors."""
    folder = training.run_beside(out)
    sampler = Sampler.load(folder, "numba")
    name, data = data_of(sampler, str(folder), None)
    assert isinstance(data, Dataset)  # images
    result = parzen_table.measure(sampler, data, name, None, None, seed)
    say(f"{data.name}: {result['rows'][0]['mean']:.1f} nats")
    ours, training_images, _, noise = result["rows"]
    said = (
        f"{ours['mean']:.1f} +- {ours['standard_error']:.1f} nats at sigma {ours['sigma']:.3f} on "
        f"{result['test_images']} test images of {data.name}; training images {training_images['mean']:.1f}, "
        f"noise {noise['mean']:.1f}. "
    )
    if paper := result["paper"].get("Adversarial nets"):
        holds = ours["mean"] >= paper[0] - NEAR * paper[1]
        claim = f"Adversarial nets reach {paper[0]} +- {paper[1]} nats on MNIST."
        said += f"Holds if it is at least {paper[0]} less {NEAR} standard errors, as copies would: see the figures."
    else:
        holds = ours["mean"] > noise["mean"] + NEAR * (ours["standard_error"] + noise["standard_error"])
        claim = "Samples of G give test images a high likelihood (on MNIST 225 +- 2 nats)."
        said += "Holds if it is above noise with the same pixel marginals by more than the errors of both."
    head = ("samples", "nats", "standard error", "sigma", "with a finer grid")
    rows = [
        (r["name"], f"{r['mean']:.1f}", f"{r['standard_error']:.1f}", f"{r['sigma']:.3f}", f"{r['finer_mean']:.1f}")
        for r in result["rows"]
    ]
    rows += [(f"paper, MNIST: {who}", str(mean), str(error), "", "") for who, (mean, error) in result["paper"].items()]
    return Finding(TITLE, claim, said, holds, result, table=(head, *rows))
