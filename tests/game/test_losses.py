"""The value function and both of G's objectives against their logarithms, written out."""

import math

import numpy as np
import pytest

from minigan.backends import get
from minigan.game.losses import GENERATOR_LOSSES, NON_SATURATING, SATURATING, probability, softplus, value

DTYPES = [np.float32, np.float64]


def sigmoid(logit):
    return 1 / (1 + math.exp(-logit))


def logits_of(n, seed=0, dtype=np.float64):
    return (3 * np.random.default_rng(seed).standard_normal((n, 1))).astype(dtype)  # (n, 1)


def derivative(logits, targets, scale):
    """The kernel's answer, (B, 1)."""
    ops = get("numpy")
    out = np.full_like(logits, np.nan)
    assert ops.cross_entropy_backward(logits, targets, scale, out=out) is out
    return out


def test_value_is_the_mean_of_the_logarithms():
    real, fake = logits_of(7, 1), logits_of(7, 2)  # (7, 1) each
    v = 0.0
    for i in range(7):
        v += math.log(sigmoid(real[i, 0])) / 7 + math.log(1 - sigmoid(fake[i, 0])) / 7
    assert value(real, fake) == pytest.approx(v, rel=1e-13)


def test_value_of_an_undecided_discriminator_is_minus_log_4():
    assert value(np.zeros((5, 1)), np.zeros((5, 1))) == pytest.approx(-math.log(4), rel=1e-15)


def test_value_takes_means_of_unequal_halves():
    assert value(np.zeros((2, 1)), np.zeros((9, 1))) == pytest.approx(-math.log(4), rel=1e-15)


def test_non_saturating_loss_is_minus_mean_log_d():
    fake = logits_of(6, 3)
    expected = -sum(math.log(sigmoid(logit)) for logit in fake[:, 0]) / 6
    assert NON_SATURATING(fake) == pytest.approx(expected, rel=1e-13)


def test_saturating_loss_is_mean_log_of_one_minus_d():
    fake = logits_of(6, 4)
    expected = sum(math.log(1 - sigmoid(logit)) for logit in fake[:, 0]) / 6
    assert SATURATING(fake) == pytest.approx(expected, rel=1e-12)


def test_the_saturating_loss_is_gs_part_of_the_value():
    real, fake = logits_of(6, 5), logits_of(6, 6)
    other = logits_of(6, 7)
    assert value(real, fake) - value(real, other) == pytest.approx(SATURATING(fake) - SATURATING(other), rel=1e-12)


def test_both_objectives_are_found_by_name():
    assert GENERATOR_LOSSES == {"non-saturating": NON_SATURATING, "saturating": SATURATING}
    zero = np.zeros((3, 1))
    assert GENERATOR_LOSSES["non-saturating"](zero) == pytest.approx(math.log(2), rel=1e-15)
    assert GENERATOR_LOSSES["saturating"](zero) == pytest.approx(-math.log(2), rel=1e-15)


def test_probability_is_the_sigmoid():
    logits = logits_of(9, 8)
    np.testing.assert_allclose(probability(logits)[:, 0], [sigmoid(logit) for logit in logits[:, 0]], rtol=1e-14)


def test_small_differences_from_certainty_are_not_lost():
    assert value(np.full((1, 1), 40.0), np.full((1, 1), -50.0)) == pytest.approx(
        -math.log1p(math.exp(-40)) - math.log1p(math.exp(-50)), rel=1e-12
    )
    assert softplus(-700.0) == pytest.approx(math.exp(-700), rel=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_losses_of_extreme_logits_are_finite_and_linear(dtype):
    low, high = np.full((3, 1), -1e4, dtype=dtype), np.full((3, 1), 1e4, dtype=dtype)
    with np.errstate(all="raise", under="ignore"):
        assert value(high, low) == 0
        assert value(low, high) == -2e4
        assert NON_SATURATING(low) == 1e4 and NON_SATURATING(high) == 0
        assert SATURATING(low) == 0 and SATURATING(high) == -1e4
        assert probability(low).tolist() == [[0.0]] * 3 and probability(high).tolist() == [[1.0]] * 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropy_derivative_is_scaled_sigmoid_minus_target(dtype):
    logits = logits_of(8, 9, dtype)
    targets = np.array([[1.0], [0.0]] * 4, dtype=dtype)
    got = derivative(logits, targets, -0.125)
    expected = [[-0.125 * (sigmoid(float(logit)) - float(t))] for logit, t in zip(logits[:, 0], targets[:, 0])]
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, rtol=1e-14 if dtype == np.float64 else 2e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropy_derivative_of_extreme_logits_is_exact(dtype):
    logits = np.array([[1e4], [1e4], [-1e4], [-1e4]], dtype=dtype)
    targets = np.array([[1.0], [0.0], [1.0], [0.0]], dtype=dtype)
    with np.errstate(all="raise", under="ignore"):
        got = derivative(logits, targets, 0.5)
    assert got.tolist() == [[0.0], [0.5], [-0.5], [0.0]]


@pytest.mark.parametrize("name", ["non-saturating", "saturating"])
def test_the_kernel_gives_the_slope_of_each_objective(name):
    loss, fake, m, h = GENERATOR_LOSSES[name], logits_of(5, 10), 5, 1e-5
    got = derivative(fake, np.full((m, 1), float(loss.target)), loss.sign / m)
    for i in range(m):
        e = np.zeros((m, 1))
        e[i] = h
        assert got[i, 0] == pytest.approx((loss(fake + e) - loss(fake - e)) / (2 * h), rel=1e-7, abs=1e-9)


def test_the_kernel_gives_the_slope_of_minus_the_value():
    m, h = 4, 1e-5
    logits = logits_of(2 * m, 11)  # (2 m, 1), real above fake
    got = derivative(logits, np.array([[1.0]] * m + [[0.0]] * m), 1 / m)
    for i in range(2 * m):
        e = np.zeros((2 * m, 1))
        e[i] = h
        above, below = (-value((logits + s * e)[:m], (logits + s * e)[m:]) for s in (1, -1))
        assert got[i, 0] == pytest.approx((above - below) / (2 * h), rel=1e-7, abs=1e-9)


def test_where_d_is_sure_the_saturating_slope_vanishes_and_the_other_does_not():
    sure = np.full((1, 1), -20.0)
    saturating = derivative(sure, np.zeros((1, 1)), -1.0)[0, 0]
    non_saturating = derivative(sure, np.ones((1, 1)), 1.0)[0, 0]
    assert saturating == pytest.approx(-math.exp(-20), rel=1e-8)
    assert non_saturating == pytest.approx(-1.0, rel=1e-8)
