"""What a checkpoint says of the data, so that a run goes on with what it began with."""

from __future__ import annotations

import hashlib

import numpy as np

from minigan.data.dataset import Dataset
from minigan.data.mixtures import Mixture


def describe(data: Dataset | Mixture) -> dict:
    """Name, dtype, shape, image shape (None for none) and a SHA-256 of the training examples, or of the modes.

    Where images are contrast-normalised, also the length that each is given; no key says that they are not.
    """
    if isinstance(data, Dataset):
        content = np.ascontiguousarray(data.train)
    else:
        content = np.append(data.centres, data.deviation)
    described = {
        "name": data.name,
        "dtype": str(content.dtype),
        "shape": list(content.shape),
        "image_shape": list(data.image_shape) if data.image_shape else None,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    if isinstance(data, Dataset) and data.contrast is not None:
        described["contrast"] = data.contrast
    return described
