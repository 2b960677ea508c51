"""Mode coverage: the protocol on samples made by hand, and `minigan.evaluate` on mixtures as its users call it."""

import json

import numpy as np
import pytest

from minigan import ConfigError
from minigan.data.mixtures import Mixture
from minigan.evaluate import main
from minigan.generator.sampler import Sampler
from minigan.metrics.modes import PUBLISHED, coverage
from minigan.run.trainer import Trainer
from minigan.train import options

CORNERS = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])
TINY = [
    "--generator",
    "relu 8",
    "linear",
    "--discriminator",
    "relu 8",
    "linear",
    "--iterations",
    "4",
    "--backend",
    "numpy",
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folders of runs of four iterations on each mixture, by its name."""
    folder = tmp_path_factory.mktemp("mixtures")
    for name in ("ring", "grid", "gaussian"):
        Trainer(options(["--preset", name, "--out", str(folder / name), *TINY])).run()
    return folder


def test_a_sample_on_each_centre_captures_all_modes_equally():
    found = coverage(CORNERS, CORNERS, 0.125)
    assert (found.captured, found.high_quality, found.divergence) == (4, 1, 0)
    assert found.shares == (0.25,) * 4


def test_all_samples_on_one_mode():
    found = coverage(np.repeat(CORNERS[2:3], 10, axis=0), CORNERS, 0.125)
    assert (found.n, found.counts, found.captured, found.high_quality) == (10, (0, 0, 10, 0), 1, 1)
    assert found.divergence == pytest.approx(np.log(4))


def test_three_deviations_are_near_and_a_hair_more_is_not():
    near, far = [0.375, 0.0], [np.nextafter(0.375, 1), 0.0]
    assert coverage(np.array([near, far]), CORNERS, 0.125).counts == (1, 0, 0, 0)
    # In the plane it is a circle: 3 s along both axes at once lies outside of it.
    assert coverage(np.array([[0.375, 0.375]]), CORNERS, 0.125).counts == (0, 0, 0, 0)


def test_outliers_count_as_samples_and_for_no_mode():
    samples = np.array([[4.1, 0.1], [2.0, 2.0], [1e9, 0.0], [np.nan, 0.0], [np.inf, np.inf]], np.float32)
    found = coverage(samples, CORNERS, 0.125)
    assert (found.counts, found.high_quality) == ((0, 1, 0, 0), 0.2)
    assert coverage(samples[1:], CORNERS, 0.125).shares is coverage(samples[1:], CORNERS, 0.125).divergence is None


@pytest.mark.parametrize("shift", [-(2.0**20), 2.0**40])
def test_modes_are_counted_alike_wherever_the_mixture_lies(shift):
    samples = np.round((CORNERS.repeat(50, axis=0) + np.random.default_rng(4).normal(0, 0.2, (200, 2))) * 1024) / 1024
    here, there = coverage(samples, CORNERS, 0.125), coverage(samples + shift, CORNERS + shift, 0.125)
    assert here == there and 0 < here.high_quality < 1


def test_samples_farther_than_any_square_are_near_no_mode():
    with np.errstate(all="raise"):
        assert coverage(np.array([[1e200, 0.0], [0.1, 0.0]]), CORNERS, 0.125).counts == (1, 0, 0, 0)


def test_where_modes_overlap_a_sample_belongs_to_the_nearest():
    assert coverage(np.array([[1.9, 0.0], [2.1, 0.0]]), CORNERS, 1.0).counts == (1, 1, 0, 0)


@pytest.mark.parametrize("mixture, modes", [(Mixture.ring(), 8), (Mixture.grid(), 25)], ids=("ring", "grid"))
def test_the_data_themselves_are_of_high_quality_but_for_one_in_a_hundred(mixture, modes):
    found = coverage(mixture.sample(20_000, 0), mixture.centres, mixture.deviation)
    assert found.captured == modes and found.divergence < 0.01
    assert found.high_quality == pytest.approx(1 - np.exp(-9 / 2), abs=0.003)


@pytest.mark.parametrize("shape", [(0, 2), (5, 3), (5,)])
def test_samples_of_another_width_are_refused(shape):
    with pytest.raises(ConfigError, match="expected rows of one width"):
        coverage(np.zeros(shape), CORNERS, 0.125)


def test_the_published_rows():
    assert [(row.modes, row.modes_error, row.high_quality) for row in PUBLISHED["ring"] + PUBLISHED["grid"]] == [
        (1.0, None, 0.993),
        (6.3, 0.5, 0.982),
        (3.3, None, 0.005),
        (17.3, 0.8, 0.948),
    ]


@pytest.mark.parametrize("name, n", [("ring", 2500), ("grid", 700)])
def test_evaluate_counts_the_modes_of_a_mixture(runs, said, tmp_path, name, n):
    out = tmp_path / "table.json"
    more = [] if n == 2500 else ["--n", n]
    code, text, error = said(main, "--run", runs / name, "--json", out, "--backend", "numpy", *more)
    assert code == 0, error
    result, mixture = json.loads(out.read_text()), getattr(Mixture, name)()
    expected = coverage(Sampler.load(runs / name).sample(n), mixture.centres, mixture.deviation)
    ours, data = result["rows"]
    assert (result["n"], result["modes"], ours["captured"]) == (n, len(mixture.centres), expected.captured)
    assert (ours["high_quality"], ours["divergence"]) == (expected.high_quality, expected.divergence)
    assert data["captured"] == len(mixture.centres) and f"{data['high_quality']:.1%}" in text
    for message in (f"{n} samples ({name}, ", "VEEGAN: GAN", "PacGAN: GAN", f"{PUBLISHED[name][1].modes} +- "):
        assert message in text


def test_another_mixture_can_be_asked_for(runs, said):
    code, text, _ = said(main, "--run", runs / "ring", "--data", "grid", "--backend", "numpy")
    assert code == 0 and "(grid, 25 modes)" in text


@pytest.mark.parametrize(
    "run, wrong, message",
    [
        ("gaussian", [], "--data gaussian: one mode, expected a mixture whose modes can be counted: ring or grid"),
        ("ring", ["--sigma", ".1"], "--sigma 0.1: for images"),
        ("ring", ["--data", "digits"], "images of 8 x 8, expected rows of 2 values"),
        ("ring", ["--data", "gaussian"], "rows of 1 values, expected rows of 2 values"),
        ("ring", ["--n", "0"], "--n 0"),
    ],
)
def test_what_has_no_modes_to_count_is_one_line(runs, said, run, wrong, message):
    code, text, error = said(main, "--run", runs / run, "--backend", "numpy", *wrong)
    assert code == 2 and message in error and error.count("\n") == 1 and text == ""
