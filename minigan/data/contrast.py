"""Global contrast normalisation, as the authors' pylearn2 has it: an image less its own mean, scaled to one length."""

from __future__ import annotations

import numpy as np

from minigan.data.chunks import chunks

SMALLEST_DIVISOR = 1e-8


def normalisation(images: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray]:
    """What turns an image x into its normalised form  scale x + shift,  which has mean 0 and this length:

        scale = length / |x - mean(x)|      shift = -scale mean(x)

    images        (n, F) bytes or floats
    scale, shift  (n,) float64

    A divisor |x - mean(x)| / length below 1e-8 counts as 1, so that a flat image becomes zero.
    """
    scale, shift = np.empty(len(images)), np.empty(len(images))
    for rows in chunks(images):
        x = images[rows].astype(np.float64)
        mean = x.mean(axis=1)
        divisor = np.sqrt(np.square(x - mean[:, None]).sum(axis=1)) / length
        scale[rows] = 1 / np.where(divisor < SMALLEST_DIVISOR, 1, divisor)
        shift[rows] = -scale[rows] * mean
    return scale, shift
