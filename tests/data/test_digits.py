"""The embedded digits."""

from __future__ import annotations

import numpy as np
from sklearn import datasets

from minigan.data.digits import load_digits


def test_the_digits_as_bytes():
    data, values = load_digits(), datasets.load_digits().data
    assert data.name == "digits" and data.image_shape == (8, 8)
    assert data.train.shape == (1500, 64) and data.test.shape == (297, 64) and data.validation is None
    assert data.train.dtype == np.uint8
    rows = np.concatenate([data.train, data.test]).astype(float)
    np.testing.assert_array_equal(rows[values == 16], 255)
    np.testing.assert_array_equal(rows[values == 0], 0)
    np.testing.assert_array_equal(np.round(rows * 16 / 255), values)
    assert np.abs(rows - values * 255 / 16).max() <= 0.5
