"""Every loss against its formula written out and against PyTorch; and V, which the cross-entropies have."""

import math
from typing import get_args

import numpy as np
import pytest
from loss_oracles import ORACLES, sigmoid

from minigan.backends import get
from minigan.game.losses import LOSSES, NON_SATURATING, SATURATING, belief, named, probability, softplus, value
from minigan.options.recipe import Loss, LossName

DTYPES = [np.float32, np.float64]
H = 1e-6


def logits_of(n, seed=0, dtype=np.float64):
    return (3 * np.random.default_rng(seed).standard_normal((n, 1))).astype(dtype)  # (n, 1)


def d_slopes(loss, logits, weight=1.0):
    out = np.full_like(logits, np.nan)
    assert loss.d_backward(get("numpy"), logits, weight, out) is out
    return out


def g_slopes(loss, logits):
    out = np.full_like(logits, np.nan)
    assert loss.g_backward(get("numpy"), logits, out) is out
    return out


def derivative(f, logits):
    """f'(l) entry by entry, by central differences."""
    return np.array([[(f(float(l) + H) - f(float(l) - H)) / (2 * H)] for l in logits[:, 0]])


# ---- Every loss ------------------------------------------------------------------------------------------------------


def test_a_recipe_names_every_loss_and_each_has_an_oracle():
    assert list(get_args(LossName)) == list(LOSSES) == list(ORACLES)
    assert all(isinstance(loss, Loss) and named(name) is loss is named(loss) for name, loss in LOSSES.items())
    with pytest.raises(ValueError, match="loss 'hinge': expected one of non-saturating, saturating"):
        named("hinge")


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_the_mean_of_its_formula_over_rows(name):
    loss, oracle, real, fake = LOSSES[name], ORACLES[name], logits_of(7, 1), logits_of(5, 2)
    d = sum(map(oracle.real, real[:, 0])) / 7 + sum(map(oracle.fake, fake[:, 0])) / 5
    assert loss.d_loss(real, fake) == pytest.approx(d, rel=1e-12)
    assert loss.g_loss(fake) == pytest.approx(sum(map(oracle.g, fake[:, 0])) / 5, rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_the_kernels_give_the_slopes_of_the_formula(name, dtype, weight):
    loss, oracle, m, logits = LOSSES[name], ORACLES[name], 4, logits_of(8, 3, dtype)
    d = np.concatenate([derivative(oracle.real, logits[:m]), derivative(oracle.fake, logits[m:])]) * weight / m
    slack = {"rtol": 1e-7, "atol": 1e-9} if dtype == np.float64 else {"rtol": 2e-5, "atol": 1e-7}
    got = d_slopes(loss, logits, weight), g_slopes(loss, logits)
    assert got[0].dtype == got[1].dtype == dtype
    np.testing.assert_allclose(got[0], d, **slack)
    np.testing.assert_allclose(got[1], derivative(oracle.g, logits) / (2 * m), **slack)


@pytest.mark.parametrize("name", LOSSES)
def test_pytorch_has_the_same_losses_and_the_same_slopes(name):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    loss, oracle, F, m = LOSSES[name], ORACLES[name], torch.nn.functional, 6
    logits = torch.tensor(logits_of(2 * m, 4), requires_grad=True)
    d, g, l = oracle.torch_d(F, logits[:m], logits[m:]), oracle.torch_g(F, logits), logits.detach().numpy()
    assert loss.d_loss(l[:m], l[m:]) == pytest.approx(d.item(), rel=1e-13)
    assert loss.g_loss(l) == pytest.approx(g.item(), rel=1e-13)
    for theirs, ours in ((d, d_slopes(loss, l)), (g, g_slopes(loss, l))):
        (slopes,) = torch.autograd.grad(theirs, logits)
        np.testing.assert_allclose(ours, slopes.numpy(), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_where_d_loses_least_its_belief_is_the_share_of_data(name, p):
    """Proposition 1, D*(x) = p_data / (p_data + p_g): a point whose share p of the rows is of data."""
    loss, at = LOSSES[name], ORACLES[name].optimum(p)

    def lost(l):
        rows = np.full((1, 1), l)
        zero = loss.d_loss(rows * 0, rows * 0)
        return p * (loss.d_loss(rows, rows * 0) - zero) + (1 - p) * (loss.d_loss(rows * 0, rows) - zero)

    assert belief(loss, np.array([[at]])) == pytest.approx(p, rel=1e-12)
    assert lost(at) < min(lost(at - 0.01), lost(at + 0.01))


# ---- V and D(x) of the cross-entropies -------------------------------------------------------------------------------


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


@pytest.mark.parametrize("loss", [NON_SATURATING, SATURATING])
def test_what_d_minimises_is_minus_the_value(loss):
    real, fake = logits_of(6, 5), logits_of(6, 6)
    assert loss.logit and loss.d_loss(real, fake) == -value(real, fake)


def test_the_saturating_loss_is_gs_part_of_the_value():
    real, fake = logits_of(6, 5), logits_of(6, 6)
    other = logits_of(6, 7)
    difference = SATURATING.g_loss(fake) - SATURATING.g_loss(other)
    assert value(real, fake) - value(real, other) == pytest.approx(difference, rel=1e-12)


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
        assert NON_SATURATING.g_loss(low) == 1e4 and NON_SATURATING.g_loss(high) == 0
        assert SATURATING.g_loss(low) == 0 and SATURATING.g_loss(high) == -1e4
        assert probability(low).tolist() == [[0.0]] * 3 and probability(high).tolist() == [[1.0]] * 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_slopes_at_extreme_logits_are_exact(dtype):
    logits = np.array([[1e4], [-1e4], [1e4], [-1e4]], dtype=dtype)
    with np.errstate(all="raise", under="ignore"):
        assert d_slopes(NON_SATURATING, logits).tolist() == [[0.0], [-0.5], [0.5], [0.0]]


def test_where_d_is_sure_the_saturating_slope_vanishes_and_the_other_does_not():
    sure = np.full((1, 1), -20.0)
    assert g_slopes(SATURATING, sure)[0, 0] == pytest.approx(-math.exp(-20), rel=1e-8)
    assert g_slopes(NON_SATURATING, sure)[0, 0] == pytest.approx(-1.0, rel=1e-8)
