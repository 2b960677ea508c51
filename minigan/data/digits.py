"""The embedded data set: scikit-learn's 1,797 handwritten digits of 8 x 8 pixels (UCI, Alpaydin and Kaynak 1998)."""

from __future__ import annotations

import numpy as np

from minigan.data.dataset import Dataset
from minigan.data.labels import Labels

TEST_EXAMPLES = 297


def load_digits(labels: bool = False) -> Dataset:
    """1,500 digits to train on and 297 to test with; the grey values 0 to 16 become bytes, 16 becoming 255."""
    from sklearn import datasets

    found = datasets.load_digits()
    rows = np.round(found.data * (255 / 16)).astype(np.uint8)
    told = Labels.of("digits", found.target[:-TEST_EXAMPLES]) if labels else None
    return Dataset("digits", rows[:-TEST_EXAMPLES], test=rows[-TEST_EXAMPLES:], image_shape=(8, 8), labels=told)
