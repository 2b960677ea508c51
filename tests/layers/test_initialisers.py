"""Initial parameters: the authors' recipe in numbers, and whose random numbers they are."""

import math

import numpy as np
import pytest

from minigan import rng
from minigan.backends import get
from minigan.errors import ConfigError
from minigan.game.player import DISCRIMINATOR, GENERATOR, Player
from minigan.layers import Linear, Maxout, ReLU, Sequential
from minigan.layers.initialisers import Constant, Marginals, Normal, Sparse, Uniform
from minigan.rng import Draw, Stream

DRAW = Draw(seed=7, iteration=0, substep=GENERATOR, stream=Stream.INITIAL_WEIGHTS, rows=None)
SHAPE = (120, 211)  # an odd width


def assert_moments(sample, mean, variance, fourth):
    """Mean and variance within 4.5 standard errors; `fourth` is the fourth central moment."""
    n = sample.size
    assert abs(np.mean(sample) - mean) < 4.5 * math.sqrt(variance / n)
    assert abs(np.var(sample) - variance) < 4.5 * math.sqrt((fourth - variance**2) / n)


def player(network, seed, number, dtype=np.float64):
    new = Player(get("numpy"), network, dtype, lambda params: None)
    new.initialise(seed, number)
    return new.params


def test_constant_is_constant():
    b = Constant(-2)((5,), DRAW)
    assert b.dtype == np.float64 and b.tolist() == [-2.0] * 5


@pytest.mark.parametrize("limit", [0.05, 0.005, 3.0])
def test_uniform_fills_its_limits_and_has_their_moments(limit):
    W = Uniform(limit)(SHAPE, DRAW)  # (I, O)
    assert W.shape == SHAPE and W.dtype == np.float64
    assert W.min() >= -limit and W.max() < limit
    assert W.min() < -0.999 * limit and W.max() > 0.999 * limit
    assert_moments(W, 0, limit**2 / 3, limit**4 / 5)


def test_uniform_draws_a_row_an_input():
    W = Uniform(0.5)((4, 6), DRAW)
    word = rng.words(Draw(7, 0, GENERATOR, Stream.INITIAL_WEIGHTS, np.arange(4, dtype=np.uint32)), 6)  # (4, 6)
    expected = [[0.5 * (2 * (int(w) // 256) / 2**24 - 1) for w in row] for row in word]
    np.testing.assert_allclose(W, expected, rtol=1e-15)


@pytest.mark.parametrize("shape", [SHAPE, (211, 120)])
def test_normal_has_the_moments_of_its_deviation(shape):
    W = Normal(0.1)(shape, DRAW)
    assert W.shape == shape and W.dtype == np.float64
    assert_moments(W, 0, 0.01, 3e-4)
    assert abs(np.mean(np.abs(W) < 0.1) - 0.6827) < 4.5 * math.sqrt(0.6827 * 0.3173 / W.size)


@pytest.mark.parametrize("incoming", [1, 10, 15])
def test_sparse_gives_every_unit_just_its_incoming_weights(incoming):
    W = Sparse(incoming)((37, 400), DRAW)  # (I, O)
    assert W.shape == (37, 400) and W.dtype == np.float64
    assert ((W != 0).sum(axis=0) == incoming).all()


def test_sparse_weights_are_standard_normal():
    W = Sparse(15)((40, 1500), DRAW)
    assert_moments(W[W != 0], 0, 1, 3)
    assert abs(np.mean(np.abs(W[W != 0]) < 1) - 0.6827) < 4.5 * math.sqrt(0.6827 * 0.3173 / (15 * 1500))


def test_sparse_chooses_every_input_equally_often_and_units_differently():
    W = Sparse(10)((40, 2000), DRAW)
    chosen = (W != 0).sum(axis=1)  # (I,) of 2000 units, each with probability 1/4
    assert np.abs(chosen - 500).max() < 4.5 * math.sqrt(2000 * 0.25 * 0.75)
    assert len({column.tobytes() for column in (W != 0).T}) == 2000


def test_sparse_with_all_inputs_is_dense():
    assert (Sparse(6)((6, 9), DRAW) != 0).all()


def test_sparse_with_too_few_inputs_is_an_error():
    with pytest.raises(ValueError, match="sparse=100: expected at most 99"):
        Sparse(100)((99, 5), DRAW)


def test_marginals_are_the_logit_of_each_mean():
    means = [0.5, 0.1, 0.9, 0.001]
    b = Marginals(np.array(means))((4,), DRAW)
    np.testing.assert_allclose(b, [math.log(p / (1 - p)) for p in means], rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(1 / (1 + np.exp(-b)), means, rtol=1e-13)  # so an untrained G paints the mean


def test_marginals_of_pixels_never_or_always_lit_are_clipped_first():
    b = Marginals(np.array([0.0, 1e-9, 1e-7, 1 - 1e-9, 1.0], dtype=np.float32))((5,), DRAW)
    edge = math.log(1e-7 / (1 - 1e-7))
    np.testing.assert_allclose(b, [edge] * 3 + [-edge] * 2, rtol=1e-7)


def test_marginals_of_another_width_are_an_error():
    network = Sequential(Linear(3, 5, bias=Marginals(np.full(4, 0.5))))
    with pytest.raises(ConfigError, match=r"Linear's b: expected finite numbers of shape \(5,\), .* gave shape \(4,\)"):
        player(network, 5, GENERATOR)


@pytest.mark.parametrize("number", [math.nan, math.inf, "x", None, True, np.ones(2)], ids=repr)
@pytest.mark.parametrize("initialiser", [Constant, Uniform, Normal, Sparse, Marginals])
def test_a_number_that_is_none(initialiser, number):
    if initialiser is Marginals and number is not True:
        number = np.full(4, math.nan) if isinstance(number, np.ndarray) else number
    with pytest.raises(ConfigError, match="expected (an array|a finite|a whole)"):
        initialiser(number)


@pytest.mark.parametrize(("initialiser", "number"), [(Uniform, -0.1), (Normal, -0.1), (Sparse, 0), (Sparse, 1.5)])
def test_a_number_out_of_its_bounds(initialiser, number):
    with pytest.raises(ConfigError, match=f"={number}: expected a .*, at least"):
        initialiser(number)


@pytest.mark.parametrize(
    "made", [np.full((3, 5), math.inf), np.ones((5, 3)), np.full((3, 5), "x"), "x", None], ids=repr
)
def test_what_an_initialiser_of_ones_own_returns(made):
    network = Sequential(Linear(3, 5, weights=lambda shape, draw: made))
    with pytest.raises(ConfigError, match=r"Linear's W: expected finite numbers of shape \(3, 5\)"):
        player(network, 5, GENERATOR)


@pytest.mark.parametrize("initialiser", [Uniform(1.0), Normal(1.0), Sparse(20)])
def test_a_draw_belongs_to_its_seed_network_and_layer(initialiser):
    draws = [
        DRAW,
        Draw(8, 0, GENERATOR, Stream.INITIAL_WEIGHTS, None),
        Draw(7 + 2**32, 0, GENERATOR, Stream.INITIAL_WEIGHTS, None),
        Draw(7, 0, DISCRIMINATOR, Stream.INITIAL_WEIGHTS, None),
        Draw(7, 0, GENERATOR, Stream.INITIAL_WEIGHTS + 2, None),
    ]
    weights = [initialiser((20, 30), draw) for draw in draws]
    assert initialiser((20, 30), DRAW).tobytes() == weights[0].tobytes()
    for i in range(len(weights)):
        for j in range(i):
            assert np.mean(weights[i] == weights[j]) < 0.01


def test_layers_of_a_network_draw_different_numbers():
    params = player(Sequential(Linear(8, 8), ReLU(), Linear(8, 8), Maxout(8, 4, 2, Uniform(0.05))), 0, GENERATOR)
    weights = [params[name] for name in ("0.W", "2.W", "3.W")]
    assert all(np.abs(W).max() > 0 for W in weights)
    assert not any((a == b).any() for a, b in ((weights[0], weights[1]), (weights[1], weights[2])))
    assert not (weights[0] == weights[2]).any()


def test_generator_and_discriminator_draw_different_numbers():
    network = Sequential(Linear(8, 8), ReLU(), Linear(8, 8))
    g, d = player(network, 0, GENERATOR), player(network, 0, DISCRIMINATOR)
    assert not (g["0.W"] == d["0.W"]).any() and not (g["2.W"] == d["2.W"]).any()


def test_one_seed_gives_one_set_of_parameters():
    network = Sequential(Linear(8, 9), ReLU(), Linear(9, 3, Sparse(4), Constant(-2)))
    a, b, c = (player(network, seed, GENERATOR).flat for seed in (5, 5, 6))
    assert a.tobytes() == b.tobytes() != c.tobytes()


def test_a_player_starts_from_each_layers_own_initialisers():
    means = np.linspace(0.1, 0.9, 3)
    params = player(Sequential(Linear(8, 9), ReLU(), Linear(9, 3, Sparse(4), Marginals(means))), 5, GENERATOR)
    assert 0.04 < np.abs(params["0.W"]).max() <= 0.05 and not params["0.b"].any()
    assert ((params["2.W"] != 0).sum(axis=0) == 4).all()
    np.testing.assert_allclose(params["2.b"], np.log(means / (1 - means)), atol=1e-15)


def test_float32_parameters_are_the_rounded_float64_ones():
    network = Sequential(Linear(8, 9), Linear(9, 3, Sparse(4)))
    single, double = player(network, 1, GENERATOR, np.float32), player(network, 1, GENERATOR)
    assert single.flat.dtype == np.float32
    assert (single.flat == double.flat.astype(np.float32)).all()


def test_a_players_memory_between_its_parameters_stays_zero():
    params = player(Sequential(Linear(3, 4), Linear(4, 2)), 0, DISCRIMINATOR)
    named = sum(np.count_nonzero(view) for _, view in params.items())
    assert np.count_nonzero(params.flat) == named > 0
    assert all(view.ctypes.data % 4 == 0 and np.shares_memory(view, params.flat) for _, view in params.items())
