"""Whether samples lie nearer to the training examples than examples do that were held out of them.

Over pairs of a sample and a held-out example, the share in which the sample is the nearer one: one half where samples
are as far from the training examples as new data are, 1 where G copies (Meehan et al. 2020, arXiv 2004.05675, the
statistic U of Mann and Whitney over the number of pairs).
"""

from __future__ import annotations

import numpy as np


def nearer(samples: np.ndarray, held_out: np.ndarray) -> float:
    """The share of pairs, a tie counted half: distances (n,) and (N,) to the nearest training example."""
    ordered = np.sort(held_out)
    below, up_to = (np.searchsorted(ordered, samples, side) for side in ("left", "right"))
    return 1 - float((below + up_to).mean()) / (2 * len(held_out))
