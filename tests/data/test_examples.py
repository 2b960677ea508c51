"""Arrays in Python: `fit` takes what the command takes, and `discriminate` scales it alike."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from minigan import GAN, DataError, Dropout, Linear, Recipe, Sequential, Sigmoid
from minigan.data import Dataset, dataset_of
from minigan.data.arrays import load_array
from minigan.data.ranges import far_apart
from minigan.errors import ConfigError, DataWarning, DivergedError

RANDOM = np.random.default_rng(0)
BYTES = RANDOM.integers(0, 256, (60, 12), dtype=np.uint8)


def gan(width=12, *last, lr=0.1) -> GAN:
    D = Sequential(Dropout(0.8), Linear(width, 1))
    return GAN(Sequential(Linear(3, width), *last), D, Recipe(latent=3, batch_size=20, lr=lr))


ARRAYS = {
    "bytes": BYTES,
    "int64": BYTES.astype(np.int64),
    "big-endian uint16": BYTES.astype(">u2"),
    "bool": BYTES > 99,
    "float16": (BYTES / 255).astype(np.float16),
    "float64": BYTES / 255,
    "(N, H, W)": BYTES.reshape(60, 3, 4),
    "(N, H, W, 1)": BYTES.reshape(60, 3, 4, 1),
    "(N, 1, H, W)": BYTES.reshape(60, 1, 3, 4),
    "(N, H, W, 3)": BYTES.reshape(60, 2, 2, 3),
    "(N, 3, H, W)": BYTES.reshape(60, 3, 2, 2),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_fit_takes_what_the_command_takes(tmp_path, array):
    np.save(tmp_path / "own.npy", array)
    read = load_array(tmp_path / "own.npy")
    one, other = (gan(12, Sigmoid()).fit(x, iterations=3) for x in (array, read))
    assert one.data | {"name": ""} == other.data | {"name": ""}
    assert one.sample(5).tobytes() == other.sample(5).tobytes()
    assert one.discriminate(array).tobytes() == one.discriminate(read.scaled(read.train, np.float32)).tobytes()


@pytest.mark.parametrize(
    "values, message",
    [
        (np.zeros(5), "(N, 1)"),
        (np.zeros((2, 5, 4, 4)), "shape (2, 5, 4, 4)"),
        (np.zeros((0, 5)), "at least one"),
        (np.array([["a", "b"]]), "dtype <U1"),
        ([[1.0, 2.0], [3.0]], "no array"),
        ([[1.0, None]], "dtype object"),
        (np.array([[1j]]), "dtype complex"),
        (np.array([[-1, 5]]), "whole numbers from -1 to 5"),
        (np.array([[0, 256]]), "whole numbers from 0 to 256"),
        (np.array([[0, 2**64 - 1]], np.uint64), "18446744073709551615"),
        (np.ma.array([[0.5, 9.0]], mask=[[False, True]]), "masked"),
        (np.array([[0.5, np.nan]]), "NaN or infinity in row 0"),
    ],
)
def test_what_is_none_ends_in_one_line(refused, values, message):
    refused(lambda: gan(2).fit(values), message)
    trained = gan(2).fit(BYTES[:, :2], iterations=1)
    refused(lambda: trained.discriminate(values), message)


@pytest.mark.parametrize("options", [{}, {"contrast": 3.0}])
def test_bytes_are_scaled_alike_by_fit_and_discriminate(options):
    data = Dataset("d", BYTES, **options)
    trained = gan().fit(data, iterations=5)
    expected = trained.discriminate(data.scaled(BYTES, np.float64))
    np.testing.assert_allclose(trained.discriminate(BYTES), expected, rtol=1e-5)
    np.testing.assert_allclose(trained.discriminate(BYTES.astype(int)), expected, rtol=1e-5)


def test_what_d_was_not_trained_on_the_like_of_is_refused():
    on_bytes, on_floats = gan().fit(BYTES, iterations=1), gan().fit(BYTES / 255, iterations=1)
    with pytest.raises(DataError, match="divide by 255"):
        on_bytes.discriminate(BYTES.astype(float))
    with pytest.raises(DataError, match="whole numbers, and the training data are float64: expected floats"):
        on_floats.discriminate(BYTES)
    assert np.isfinite(on_bytes.discriminate(BYTES / 128)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_numbers_that_are_not_finite_are_named_and_not_passed_through(bad):
    trained = gan().fit(BYTES, iterations=1)
    x, z = np.zeros((4, 12)), np.zeros((4, 3))
    x[2, 1] = z[2, 1] = bad
    for call in (lambda: trained.discriminate(x), lambda: trained.sampler().generate(z)):
        with pytest.raises((DataError, ConfigError), match="row 2"), np.errstate(over="ignore"):
            call()


RANGES = {
    "bytes as floats": (BYTES.astype(float), "from 0 to 255; expected [0, 1] (divide by 255)"),
    "pictures of 0..255": (RANDOM.uniform(0, 255, (60, 3, 4)), "(divide by 255)"),
    "grey values of 0..16": (RANDOM.integers(0, 17, (60, 12)).astype(float), "(divide by 16)"),
    "-1..1": (RANDOM.uniform(-1, 1, (60, 12)), "(add 1 and divide by 2)"),
    "others": (RANDOM.standard_normal((60, 12)), "expected linear as the last layer of generator"),
    "many scales": (RANDOM.uniform(0, 1, (60, 12)) * np.logspace(-1, 3, 12), "orders of magnitude"),
}


@pytest.mark.parametrize("array, message", RANGES.values(), ids=RANGES.keys())
def test_the_range_of_floats_is_named_with_what_to_do(array, message):
    with pytest.raises(ConfigError) as caught:
        gan(12, Sigmoid()).fit(array)
    assert message in str(caught.value) and ("standardise" in str(caught.value)) == (message == "orders of magnitude")


def test_features_that_differ_by_orders_of_magnitude_are_named_before_and_after():
    table = RANDOM.standard_normal((60, 3)) * [0.1, 1, 1000]
    with pytest.warns(DataWarning, match=r"differ by orders of magnitude, from 0\.\d+ to \d+; try"):
        with pytest.raises(DivergedError, match="orders of magnitude.*standardise"):
            gan(3, lr=1e30).fit(table, iterations=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gan(3).fit(Dataset("d", table).standardised(), iterations=20)


@pytest.mark.parametrize("data", [BYTES, BYTES / 255, RANDOM.standard_normal((60, 12)) * np.linspace(1, 50, 12)])
def test_features_of_about_one_size_are_not_said_to_differ(data):
    assert far_apart(dataset_of("d", data)) == ""
