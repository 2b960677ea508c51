"""Quadrature against closed forms, and the paper's propositions pointwise."""

from math import log

import numpy as np
import pytest

from minigan.data import Mixture
from minigan.experiments import theory
from minigan.experiments.theory import Grid
from minigan.game.losses import probability

LINE = Grid(-12, 12, 2000)
x = LINE.side
WIDE, NARROW = theory.gaussian(x, 0.5, 1.5), theory.gaussian(x, -1.0, 0.6)


def test_kullback_leibler_of_gaussians():
    """KL = log(s2 / s1) + (s1^2 + (m1 - m2)^2) / (2 s2^2) - 1/2"""
    expected = log(1.5 / 0.6) + (0.6**2 + 1.5**2) / (2 * 1.5**2) - 0.5
    assert theory.kullback_leibler(NARROW, WIDE, LINE.volume) == pytest.approx(expected, abs=1e-10)


def test_kullback_leibler_of_tables():
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5])
    assert theory.kullback_leibler(p, q) == pytest.approx(log(2))
    assert theory.kullback_leibler(q, p) == np.inf


def test_kullback_leibler_in_two_dimensions():
    """Of N(0, I) from N(c, I): |c|^2 / 2"""
    plane = Grid(-7, 7, 160, n=2)
    p = Mixture("p", np.zeros((1, 2)), 1.0).density(plane.points)
    q = Mixture("q", np.array([[1.0, -0.5]]), 1.0).density(plane.points)
    assert plane.volume * p.sum() == pytest.approx(1, abs=1e-9)
    assert theory.kullback_leibler(p, q, plane.volume) == pytest.approx(1.25 / 2, abs=1e-6)


def test_jensen_shannon_is_symmetric_and_bounded():
    for far in (0.0, 0.3, 1.0, 3.0, 8.0):
        p, q = theory.gaussian(x, -far, 0.5), theory.gaussian(x, far, 0.7)
        divergence = theory.jensen_shannon(p, q, LINE.volume)
        assert 0 < divergence < log(2) + 1e-12
        assert divergence == pytest.approx(theory.jensen_shannon(q, p, LINE.volume))


def test_jensen_shannon_of_disjoint_densities_is_log_2():
    assert theory.jensen_shannon(np.array([0.3, 0.7, 0, 0]), np.array([0, 0, 1.0, 0])) == pytest.approx(log(2))


@pytest.mark.parametrize("spoilt", [[np.nan] * 4, [0.25, np.nan, 0.25, 0.25]])
def test_what_is_not_finite_is_no_perfect_match(spoilt):
    p, spoilt = np.full(4, 0.25), np.array(spoilt)
    for one, other in ((p, spoilt), (spoilt, p), (spoilt, spoilt)):
        assert np.isnan(theory.jensen_shannon(one, other)) and np.isnan(theory.criterion(one, other))
        assert np.isnan(theory.kullback_leibler(one, other))


def test_the_criterion_is_the_value_at_the_optimal_discriminator():
    logits = theory.optimal_logits(WIDE, NARROW)
    expected = theory.criterion(WIDE, NARROW, LINE.volume)
    assert theory.value(logits, WIDE, NARROW, LINE.volume) == pytest.approx(expected, abs=1e-12)


def test_the_value_at_the_optimal_discriminator_where_supports_differ():
    """Infinite logits weigh nothing where the density beside them is 0."""
    p_data = theory.uniform(x, 2.4)  # whole cells
    expected = theory.criterion(p_data, NARROW, LINE.volume)
    value = theory.value(theory.optimal_logits(p_data, NARROW), p_data, NARROW, LINE.volume)
    assert value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("size", [1e-3, 0.1, 1.0, 10.0])
def test_no_other_discriminator_has_a_larger_value_at_any_point(size):
    """a log D + b log(1 - D) is largest at D = a / (a + b), for every (a, b)."""
    logits = theory.optimal_logits(WIDE, NARROW)
    others = logits + size * np.random.default_rng(0).standard_normal((20, len(x)))
    for i in range(0, len(x), 40):
        best = theory.value(logits[i], WIDE[i], NARROW[i])
        assert all(theory.value(other, WIDE[i], NARROW[i]) <= best + 1e-15 for other in others[:, i])


def test_the_criterion_is_minus_log_4_exactly_where_the_densities_agree():
    assert theory.criterion(WIDE, WIDE, LINE.volume) == pytest.approx(-log(4), abs=1e-14)
    assert (probability(theory.optimal_logits(WIDE, WIDE)) == 0.5).all()
    assert theory.criterion(WIDE, theory.gaussian(x, 0.5, 1.51), LINE.volume) > -log(4) + 1e-6


def test_the_gradient_of_the_criterion_against_finite_differences():
    rng = np.random.default_rng(1)
    p_data, p_g = rng.dirichlet(np.ones(100), 2)
    gradient = theory.criterion_gradient(p_data, p_g)
    h = 1e-7 * p_g
    for i in range(100):
        moved = h[i] * (np.arange(100) == i)
        # Off the simplex C(G) is still max_D V(D, G), the value at the optimal D.
        up, down = (theory.value(theory.optimal_logits(p_data, q), p_data, q) for q in (p_g + moved, p_g - moved))
        assert (up - down) / (2 * h[i]) == pytest.approx(gradient[i], abs=1e-5)


def test_implied_density_of_the_optimal_discriminator_is_p_g():
    logits = theory.optimal_logits(WIDE, NARROW)
    assert np.allclose(theory.implied_density(WIDE, logits), NARROW, rtol=1e-10, atol=0)


# ---- Densities that G makes -------------------------------------------------------------------------------------


def test_push_forward_of_a_normal_through_a_line_is_the_gaussian():
    z, mass = theory.latent_cells("normal", 4000)
    density = theory.pushed_forward(0.7 * z - 1, mass, LINE.edges)
    assert LINE.volume * density.sum() == pytest.approx(1, abs=1e-12)
    assert np.abs(density - theory.gaussian(x, -1, 0.7)).max() < 1e-4


def test_push_forward_of_a_uniform_through_sinh():
    """p_g(x) = p_z(asinh x) / cosh(asinh x) = 1 / (2 sqrt 3 sqrt(1 + x^2))"""
    z, mass = theory.latent_cells("uniform", 4000)
    density = theory.pushed_forward(np.sinh(z), mass, LINE.edges)
    inside = np.abs(x) < np.sinh(np.sqrt(3)) - 0.02
    assert LINE.volume * density.sum() == pytest.approx(1, abs=1e-12)
    assert np.abs(density - 1 / (2 * np.sqrt(3) * np.sqrt(1 + x**2)))[inside].max() < 1e-4


def test_push_forward_through_a_decreasing_map_is_the_same_as_of_its_mirror_image():
    z, mass = theory.latent_cells("uniform", 500)
    assert np.allclose(theory.pushed_forward(-np.sinh(z), mass, LINE.edges),
                       theory.pushed_forward(np.sinh(z), mass, LINE.edges)[::-1])  # fmt: skip


def test_push_forward_through_a_map_that_turns_back_matches_its_samples():
    z, mass = theory.latent_cells("normal", 4000)
    coarse = Grid(-6, 6, 60)
    density = theory.pushed_forward(np.sin(2 * z) + 0.5 * z, mass, coarse.edges)
    samples = np.random.default_rng(2).standard_normal(400_000)
    histogram, _ = np.histogram(np.sin(2 * samples) + 0.5 * samples, coarse.edges, density=True)
    assert coarse.volume * density.sum() == pytest.approx(1, abs=1e-9)
    assert np.abs(density - histogram).max() < 0.01


def test_push_forward_of_a_constant_keeps_its_mass_in_one_cell():
    density = theory.pushed_forward(np.full(11, 0.25), np.full(10, 0.1), Grid(0, 1, 10).edges)
    assert density.tolist() == pytest.approx([0, 0, 10, 0, 0, 0, 0, 0, 0, 0])
