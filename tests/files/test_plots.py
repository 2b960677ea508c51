"""Pictures of samples that are not in [0, 1]."""

import numpy as np
from matplotlib.image import imread

from minigan.files.plots import displayable, image_grid, save_samples

RANDOM = np.random.default_rng(0)


def test_a_normalised_image_is_shown_by_its_largest_magnitude():
    x = np.array([[-4.0, 0.0, 2.0], [0.0, 0.0, 0.0], [3.0, 3.0, -1.5]])
    np.testing.assert_array_equal(displayable(x), [[0, 0.5, 0.75], [0.5, 0.5, 0.5], [1, 1, 0.25]])


def test_float32_stays_float32():
    assert displayable(RANDOM.standard_normal((2, 12)).astype(np.float32)).dtype == np.float32


def test_the_picture_of_contrast_normalised_images(tmp_path):
    x = 55 * RANDOM.standard_normal((7, 32 * 32 * 3))
    for contrast, expected in ((True, displayable(x)), (False, x)):
        save_samples(tmp_path / "x.png", x, (32, 32, 3), columns=4, contrast=contrast)
        shown = np.round(255 * imread(tmp_path / "x.png")[..., :3])
        np.testing.assert_array_equal(shown, image_grid(expected, (32, 32, 3), 4))
