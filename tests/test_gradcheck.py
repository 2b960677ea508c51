"""The gradient check: everything passes it, and a planted bug does not."""

import numpy as np
import pytest

from minigan import finite_differences, gradcheck
from minigan.backends import get
from minigan.backends.numpy_ops import NumpyOps
from minigan.finite_differences import KinkError, Result, bounded, compare, difference
from minigan.gradcheck import check_all, layer_networks
from minigan.params import Params

OPS = get("numpy")


def test_every_gradient_passes():
    results = list(check_all(OPS))
    assert [r.name for r in results if not r.passed] == []
    names = " | ".join(r.name for r in results)
    for part in (*layer_networks(), "D loss", "G loss, saturating", "alternating, saturating: G", "simultaneous"):
        assert part in names
    assert len({r.name for r in results}) == len(results) > 50


# ---- Planted bugs --------------------------------------------------------------------------------------------------


class ReluSign(NumpyOps):
    """The gradient passes where the unit is off."""

    def relu_backward(self, dy, y, out):
        return np.multiply(dy, y <= 0, out=out)


class ReluNegated(NumpyOps):
    def relu_backward(self, dy, y, out):
        return np.multiply(-dy, y > 0, out=out)


class SigmoidHalf(NumpyOps):
    """dz = dy y, without (1 - y)."""

    def sigmoid_backward(self, dy, y, out):
        return np.multiply(dy, y, out=out)


class MaxoutToAll(NumpyOps):
    """Every piece receives the gradient, not the winner alone."""

    def maxout_backward(self, dy, winner, scale, out):
        out.reshape(len(dy), -1, dy.shape[1])[...] = scale * dy[:, None]
        return out


class MaxoutWithoutScale(NumpyOps):
    """1 / keep is lost on the way back."""

    def maxout_backward(self, dy, winner, scale, out):
        return super().maxout_backward(dy, winner, 1.0, out)


class SumForMean(NumpyOps):
    """1 / m is lost."""

    def cross_entropy_backward(self, logits, targets, scale, out):
        return super().cross_entropy_backward(logits, targets, float(np.sign(scale)), out)


class TargetsSwapped(NumpyOps):
    def cross_entropy_backward(self, logits, targets, scale, out):
        return super().cross_entropy_backward(logits, 1 - targets, scale, out)


class DropoutToAll(NumpyOps):
    """dx = dy / keep, without the mask."""

    def dropout_backward(self, dy, kept, keep, out):
        return np.multiply(dy, 1 / keep, out=out)


class DropoutWithoutScale(NumpyOps):
    def dropout_backward(self, dy, kept, keep, out):
        return np.multiply(dy, kept, out=out)


class DropoutOtherMask(NumpyOps):
    """The mask of the row before."""

    def dropout_backward(self, dy, kept, keep, out):
        return super().dropout_backward(dy, np.roll(kept, 1, axis=0), keep, out)


class ReshapedWeights(NumpyOps):
    """W's numbers in the shape of its transpose: dx = dy W^T is wrong, and no shape says so."""

    def gemm(self, a, b, out, trans_a=False, trans_b=False, alpha=1.0, beta=0.0):
        return super().gemm(a, b.reshape(b.shape[::-1]) if trans_b else b, out, trans_a, False, alpha, beta)


class ReshapedInput(NumpyOps):
    """The same with x in dW = x^T dy."""

    def gemm(self, a, b, out, trans_a=False, trans_b=False, alpha=1.0, beta=0.0):
        return super().gemm(a.reshape(a.shape[::-1]) if trans_a else a, b, out, False, trans_b, alpha, beta)


class MeanForSum(NumpyOps):
    """The bias receives the mean over the batch."""

    def colsum(self, a, out, alpha=1.0, beta=0.0):
        return super().colsum(a, out, alpha / len(a), beta)


def failures(ops):
    """The rows of the table that fail, without the slowest network: D stands in Algorithm 1 as well."""
    results = gradcheck.check_losses(ops) + gradcheck.check_algorithm1(ops, "alternating", "saturating")
    for name, network in layer_networks().items():
        if name != "a small D":
            results += gradcheck.check_network(ops, name, network)
    return {result.name for result in results if not result.passed}


GAME = "Algorithm 1, alternating, saturating:"


@pytest.mark.parametrize(
    "bug, rows",
    [
        (ReluSign, ["ReLU: d0.W", "Linear+ReLU: dx", "a small G: d2.b", f"{GAME} G"]),
        (ReluNegated, ["ReLU: d0.W", "Linear+ReLU: dx", "a small G: d2.b", f"{GAME} G"]),
        (SigmoidHalf, ["Sigmoid: d0.W", "Linear+Sigmoid: dx", "a small G: d4.W", f"{GAME} G"]),
        (MaxoutToAll, ["Maxout: d0.W", "Maxout: dx", "Maxout+Dropout: d0.b", f"{GAME} D", f"{GAME} G"]),
        (MaxoutWithoutScale, ["Maxout+Dropout: d0.W", "Maxout+Dropout: dx", f"{GAME} D", f"{GAME} G"]),
        (SumForMean, ["D loss -V: dlogits", "G loss, saturating: dlogits", f"{GAME} D", f"{GAME} G"]),
        (TargetsSwapped, ["D loss -V: dlogits", "G loss, non-saturating: dlogits", f"{GAME} D", f"{GAME} G"]),
        (DropoutToAll, ["Dropout: dx", "Dropout: d1.W", "Dropout: d1.b", f"{GAME} G"]),
        (DropoutWithoutScale, ["Dropout: dx", "Dropout: d1.W", "Dropout: d1.b", f"{GAME} G"]),
        (DropoutOtherMask, ["Dropout: dx", "Dropout: d1.W", "Dropout: d1.b", f"{GAME} G"]),
        (ReshapedWeights, ["Linear: dx", "Maxout: dx", "a small G: dx", f"{GAME} D", f"{GAME} G"]),
        (ReshapedInput, ["Linear: d0.W", "Maxout: d0.W", "a small G: d4.W", f"{GAME} D", f"{GAME} G"]),
        (MeanForSum, ["Linear: d0.b", "Maxout: d0.b", "a small G: d4.b", f"{GAME} D", f"{GAME} G"]),
    ],
)
def test_a_planted_bug_is_caught_where_it_was_planted(bug, rows):
    failed = failures(bug())
    assert set(rows) <= failed
    assert failed & {"Linear: d0.W", "Linear: dx", "Linear: d0.b"} <= set(rows)  # and only there


def test_without_a_planted_bug_nothing_fails():
    assert failures(OPS) == set()


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
