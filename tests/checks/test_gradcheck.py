"""The gradient check: everything passes it.  What does not pass is in test_planted_bugs.py."""

import numpy as np
import pytest

from minigan.backends import get
from minigan.checks import finite_differences
from minigan.checks.finite_differences import AGREEMENT, KinkError, Result, agree, bounded, compare, difference
from minigan.checks.gradients import check_gradients, layer_networks
from minigan.checks.table import all_checks, check_all
from minigan.game.losses import LOSSES
from minigan.layers.params import Params

pytestmark = pytest.mark.rounding

OPS = get("numpy")


def test_every_row_passes():
    results = list(check_all(OPS))
    assert [r.name for r in results if not r.passed] == []
    names = " | ".join(r.name for r in results)
    losses = (f"Loss, {loss}: dlogits of D" for loss in LOSSES)
    for part in (*layer_networks(), *losses, "alternating, saturating: G", "simultaneous"):
        assert part in names
    assert len({r.name for r in results}) == len(results) > 80
    assert {r.name.split(":")[0] for r in results} == set(all_checks())


def test_gradients_are_the_rows_that_differences_check():
    results = list(check_gradients(OPS))
    assert {r.method for r in results} == {"coordinates", "directions"} and len(results) > 50


# ---- The check's own rules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "largest, worst, passed",
    [
        (1.0, 1e-6, True),
        (1e-3, 0.0, True),
        (1.0, 1.01e-6, False),
        (9e-4, 0.0, False),  # a gradient of nothing proves nothing
        (0.0, 0.0, False),
        (1.0, float("nan"), False),
        (float("nan"), 0.0, False),
        (1.0, float("inf"), False),
    ],
)
def test_a_row_passes_by_its_error_and_by_the_size_of_its_gradient(largest, worst, passed):
    assert Result("a row", "coordinates", 3, largest, worst).passed is passed


def row(f, gradient, theta):
    return compare(OPS, "a row", "coordinates", gradient, theta, finite_differences.coordinates(theta.shape), f, list)


def test_compare_knows_a_right_gradient_from_a_wrong_one():
    theta = np.random.default_rng(0).standard_normal((3, 2))
    start = theta.copy()
    assert row(lambda: np.sum(theta**2), 2 * theta, theta).passed
    assert not row(lambda: np.sum(theta**2), 2.00001 * theta, theta).passed
    assert not row(lambda: np.sum(theta**2), np.zeros((3, 2)), theta).passed
    assert (theta == start).all()


def test_compare_fails_where_a_number_is_not_finite():
    theta = np.ones((2, 2))
    assert not row(lambda: float("nan"), theta, theta).passed
    assert not row(lambda: np.sum(theta**2), np.array([[2.0, np.nan], [2.0, 2.0]]), theta).passed


def test_known_numbers_agree_to_rounding():
    expected = np.array([1.0, -4.0])
    assert agree("a row", "known answer", expected * (1 + 1e-12), expected).passed
    assert not agree("a row", "known answer", expected + [0, 10 * AGREEMENT], expected).passed
    assert not agree("a row", "known answer", np.array([1.0, np.nan]), expected).passed
    assert not agree("a row", "known answer", np.zeros(2), np.zeros(2)).passed  # zeros prove nothing


def test_difference_is_the_slope_along_a_direction():
    theta = np.array([1.0, 2.0])
    slope = difference(OPS, lambda: theta[0] ** 2 * theta[1], list, theta, np.array([3.0, -1.0]))
    assert slope == pytest.approx(4.0 * 3 - 1.0, rel=1e-8)


def test_a_step_across_a_kink_is_refused_and_leaves_theta_as_it_was():
    theta = np.array([1e-9, 1.0])
    with pytest.raises(KinkError):
        difference(OPS, lambda: np.maximum(theta, 0).sum(), lambda: [theta > 0], theta, np.array([1.0, 0.0]))
    assert theta.tolist() == [1e-9, 1.0]


def test_kinks_are_seen_in_every_layer_that_has_them():
    for name, expected in (("ReLU", 1), ("Linear+ReLU", 1), ("Maxout", 1), ("Dropout", 2), ("a small D", 3)):
        network = layer_networks()[name]
        tape = network.tape(OPS, 4, np.float64)
        network.forward(OPS, Params(OPS, network.shapes(), np.float64), np.zeros((4, network.n_in)), tape)
        assert len(finite_differences.kinks(OPS, network, tape)) == expected


def test_a_check_that_meets_kinks_draws_again_but_not_for_ever():
    met = []

    def unlucky(attempt):
        met.append(attempt)
        if attempt < 3:
            raise KinkError
        return ["done"]

    def hopeless(attempt):
        met.append(attempt)
        raise KinkError

    assert bounded(unlucky) == ["done"] and met == [0, 1, 2, 3]
    met.clear()
    with pytest.raises(RuntimeError, match="kink"):
        bounded(hopeless)
    assert met == list(range(finite_differences.ATTEMPTS))
