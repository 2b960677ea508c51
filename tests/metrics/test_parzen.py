"""The Parzen estimate against a direct formula and scikit-learn."""

import numpy as np
import pytest

from minigan import ConfigError
from minigan.metrics import parzen

RNG = np.random.default_rng(0)
POINTS, SAMPLES = RNG.random((1500, 7)), RNG.random((2100, 7))


def direct(points, samples, sigma):
    """log mean_i N(x; s_i, sigma^2 I), one point at a time."""
    d = points.shape[1]
    rows = []
    for x in points:
        exponent = -np.sum((x - samples) ** 2, axis=1) / (2 * sigma**2)
        rows.append(np.log(np.mean(np.exp(exponent - exponent.max()))) + exponent.max())
    return np.array(rows) - d / 2 * np.log(2 * np.pi * sigma**2)


@pytest.mark.parametrize("sigma", [0.01, 0.2, 3.0])
def test_parzen_equals_the_direct_formula(sigma):
    found = parzen.log_likelihood(POINTS, SAMPLES, [sigma])[0]
    np.testing.assert_allclose(found, direct(POINTS, SAMPLES, sigma), rtol=1e-9, atol=1e-9)


def test_parzen_equals_scikit_learn():
    from sklearn.neighbors import KernelDensity

    expected = KernelDensity(kernel="gaussian", bandwidth=0.3).fit(SAMPLES).score_samples(POINTS)
    np.testing.assert_allclose(parzen.log_likelihood(POINTS, SAMPLES, [0.3])[0], expected, rtol=1e-7)


def test_parzen_of_several_sigmas_is_each_alone():
    sigmas = [0.1, 0.5]
    both = parzen.log_likelihood(POINTS[:50], SAMPLES, sigmas)
    for row, sigma in zip(both, sigmas):
        np.testing.assert_array_equal(row, parzen.log_likelihood(POINTS[:50], SAMPLES, [sigma])[0])


def test_parzen_protocol_chooses_sigma_on_validation_points():
    validation, test = POINTS[:200], POINTS[200:]
    found = parzen.estimate(test, validation, SAMPLES)
    means = [direct(validation, SAMPLES, s).mean() for s in parzen.SIGMAS]
    assert found.sigma == parzen.SIGMAS[int(np.argmax(means))]
    values = direct(test, SAMPLES, found.sigma)
    assert found.mean == pytest.approx(values.mean(), abs=1e-9)
    assert found.standard_error == pytest.approx(values.std() / np.sqrt(len(values)), rel=1e-9)


def test_parzen_says_when_sigma_is_at_the_edge():
    assert parzen.estimate(POINTS[:20], POINTS[:20], SAMPLES[:5], sigmas=np.array([5.0, 6.0])).at_edge
    assert not parzen.estimate(POINTS[:20], POINTS[20:60], SAMPLES, sigmas=np.array([0.001, 0.3, 9.0])).at_edge


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.inf, np.nan])
def test_parzen_refuses_a_sigma_that_is_none(sigma):
    with pytest.raises(ConfigError, match="sigma"):
        parzen.log_likelihood(POINTS[:2], SAMPLES[:2], [sigma])


def test_parzen_refuses_other_widths():
    with pytest.raises(ConfigError, match="one width"):
        parzen.log_likelihood(POINTS[:, :3], SAMPLES, [1.0])
