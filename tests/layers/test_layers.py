"""Layers against their formulas in plain loops, and the promises that Sequential and its tape make."""

import inspect
from dataclasses import FrozenInstanceError
from functools import partial

import numpy as np
import pytest

from minigan import rng
from minigan.backends.numpy_ops import NumpyOps
from minigan.game.schedules import ExponentialDecay
from minigan.layers import Dropout, LeakyReLU, Linear, Maxout, ReLU, Sequential, Sigmoid, Tanh, models
from minigan.layers.initialisers import Constant, Uniform
from minigan.layers.params import Grads, Params
from minigan.layers.tape import LayerTape
from minigan.rng import Draw

pytestmark = pytest.mark.rounding

SLACK = {np.float32: 2e-5, np.float64: 1e-13}


class Poisoned(NumpyOps):
    """New memory holds NaN (or 77), so that whatever reads it before writing it is found out."""

    def empty(self, shape, dtype):
        return np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 77, dtype)


class Recording(Poisoned):
    """Writes down the calls of some kernels, with their arguments by name."""

    def __init__(self):
        super().__init__()
        self.calls = []
        for name in ("gemm", "colsum", "dropout_backward"):
            setattr(self, name, partial(self.recorded, name, getattr(self, name)))

    def recorded(self, name, kernel, *args, **kwargs):
        self.calls.append((name, inspect.signature(kernel).bind(*args, **kwargs).arguments))
        return kernel(*args, **kwargs)

    def count(self, kernel, **arguments):
        return sum(name == kernel and arguments.items() <= given.items() for name, given in self.calls)


OPS = Poisoned()


@pytest.fixture(params=SLACK)
def dtype(request):
    return request.param


def normal(shape, seed, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def place(n_rows, seed=5):
    return Draw(seed, 3, 1, 2048, np.arange(n_rows, dtype=np.uint32))


def single(layer, x, dy, draw=None):
    """A layer without weights: x, dy (B, I) to y (B, I), dx (B, I) and its tape."""
    memory = {name: OPS.empty((len(x), n), kind or x.dtype) for name, (n, kind) in layer.memory(x.shape[1]).items()}
    tape = LayerTape(x=None, draw=draw, **memory)
    return layer.forward(OPS, None, x, tape), layer.backward(OPS, None, dy, tape), tape


LAYERS = (Dropout(0.8), Maxout(6, 5, 3), Dropout(0.5), Linear(5, 7), ReLU(), Linear(7, 4), Sigmoid(), Linear(4, 2))
SIZED = 4  # layers with weights among them


class Pass:
    """One forward, y (rows, 2), of the last rows of x (8, 6); a cotangent dy, and gradients, NaN until written."""

    def __init__(self, *layers, fused=True, dtype=np.float64, ops=OPS, rows=8, training=True):
        self.ops, self.network = ops, Sequential(*(layers or LAYERS), fused=fused)
        self.params = Params(ops, self.network.shapes(), dtype)
        self.params.flat[...] = normal(self.params.flat.shape, 1, dtype)
        self.x, self.dy = normal((8, 6), 20, dtype)[8 - rows :], normal((8, 2), 21, dtype)[8 - rows :]
        self.tape = self.network.tape(ops, rows, dtype)
        self.tape.draw = place(8)[8 - rows :] if training else None
        self.collect(1.0, 0.0, np.nan)
        self.y = self.forward()

    def collect(self, alpha, beta, start):
        self.grads = Grads(self.params.like(), alpha, beta)
        self.grads.target.flat[...] = start

    def forward(self, x=None, tape=None):
        return self.network.forward(self.ops, self.params, self.x if x is None else x, tape or self.tape).copy()

    def backward(self, dy=None, tape=None, learn=True, need_dx=True):
        """dx and every weight gradient by name, as they are afterwards."""
        grads, dy = self.grads if learn else None, self.dy if dy is None else dy
        dx = self.network.backward(self.ops, self.params, dy, tape or self.tape, grads, need_dx)
        learned = {name: view.copy() for name, view in self.grads.target.items()}
        return learned | ({"dx": dx.copy()} if need_dx else {"dx": dx})


def bits(arrays):
    return {name: None if a is None else (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()}


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
    kept = rng.words(place(6), 7) < int(keep * 2**32)
    x[0, kept[0].argmin()] = np.inf  # a dropped unit: nothing of it may remain
    y, dx, tape = single(Dropout(keep), x, dy, place(6))
    assert (tape.kept == kept).all() and tape.kept.dtype == np.uint8 and not kept[0].all()
    close(y, [[float(x[i, j]) / keep if kept[i, j] else 0.0 for j in range(7)] for i in range(6)], dtype)
    close(dx, [[float(dy[i, j]) / keep if kept[i, j] else 0.0 for j in range(7)] for i in range(6)], dtype)


@pytest.mark.parametrize("keep, draw", [(0.5, None), (1, place(3))])
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


@pytest.mark.parametrize("training", [True, False])
def test_merged_neighbours_compute_the_same_bits_as_separate_layers(dtype, training):
    a, b = (Pass(fused=fused, dtype=dtype, training=training) for fused in (True, False))
    assert len(a.network.stages) == 5 and len(b.network.stages) == 8
    assert bits({"y": a.y} | a.backward()) == bits({"y": b.y} | b.backward())


def test_a_pass_keeps_its_dtype_and_never_reads_memory_it_did_not_write(dtype):
    a = Pass(dtype=dtype)
    results = [a.y, *a.backward().values()]
    assert all(r.dtype == dtype and np.isfinite(r).all() and np.abs(r).max() > 0 for r in results)


def test_without_grads_no_weight_gradient_is_computed():
    frozen, learning = Pass(ops=Recording()), Pass(ops=Recording())
    frozen.backward(learn=False)
    learning.backward()
    assert learning.ops.count("gemm", trans_a=True) == learning.ops.count("colsum") == SIZED  # it can be seen
    assert learning.ops.count("gemm", trans_b=True) == frozen.ops.count("gemm", trans_b=True) == SIZED
    assert frozen.ops.count("gemm", trans_a=True) == frozen.ops.count("colsum") == 0
    assert np.isnan(frozen.grads.target.flat).all()


def test_without_need_dx_nothing_below_the_lowest_weights_is_computed():
    a, b = Pass(ops=Recording()), Pass(Linear(6, 2), ops=Recording())
    without = a.backward(need_dx=False)
    assert without["dx"] is b.backward(need_dx=False)["dx"] is None and b.ops.count("gemm", trans_b=True) == 0
    assert a.ops.count("gemm", trans_b=True) == SIZED - 1 and a.ops.count("dropout_backward") == 0
    assert bits(a.backward()) == bits(without | {"dx": a.backward()["dx"]})
    assert a.ops.count("gemm", trans_b=True) == 3 * SIZED - 1 and a.ops.count("dropout_backward") == 2


def test_alpha_and_beta_make_the_velocity_of_momentum():
    a, lr, mu = Pass(), 0.3, 0.6
    g, v = a.backward(), a.params.like()
    v.flat[...] = normal(v.flat.shape, 30)
    clock = OPS.clock(ExponentialDecay(lr), ExponentialDecay(mu))
    for alpha, beta in ((-lr, mu), (clock.minus_learning_rate, clock.momentum)):
        a.collect(alpha, beta, v.flat)
        after = a.backward()
        for name, before in v.items():
            np.testing.assert_allclose(after[name], mu * before - lr * g[name], rtol=1e-12, atol=1e-13)


def test_beta_0_overwrites_whatever_alpha_is():
    a = Pass()
    g = a.backward()
    a.collect(-2.0, 0.0, np.nan)
    after = a.backward()
    assert all((after[name] == -2 * g[name]).all() for name in a.params.shapes)


def test_a_zero_cotangent_gives_zero_gradients():
    assert all((g == 0).all() for g in Pass().backward(dy=np.zeros((8, 2))).values())


def test_a_second_forward_and_backward_gives_the_same_bits():
    a = Pass()
    assert bits({"y": a.y} | a.backward()) == bits({"y": a.forward()} | a.backward())


def test_a_second_tape_does_not_disturb_the_first():
    a = Pass()
    other = a.network.tape(OPS, 8, np.float64)
    other.draw = place(8, seed=6)
    a.forward(x=normal((8, 6), 40), tape=other)
    a.backward(dy=normal((8, 2), 41), tape=other)
    assert bits(a.backward()) == bits(Pass().backward())


def test_two_backwards_over_one_forward_are_as_good_as_separate_passes():
    both, half = Pass(), normal((4, 2), 50)
    learned = bits(both.backward(need_dx=False))
    through = both.backward(dy=half, tape=both.tape[4:], learn=False)
    separate = Pass(rows=4).backward(dy=half, learn=False)
    assert learned == bits(Pass().backward(need_dx=False)) == bits(through | {"dx": None})
    np.testing.assert_allclose(through["dx"], separate["dx"], rtol=1e-12, atol=1e-14)
    assert bits(both.backward(need_dx=False)) == learned  # what forward stored is still there


def test_a_part_of_a_tape_passes_its_rows_as_in_the_whole():
    a = Pass()
    np.testing.assert_allclose(a.forward(x=a.x[4:], tape=a.tape[4:]), a.y[4:], rtol=1e-12)


def test_an_evaluation_tape_makes_dropout_the_identity():
    a, b = Pass(training=False), Pass(*(layer for layer in LAYERS if not isinstance(layer, Dropout)), training=False)
    b.params.flat[...] = a.params.flat
    assert a.y.tobytes() == b.forward().tobytes() != Pass().y.tobytes()
    assert [g.tobytes() for g in a.backward().values()] == [g.tobytes() for g in b.backward().values()]


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


@pytest.mark.parametrize("slope", [0, 1, -0.1, float("nan"), float("inf")])
def test_a_slope_that_the_sign_of_y_cannot_tell_is_an_error(slope):
    with pytest.raises(ValueError, match="expected a number above 0 and below 1"):
        LeakyReLU(slope)


def test_widths_fit_by_their_values():
    assert Sequential(Linear(3, int("1000")), Linear(int("1000"), 2)).n_out == 2


def test_layers_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match="width 4"):
        Sequential(Linear(3, 4), ReLU(), Dropout(0.5), Linear(5, 2))
    with pytest.raises(ValueError, match="at least one layer"):
        Sequential(ReLU(), Dropout(0.5))
    with pytest.raises(ValueError):
        Pass(Linear(6, 4), Linear(4, 2)).forward(x=np.zeros((8, 5)))
