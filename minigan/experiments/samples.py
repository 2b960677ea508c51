"""Figures 2 and 3 on the run of `training.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from minigan.data import Dataset
from minigan.experiments import training
from minigan.experiments.finding import Finding
from minigan.files.plots import save_samples
from minigan.generator.figures import along_lines, beside_neighbours
from minigan.generator.reference_data import data_of
from minigan.generator.sampler import Sampler

TITLE = "Figures 2 and 3"
SECONDS = (3, 10)
ROWS, COLUMNS = 5, 8
COPY = 0.5
"""A sample is called a copy if it is half as far, or less, from its training image as test images usually are."""


def run(out: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Finding:
    """Samples beside their nearest training images, and lines in z; distances tell copies from neighbours."""
    from minigan.metrics.neighbours import nearest

    folder = training.run_beside(out)
    sampler = Sampler.load(folder)
    _, data = data_of(sampler, str(folder), None)
    assert isinstance(data, Dataset) and data.test is not None  # images, of which some are held out
    columns = COLUMNS + 1
    images = beside_neighbours(sampler, data, ROWS, COLUMNS, seed)
    shape, contrast = sampler.data["image_shape"], "contrast" in sampler.data
    outlined = range(COLUMNS, len(images), columns)
    two, three = out / "figure-2.png", out / "figure-3.png"
    save_samples(two, images, shape, columns=columns, contrast=contrast, outlined=outlined)
    lines = along_lines(sampler, "both", ROWS, COLUMNS, seed)
    save_samples(three, lines, shape, columns=COLUMNS, contrast=contrast)

    _, of_samples = nearest(sampler.ops, sampler.sample(200, seed), data.train, data.scaled)
    _, of_tests = nearest(sampler.ops, data.scaled(data.test[:200], np.float64), data.train, data.scaled)
    ours, test = np.median(of_samples), np.median(of_tests)
    copies = float(np.mean(of_samples < COPY * test))
    say(f"median distance to the nearest training image: samples {ours:.2f}, test {test:.2f}")
    return Finding(
        TITLE,
        "Samples are no copies: the nearest training image stands outlined beside the last of each row. (Whether they "
        "are digits, and change smoothly along lines in z, is to be looked at.)",
        f"The nearest training image is {ours:.2f} away from a sample in the median, and {test:.2f} from a test image; "
        f"{copies:.0%} of 200 samples are nearer than half of that. "
        "Holds if fewer than 5% are. Figure 3: straight lines in z above, great circles between the same ends below.",
        copies < 0.05,
        {"samples": float(ours), "tests": float(test), "copies": copies},
        pictures=(two, three),
    )
