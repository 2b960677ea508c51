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


def images_and_walks(
    sampler: Sampler, x: np.ndarray, z: np.ndarray, walks: int, columns: int
) -> tuple[np.ndarray, list[int]]:
    """Rows of images x (n, features) in the data's own units, each above a row of what G makes of their z (n, latent);
    then walks, each from one image to the next: the image, G along the straight line between both z, the other image.

    returns  (tiles, features), rows of `columns`; and the numbers of the tiles that are images, not G's
    """
    blank, tiles, real = np.zeros((-len(x) % columns, x.shape[1]), x.dtype), list[np.ndarray](), list[int]()
    both = [np.concatenate([rows, blank]) for rows in (x, sampler.generate(z))]
    for start in range(0, len(x), columns):
        real += [len(tiles) * columns + i for i in range(min(columns, len(x) - start))]
        tiles += [rows[start : start + columns] for rows in both]
    for first in range(0, min(2 * walks, len(x) - 1), 2):
        real += [len(tiles) * columns, len(tiles) * columns + columns - 1]
        line = sampler.generate(straight_lines(z[first : first + 2], columns - 2))
        tiles.append(np.concatenate([x[first : first + 1], line, x[first + 1 : first + 2]]))
    return np.concatenate(tiles), real
