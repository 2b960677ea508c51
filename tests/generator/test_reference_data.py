"""The images to choose sigma on, and those to measure on."""

import numpy as np
import pytest

from minigan import ConfigError, Dataset
from minigan.generator.reference_data import held_out

RNG = np.random.default_rng(0)


def bytes_of(n):
    return RNG.integers(0, 256, (n, 6), dtype=np.uint8)


def test_sigma_is_chosen_on_the_first_thousand_validation_images():
    data = Dataset("d", bytes_of(10), bytes_of(1200), bytes_of(30))
    validation, test = held_out(data, "d")
    np.testing.assert_array_equal(validation, data.validation[:1000])
    np.testing.assert_array_equal(test, data.test)


def test_without_validation_images_a_third_of_the_test_images_is_for_sigma_alone():
    data = Dataset("d", bytes_of(10), None, bytes_of(30))
    validation, test = held_out(data, "d")
    np.testing.assert_array_equal(np.concatenate([validation, test]), data.test)
    assert len(validation) == 10


def test_a_set_without_test_images_is_refused():
    with pytest.raises(ConfigError, match="^data here: no test images"):
        held_out(Dataset("d", bytes_of(10), bytes_of(5)), "here")
