"""The Parzen estimate against a direct formula and scikit-learn."""

import numpy as np
import pytest
from scipy.special import logsumexp

from minigan import ConfigError, backends
from minigan.metrics import parzen

RNG = np.random.default_rng(0)
POINTS, SAMPLES = RNG.random((1500, 7)), RNG.random((2100, 7))


@pytest.fixture(params=backends.NAMES)
def ops(request):
    return backends.get(request.param)


def direct(points, samples, sigma):
    """log mean_i N(x; s_i, sigma^2 I), one point at a time."""
    d = points.shape[1]
    rows = []
    for x in points:
        exponent = -np.sum((x - samples) ** 2, axis=1) / (2 * sigma**2)
        rows.append(np.log(np.mean(np.exp(exponent - exponent.max()))) + exponent.max())
    return np.array(rows) - d / 2 * np.log(2 * np.pi * sigma**2)


@pytest.mark.parametrize("sigma", [0.01, 0.2, 3.0])
def test_parzen_equals_the_direct_formula(ops, sigma):
    found = parzen.log_likelihood(ops, POINTS, SAMPLES, [sigma])[0]
    np.testing.assert_allclose(found, direct(POINTS, SAMPLES, sigma), rtol=1e-9, atol=1e-9)


def exact(points, samples, sigma):
    """The same sum from explicit differences in the longest floats there are."""
    x, s, sigma = (np.asarray(a, np.longdouble) for a in (points, samples, sigma))
    squared = np.stack([((row - s) ** 2).sum(axis=1) for row in x])
    sums = logsumexp(-squared / (2 * sigma**2), axis=1)
    n, d = s.shape
    return np.asarray(sums - np.log(np.longdouble(n)) - d / 2 * np.log(2 * np.longdouble(np.pi) * sigma**2), float)


@pytest.mark.parametrize("shift", [0.0, 100.0, -1e4, 1e8, 1e12])
@pytest.mark.parametrize("sigma", [1.0, 0.1, 1e-3, 1e-7])
def test_parzen_is_the_direct_sum_wherever_the_data_lie(ops, shift, sigma):
    random = np.random.default_rng(1)
    s, x = random.normal(size=(300, 5)) + shift, random.normal(size=(100, 5)) + shift
    np.testing.assert_allclose(parzen.log_likelihood(ops, x, s, [sigma])[0], exact(x, s, sigma), rtol=1e-12, atol=1e-8)


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1.0, 1e30, 1e200])
@pytest.mark.parametrize("sigma", [1e3, 1.0, 1e-5, 1e-12, 1e-100, 1e-149])
def test_parzen_is_right_down_to_the_sigma_that_float64_resolves(ops, scale, sigma):
    random = np.random.default_rng(2)
    s, x = random.normal(size=(60, 3)), random.normal(size=(20, 3))
    found = parzen.log_likelihood(ops, scale * x, scale * s, [scale * sigma])[0]
    expected = exact(x, s, sigma) - 3 * np.log(scale)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-8)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_parzen_refuses_a_sigma_that_float64_does_not_resolve(ops, scale):
    with pytest.raises(ConfigError, match=r"^sigma .*: expected finite numbers above .*float64 resolves") as caught:
        parzen.log_likelihood(ops, scale * POINTS[:3], scale * SAMPLES[:5], [scale * 1e-152])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sigma", [1e-9, 1e-5, 0.1])
def test_parzen_of_samples_that_are_the_points_and_of_an_outlier(ops, sigma):
    """Squared distances of 0, which the product makes slightly negative, and a sample that spoils the common centre."""
    x = 0.3 + POINTS[:40]
    for s in (x, np.repeat(x[:1], 50, axis=0), np.concatenate([x, 1e9 + x[:1]]), x.astype(np.float32)):
        found = parzen.log_likelihood(ops, x, s, [sigma])[0]
        np.testing.assert_allclose(found, exact(x, s, sigma), rtol=1e-12, atol=1e-8)


def test_parzen_of_near_neighbours_among_many_tiles(ops, monkeypatch):
    monkeypatch.setattr(parzen, "TILE", 16)
    random = np.random.default_rng(3)
    s = random.normal(size=(50, 30)) + 7
    x = s[random.integers(0, 50, 45)] + 1e-9 * random.normal(size=(45, 30))
    sigmas = [1e-9, 1e-4, 0.5]
    found = parzen.log_likelihood(ops, x, s, sigmas)
    for row, sigma in zip(found, sigmas):
        np.testing.assert_allclose(row, exact(x, s, sigma), rtol=1e-12, atol=1e-8)


@pytest.mark.parametrize("shape", [(0, 7), (7,), (3, 7, 1)])
def test_parzen_refuses_what_are_no_rows(ops, shape):
    for points, samples in ((np.ones(shape), SAMPLES), (POINTS, np.ones(shape))):
        with pytest.raises(ConfigError, match="expected rows of one width"):
            parzen.log_likelihood(ops, points, samples, [1.0])


def test_parzen_equals_scikit_learn(ops):
    from sklearn.neighbors import KernelDensity

    expected = KernelDensity(kernel="gaussian", bandwidth=0.3).fit(SAMPLES).score_samples(POINTS)
    np.testing.assert_allclose(parzen.log_likelihood(ops, POINTS, SAMPLES, [0.3])[0], expected, rtol=1e-7)


def test_parzen_of_several_sigmas_is_each_alone(ops):
    sigmas = [0.1, 0.5]
    both = parzen.log_likelihood(ops, POINTS[:50], SAMPLES, sigmas)
    for row, sigma in zip(both, sigmas):
        np.testing.assert_array_equal(row, parzen.log_likelihood(ops, POINTS[:50], SAMPLES, [sigma])[0])


def test_parzen_protocol_chooses_sigma_on_validation_points(ops):
    validation, test = POINTS[:200], POINTS[200:]
    found = parzen.estimate(ops, test, validation, SAMPLES)
    means = [direct(validation, SAMPLES, s).mean() for s in parzen.SIGMAS]
    assert found.sigma == parzen.SIGMAS[int(np.argmax(means))]
    values = direct(test, SAMPLES, found.sigma)
    assert found.mean == pytest.approx(values.mean(), abs=1e-9)
    assert found.standard_error == pytest.approx(values.std() / np.sqrt(len(values)), rel=1e-9)


def test_parzen_says_when_sigma_is_at_the_edge(ops):
    assert parzen.estimate(ops, POINTS[:20], POINTS[:20], SAMPLES[:5], sigmas=np.array([5.0, 6.0])).at_edge
    assert not parzen.estimate(ops, POINTS[:20], POINTS[20:60], SAMPLES, sigmas=np.array([0.001, 0.3, 9.0])).at_edge


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.inf, np.nan])
def test_parzen_refuses_a_sigma_that_is_none(ops, sigma):
    with pytest.raises(ConfigError, match="sigma"):
        parzen.log_likelihood(ops, POINTS[:2], SAMPLES[:2], [sigma])


def test_parzen_refuses_other_widths(ops):
    with pytest.raises(ConfigError, match="one width"):
        parzen.log_likelihood(ops, POINTS[:, :3], SAMPLES, [1.0])


def test_parzen_is_not_a_number_where_a_sample_is_none(ops):
    samples = SAMPLES.copy()
    samples[5, 2] = np.nan
    with np.errstate(invalid="ignore"):
        assert np.isnan(parzen.log_likelihood(ops, POINTS[:3], samples, [0.3])).all()


def test_parzen_in_784_dimensions_leaves_out_nothing_that_counts(ops):
    points, samples = RNG.random((40, 784)), RNG.random((1200, 784))
    for sigma in (0.1, 1.0):
        found = parzen.log_likelihood(ops, points, samples, [sigma])[0]
        np.testing.assert_allclose(found, direct(points, samples, sigma), rtol=1e-11)


def test_parzen_refines_a_grid_between_the_neighbours_of_its_best():
    fine = parzen.refined(parzen.SIGMAS, parzen.SIGMAS[3])
    np.testing.assert_allclose(fine[[0, 10, -1]], parzen.SIGMAS[2:5], rtol=1e-12)
    edge = parzen.refined(parzen.SIGMAS, parzen.SIGMAS[0])
    assert edge[0] == pytest.approx(0.1) and edge[-1] == pytest.approx(parzen.SIGMAS[1])
