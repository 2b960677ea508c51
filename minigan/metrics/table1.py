"""Table 1 of the paper: its rows, and further ones to compare with, because the measure is weak.

A Parzen estimate rewards all samples that are near test images (Theis et al. 2015, arXiv 1511.01844):
k-means centres, which no one would call a model of digits, beat true training images.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from minigan import rng
from minigan.rng import Draw, Stream

PAPER = {
    "mnist": {"DBN": (138, 2), "Stacked CAE": (121, 1.6), "Deep GSN": (214, 1.1), "Adversarial nets": (225, 2)},
    "tfd": {"DBN": (1909, 66), "Stacked CAE": (2110, 50), "Deep GSN": (1890, 29), "Adversarial nets": (2057, 26)},
}
"""Mean and standard error in nats: on MNIST over test images, on TFD over the folds of the data set."""

EXAMPLES_A_CENTRE = 5
LLOYD_ITERATIONS = 3
AFTER_EVERY_RUN = 2**32 - 1
"""an epoch whose order no run draws"""


def rows_beside(
    train: np.ndarray, test: np.ndarray, n: int, draws: int
) -> dict[str, tuple[Callable[[int], np.ndarray], int]]:
    """{a row's name: (seed -> n examples (n, d), how many draws of them)}, for training and test examples (., d).

    k-means has one start, for its centres hardly depend on it and take long to find.
    """
    return {
        "training images": (lambda s: some_of(train, n, s), draws if n < len(train) else 1),
        "k-means centres": (lambda s: k_means_centres(train, n, s), 1),
        "marginal noise": (lambda s: marginal_noise(test, n, s), draws),
    }


def k_means_centres(examples: np.ndarray, n: int, seed: int) -> np.ndarray:
    """At most n centres, one for every five examples: examples (N, d) float32 to (k, d).

    Three iterations of Lloyd's from examples drawn at random (scikit-learn): more move the centres little.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    k = max(1, min(n, len(examples) // EXAMPLES_A_CENTRE))
    start = some_of(examples, k, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(k, init=start, n_init=1, max_iter=LLOYD_ITERATIONS).fit(examples).cluster_centers_


def some_of(examples: np.ndarray, n: int, seed: int) -> np.ndarray:
    """n of the examples (N, d) at random, each once at most; all where there are no more."""
    return examples[rng.permutation(seed, AFTER_EVERY_RUN, len(examples))[:n]]


def marginal_noise(images: np.ndarray, n: int, seed: int) -> np.ndarray:
    """n images (n, d), every pixel that of an image drawn for this pixel alone: images (N, d).

    All that is known of p_data in them are its marginals.
    """
    rows = np.arange(n, dtype=np.uint32)
    u = rng.unit_uniform(rng.words(Draw(seed, 0, 0, Stream.COMPARISON, rows), images.shape[1]))
    return images[(u * len(images)).astype(np.intp), np.arange(images.shape[1])]
