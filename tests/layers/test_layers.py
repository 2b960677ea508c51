"""Layers against their formulas in plain loops."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from poisoned_pass import OPS, Pass, draw_of, normal

from minigan import rng
from minigan.layers import Dropout, LeakyReLU, Linear, Maxout, Tanh, models
from minigan.layers.initialisers import Constant, Uniform
from minigan.layers.tape import LayerTape
from minigan.rng import Draw

pytestmark = pytest.mark.rounding

SLACK = {np.float32: 2e-5, np.float64: 1e-13}


@pytest.fixture(params=SLACK)
def dtype(request):
    return request.param


def single(layer, x, dy, draw=None):
    """A layer without weights: x, dy (B, I) to y (B, I), dx (B, I) and its tape."""
    memory = {name: OPS.empty((len(x), n), kind or x.dtype) for name, (n, kind) in layer.memory(x.shape[1]).items()}
    tape = LayerTape(x=None, draw=draw, **memory)
    return layer.forward(OPS, None, x, tape), layer.backward(OPS, None, dy, tape), tape


def close(got, expected, dtype):
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, rtol=SLACK[dtype], atol=10 * SLACK[dtype])


def linear_loops(x, W, b, dy):
    """y, dx, dW, db in float64, one product at a time."""
    y, dx, dW, db = (np.zeros(shape) for shape in (dy.shape, x.shape, W.shape, b.shape))
    for i, o in np.ndindex(dy.shape):
        y[i, o] += b[o]
        db[o] += dy[i, o]
        for k in range(len(W)):
            y[i, o] += float(x[i, k]) * float(W[k, o])
            dW[k, o] += float(x[i, k]) * float(dy[i, o])
            dx[i, k] += float(dy[i, o]) * float(W[k, o])
    return y, dx, dW, db


def test_linear_is_its_formula(dtype):
    a = Pass(Linear(6, 2), dtype=dtype)
    g, expected = a.backward(), linear_loops(a.x, a.params["0.W"], a.params["0.b"], a.dy)
    for got, loops in zip((a.y, g["dx"], g["0.W"], g["0.b"]), expected):
        close(got, loops, dtype)


def test_maxout_is_its_formula(dtype):
    a = Pass(Maxout(6, 2, pieces=5), dtype=dtype)
    g, W, b = a.backward(), a.params["0.W"], a.params["0.b"]
    z = linear_loops(a.x, W, b, np.zeros((8, 10)))[0]  # (B, P O): piece p of unit o is column 2 p + o
    y, dz, winner = np.zeros((8, 2)), np.zeros((8, 10)), np.zeros((8, 2), int)
    for i, o in np.ndindex(8, 2):
        column = max((2 * p + o for p in range(5)), key=lambda c: z[i, c])
        y[i, o], dz[i, column], winner[i, o] = z[i, column], a.dy[i, o], column // 2
    found = a.tape.layers[0].winner
    assert found.dtype == np.int8 and (found == winner).all() and len(set(winner.ravel())) > 2
    for got, loops in zip((a.y, g["dx"], g["0.W"], g["0.b"]), (y, *linear_loops(a.x, W, b, dz)[1:])):
        close(got, loops, dtype)


def test_a_tie_in_maxout_goes_to_the_lowest_piece_alone(dtype):
    a = Pass(Maxout(6, 2, pieces=4), dtype=dtype)
    a.params["0.W"][...] = 0
    a.params["0.b"][...] = [0, 0, 0, 2, 0, 1, 0, 2]  # piece by piece: units tie in pieces 0123 and 13
    assert a.forward().tolist() == [[0, 2]] * 8 and a.tape.layers[0].winner.tolist() == [[0, 1]] * 8
    first, second = a.dy.sum(0, dtype=float)  # each sent once, to the winner's column
    close(a.backward()["0.b"], [first, 0, 0, second, 0, 0, 0, 0], dtype)


@pytest.mark.parametrize("keep", [0.8, 0.5])
def test_dropout_keeps_by_its_word_and_scales_by_1_over_keep(dtype, keep):
    x, dy = normal((6, 7), 12, dtype), normal((6, 7), 13, dtype)
    kept = rng.words(draw_of(6), 7) < int(keep * 2**32)
    x[0, kept[0].argmin()] = np.inf  # a dropped unit: nothing of it may remain
    y, dx, tape = single(Dropout(keep), x, dy, draw_of(6))
    assert (tape.kept == kept).all() and tape.kept.dtype == np.uint8 and not kept[0].all()
    close(y, [[float(x[i, j]) / keep if kept[i, j] else 0.0 for j in range(7)] for i in range(6)], dtype)
    close(dx, [[float(dy[i, j]) / keep if kept[i, j] else 0.0 for j in range(7)] for i in range(6)], dtype)


@pytest.mark.parametrize("keep, draw", [(0.5, None), (1, draw_of(3))])
def test_dropout_is_the_identity_in_evaluation_and_where_it_keeps_all(keep, draw):
    x = normal((3, 4), 14)
    y, dx, _ = single(Dropout(keep), x, -x, draw)
    assert (y == x).all() and (dx == -x).all()


@pytest.mark.parametrize("keep", [0, -0.5, 1.0001, float("nan"), float("inf")])
def test_a_keep_that_is_no_probability_is_an_error(keep):
    with pytest.raises(ValueError, match="keep"):
        Dropout(keep)


def test_a_layer_is_immutable():
    with pytest.raises(FrozenInstanceError):
        Linear(2, 3).n_in = 1


@pytest.mark.parametrize("layer", [Linear(3, 4), Maxout(3, 4, 2)])
def test_biases_begin_at_zero_where_nothing_is_said(layer):
    assert not layer.bias(layer.shapes()["b"], Draw(0, 0, 0, rng.Stream.INITIAL_WEIGHTS, None)).any()


def test_a_line_of_a_preset_gives_an_activation_its_number_and_a_checkpoint_keeps_it():
    network = models.build(("leaky_relu 5 slope=.2 keep=.5", "tanh"), 3, 2)
    assert network.layers[2:] == (LeakyReLU(0.2), Linear(5, 2, Uniform(0.05), Constant(0.0)), Tanh())
    assert models.from_json(models.to_json(network)).layers[2] == LeakyReLU(0.2)
    assert models.build(("leaky_relu 5", "linear"), 3, 2).layers[1] == LeakyReLU()
    with pytest.raises(ValueError, match="layer 'relu 5 slope=.2': .*: expected uniform, .*sparse, bias or keep,"):
        models.build(("relu 5 slope=.2", "linear"), 3, 2)
    with pytest.raises(ValueError, match="expected uniform, .*slope, bias or keep, .*; did you mean slope?"):
        models.build(("leaky_relu 5 slpoe=.2", "linear"), 3, 2)


@pytest.mark.parametrize("slope", [0, 1, -0.1, float("nan"), float("inf"), "x", None, True, np.ones(2)])
def test_a_slope_that_the_sign_of_y_cannot_tell_is_an_error(slope):
    with pytest.raises(ValueError, match="expected a number above 0 and below 1"):
        LeakyReLU(slope)
