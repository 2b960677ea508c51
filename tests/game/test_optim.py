"""SGD, momentum and Adam against their formulas and PyTorch; the schedules; the mean of the weights; the limit on norms
of columns."""

from math import gamma, sqrt

import numpy as np
import pytest

from minigan import GAN, Recipe
from minigan.backends import get
from minigan.backends.clock import Count
from minigan.game.optim import SGD, Adam, Momentum
from minigan.game.player import Player
from minigan.game.schedules import ExponentialDecay, LinearRamp
from minigan.generator.sampler import Sampler
from minigan.layers import Linear, ReLU, Sequential, Sigmoid
from minigan.layers.params import Params

OPS = get("numpy")
RATE = ExponentialDecay(0.3, factor=1.2, floor=0.08)  # reaches its floor within the steps below
RAMP = LinearRamp(0.5, 0.9, epochs=4, iterations_per_epoch=2)
STEPS = 10


def rate(t):
    """lr(t) with 1.2 divided out t times."""
    lr = 0.3
    for _ in range(t):
        lr /= 1.2
    return max(lr, 0.08)


def ramp(t):
    """mu(t): .5 in epoch 1, a third of .4 more in each of the next three, iterations in pairs."""
    return 0.5 + 0.4 * min(t // 2, 3) / 3


class Learner:
    """A Linear (3, 4) that learns from random x (5, 3) and dy (5, 4), so dW = x^T dy and db = sum_B dy are known."""

    def __init__(self, make, dtype=np.float64):
        self.network, self.random = Sequential(Linear(3, 4)), np.random.default_rng(0)
        self.clock = OPS.clock(RATE, RAMP)
        self.params = Params(OPS, self.network.shapes(), dtype)
        self.params["0.W"][...] = self.random.standard_normal((3, 4))
        self.params["0.b"][...] = self.random.standard_normal(4)
        self.optimiser = make(self.params, self.clock)
        self.tape = self.network.tape(OPS, 5, dtype)

    def theta(self):
        """W above b: (4, 4)"""
        return np.vstack([self.params["0.W"], self.params["0.b"]])

    def step(self, count=None):
        """Move the parameters once; returns the gradient that they moved by, (4, 4)."""
        dtype = self.params.dtype
        x, dy = self.random.standard_normal((5, 3)).astype(dtype), self.random.standard_normal((5, 4)).astype(dtype)
        self.network.forward(OPS, self.params, x, self.tape)
        self.network.backward(OPS, self.params, dy, self.tape, self.optimiser.grads, need_dx=False)
        self.optimiser.update(count or Count(self.clock))
        return np.array([[sum(x[:, i] * dy[:, o]) for o in range(4)] for i in range(3)] + [dy.sum(0).tolist()])


def test_sgd_is_theta_minus_lr_g():
    learner = Learner(SGD)
    theta = learner.theta()
    for t in range(STEPS):
        theta = theta - rate(t) * learner.step()
        OPS.tick(learner.clock)
        np.testing.assert_allclose(learner.theta(), theta, rtol=1e-12, atol=1e-13)


def test_momentum_multiplies_g_by_lr_before_it_enters_v():
    learner = Learner(Momentum)
    theta, v, folded_later = learner.theta(), np.zeros((4, 4)), np.zeros((4, 4))
    for t in range(STEPS):
        g = learner.step()
        v = ramp(t) * v - rate(t) * g
        folded_later = ramp(t) * folded_later + g
        theta = theta + v
        OPS.tick(learner.clock)
        velocity = learner.optimiser.state["velocity"]
        np.testing.assert_allclose(np.vstack([velocity["0.W"], velocity["0.b"]]), v, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(learner.theta(), theta, rtol=1e-11, atol=1e-13)
    assert np.abs(v + rate(STEPS - 1) * folded_later).max() > 0.01 * np.abs(v).max()  # the other form is another one


@pytest.mark.parametrize("beta1, beta2", [(0.8, 0.95), (0.3, 0.4)])  # 1 - beta^t far below 1, and soon near it
def test_adam_is_algorithm_1_of_kingma_and_ba(beta1, beta2):
    learner = Learner(lambda params, clock: Adam(params, clock, beta1, beta2, epsilon=1e-3))
    theta, first, second = learner.theta(), np.zeros((4, 4)), np.zeros((4, 4))
    for t in range(STEPS):
        g = learner.step()
        OPS.tick(learner.clock)
        for i, o in np.ndindex(4, 4):
            first[i, o] = beta1 * first[i, o] + (1 - beta1) * g[i, o]
            second[i, o] = beta2 * second[i, o] + (1 - beta2) * g[i, o] ** 2
            unbiased = first[i, o] / (1 - beta1 ** (t + 1)), second[i, o] / (1 - beta2 ** (t + 1))
            theta[i, o] -= rate(t) * unbiased[0] / (sqrt(unbiased[1]) + 1e-3)
        np.testing.assert_allclose(learner.theta(), theta, rtol=1e-11, atol=1e-13)
    state = learner.optimiser.state
    np.testing.assert_allclose(state["first_moment"]["0.W"], first[:3], rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(state["second_moment"]["0.b"], second[3], rtol=1e-11, atol=1e-14)


def test_adam_counts_the_d_steps_of_an_iteration():
    learner = Learner(Adam)
    alone = Learner(Adam)
    alone.clock = alone.optimiser.clock = OPS.clock(lambda t: rate(t // 2), RAMP)
    for t in range(6):
        learner.step(Count(learner.clock, 2, t % 2))  # k = 2: updates 2 t and 2 t + 1
        alone.step()
        OPS.tick(alone.clock)
        if t % 2:
            OPS.tick(learner.clock)
    np.testing.assert_allclose(learner.theta(), alone.theta(), rtol=1e-12)


def test_adam_walks_with_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    learner = Learner(Adam)
    theta = torch.tensor(learner.theta(), requires_grad=True)
    oracle = torch.optim.Adam([theta], lr=1.0)
    for t in range(STEPS):
        theta.grad = torch.tensor(learner.step())
        OPS.tick(learner.clock)
        oracle.param_groups[0]["lr"] = rate(t)
        oracle.step()
        np.testing.assert_allclose(learner.theta(), theta.detach().numpy(), rtol=1e-11, atol=1e-13)


def test_momentum_with_a_constant_rate_walks_with_pytorchs_sgd():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    learner = Learner(Momentum)
    learner.clock = OPS.clock(ExponentialDecay(0.1), ExponentialDecay(0.6))
    learner.optimiser = Momentum(learner.params, learner.clock)
    theta = torch.tensor(learner.theta(), requires_grad=True)
    oracle = torch.optim.SGD([theta], lr=0.1, momentum=0.6)
    for _ in range(STEPS):
        theta.grad = torch.tensor(learner.step())
        oracle.step()
        np.testing.assert_allclose(learner.theta(), theta.detach().numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("make", [SGD, Momentum, Adam])
def test_float32_stays_float32_and_the_padding_stays_zero(make):
    learner = Learner(make, np.float32)
    before = learner.theta()
    for _ in range(3):
        learner.step()
        OPS.tick(learner.clock)
    assert learner.params.flat.dtype == np.float32 and (learner.theta() != before).all()
    assert np.isfinite(learner.params.flat).all()
    assert not learner.params.flat[12:64].any() and not learner.params.flat[68:].any()
    assert all(moment.flat.dtype == np.float32 for moment in learner.optimiser.state.values())


# ---- Schedules -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "t, expected", [(0, 0.1), (1, 0.1 / 1.000004), (3, 0.1 / 1.000004**3), (10**6, 0.1 * 0.018315785), (10**7, 1e-6)]
)
def test_exponential_decay_is_the_recipes(t, expected):
    """After 10^6 minibatches e^-4 (1 + 8e-6) is left; the floor is reached near 2.9 million."""
    assert ExponentialDecay(0.1, 1.000004, 1e-6)(t) == pytest.approx(expected, rel=1e-6 if t == 10**6 else 1e-12)


def test_exponential_decay_stands_on_its_floor_from_where_it_meets_it():
    schedule = ExponentialDecay(1.0, 2.0, 0.2)
    assert [schedule(t) for t in range(5)] == [1.0, 0.5, 0.25, 0.2, 0.2]


def test_a_decay_of_factor_1_is_constant():
    assert {ExponentialDecay(0.05)(t) for t in (0, 1, 10**9)} == {0.05}


@pytest.mark.parametrize(
    "epoch, expected",
    [(1, 0.5), (2, 0.5 + 0.2 / 249), (126, 0.5 + 0.2 * 125 / 249), (250, 0.7), (251, 0.7), (999, 0.7)],
)
def test_linear_ramp_is_the_recipes_in_every_iteration_of_the_epoch(epoch, expected):
    schedule = LinearRamp(0.5, 0.7, epochs=250, iterations_per_epoch=500)
    for iteration in (500 * (epoch - 1), 500 * epoch - 1):  # the epoch's first and last
        assert schedule(iteration) == pytest.approx(expected, rel=1e-14)


def test_the_ends_of_a_linear_ramp_are_exact():
    schedule = LinearRamp(0.5, 0.7, epochs=250, iterations_per_epoch=500)
    assert schedule(0) == 0.5 and schedule(499) == 0.5 and schedule(249 * 500) == 0.7 and schedule(10**9) == 0.7


@pytest.mark.parametrize("epochs", [0, 1])
def test_a_ramp_of_one_epoch_is_over(epochs):
    assert LinearRamp(0.5, 0.7, epochs, 500)(0) == 0.7


def test_the_clock_tells_what_the_schedules_say():
    clock = OPS.clock(RATE, RAMP)
    for t in range(STEPS):
        assert int(clock.iteration) == t
        assert float(clock.lr) == -float(clock.minus_lr) == pytest.approx(rate(t), rel=1e-14)
        assert float(clock.momentum) == pytest.approx(ramp(t), rel=1e-14)
        OPS.tick(clock)
    OPS.set_clock(clock, 3)
    assert float(clock.lr) == pytest.approx(rate(3), rel=1e-14)


# ---- The mean of the weights ---------------------------------------------------------------------------------------


WEIGHTS = {
    0: lambda t: np.ones(len(t)),
    1: lambda t: t,
    2: lambda t: t * (t + 1),
    0.5: lambda t: np.array([gamma(n + 0.5) / gamma(n) for n in t]),
}
"""{eta: of the t-th theta, t = 1, 2, ...: (t + eta - 1)! / (t - 1)!, about t^eta"""


@pytest.mark.parametrize("eta", WEIGHTS, ids=str)
def test_the_mean_weighs_each_by_its_number_and_then_forgets_over_the_horizon(eta):
    clock, thetas = OPS.clock(RATE, RAMP), np.random.default_rng(3).standard_normal((30, 5))
    mean, expected, horizon = np.zeros(5), None, 5
    for t, theta in enumerate(thetas, 1):
        if (1 + eta) / (t + eta) >= 1 / horizon:
            weights = WEIGHTS[eta](np.arange(1, t + 1))
            expected = weights @ thetas[:t] / weights.sum()
        else:
            expected = 0.8 * expected + 0.2 * theta
        OPS.average(mean, theta, Count(clock), horizon, eta)
        OPS.tick(clock)
        np.testing.assert_allclose(mean, expected, rtol=1e-12)


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_gan_that_averages_learns_the_same_and_samples_from_the_mean(backend, eta, tmp_path):
    X = np.random.default_rng(0).integers(0, 256, (60, 6)).astype(np.uint8)
    networks = [Sequential(Linear(4, 6), Sigmoid()), Sequential(Linear(6, 1))]
    plain, averaged = (
        GAN(*networks, Recipe(latent=4, batch_size=10, average=horizon, average_eta=eta), backend).fit(X, iterations=30)
        for horizon in (None, 8)
    )
    assert (plain.game.generator.params.flat == averaged.game.generator.params.flat).all()
    assert (plain.sample(3) != averaged.sample(3)).all()
    assert (averaged.sampler().params.flat == averaged.game.generator.mean.flat).all()
    averaged.save(tmp_path / "averaged.safetensors")
    again = GAN.load(tmp_path / "averaged.safetensors")
    assert again.recipe == averaged.recipe
    for sampler in (again, Sampler.load(tmp_path / "averaged.safetensors")):
        np.testing.assert_allclose(sampler.sample(3), averaged.sample(3), rtol=1e-6)


# ---- Column norms --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_longer_than_the_limit_are_cut_to_it_and_others_stay(dtype):
    W = np.array([[3.0, 0.3, 0.0, -6.0], [4.0, -0.4, 0.0, 8.0]], dtype)  # (I, O): lengths 5, .5, 0, 10
    before = W.copy()
    OPS.limit_column_norms(W, 2.0)
    assert W.dtype == dtype
    np.testing.assert_allclose(W[:, 0], [1.2, 1.6], rtol=1e-6)
    np.testing.assert_allclose(W[:, 3], [-1.2, 1.6], rtol=1e-6)
    assert (W[:, 1:3] == before[:, 1:3]).all()


def test_a_player_limits_every_w_and_no_b_after_its_update():
    player = Player(
        OPS,
        Sequential(Linear(3, 4), ReLU(), Linear(4, 2)),
        np.float64,
        lambda params: SGD(params, OPS.clock(RATE, RAMP)),
        max_column_norm=1.5,
    )
    for name in player.params.shapes:
        player.params[name][...] = 0
        player.params[name][0] = 9  # the first weight of each unit, the first bias
    player.params["2.W"][0, 1] = 1.0
    player.optimiser.grads.target["0.W"][0, 0] = 1.0  # a step along the column, then the cut
    player.optimiser.grads.target["0.b"][1] = 0.25
    player.update(Count(OPS.clock(RATE, RAMP)))
    np.testing.assert_allclose(player.params["0.W"][0], [1.5] * 4, rtol=1e-14)
    np.testing.assert_allclose(player.params["2.W"][0], [1.5, 1.0], rtol=1e-14)
    assert player.params["0.b"].tolist() == [9, 0.25, 0, 0] and player.params["2.b"].tolist() == [9, 0]


@pytest.mark.parametrize("make", [SGD, Momentum, Adam])
def test_the_gradient_norm_is_that_of_the_gradient_that_moved_the_parameters(make):
    learner = Learner(make)
    for _ in range(STEPS):
        learner.optimiser.watch()
        gradient = learner.step()
        OPS.tick(learner.clock)
        assert learner.optimiser.gradient_norm() == pytest.approx(np.linalg.norm(gradient), rel=1e-9)
