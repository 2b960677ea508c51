"""The images of the paper's figures 2 and 3, from any trained generator."""

from __future__ import annotations

import numpy as np

from minigan.data import Dataset
from minigan.generator.latent_lines import great_circles, straight_lines
from minigan.generator.sampler import Sampler
from minigan.metrics.neighbours import nearest


def beside_neighbours(sampler: Sampler, data: Dataset, rows: int, columns: int, seed: int) -> np.ndarray:
    """Figure 2: (rows (columns + 1), features), the last column being the nearest training image of the one before."""
    samples = sampler.scaled_sample(rows * columns, seed).reshape(rows, columns, -1)
    index, _ = nearest(sampler.ops, samples[:, -1], data.train, data.scaled)
    neighbours = data.scaled(data.train[index], samples.dtype)
    return np.concatenate([samples, neighbours[:, None]], axis=1).reshape(rows * (columns + 1), -1)


def along_lines(sampler: Sampler, lines: str, rows: int, columns: int, seed: int) -> np.ndarray:
    """Figure 3: (kinds of lines * rows * columns, features); a row has one label, where G is told any."""
    ends, labels = sampler.draw_z(2 * rows, seed), sampler.draw_labels(rows, seed)
    paths = {"linear": [straight_lines], "spherical": [great_circles], "both": [straight_lines, great_circles]}[lines]
    z = np.concatenate([path(ends, columns) for path in paths])
    return sampler.forward(z, None if labels is None else np.tile(np.repeat(labels, columns), len(paths)))
