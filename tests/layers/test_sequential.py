"""The promises that Sequential and its tape make."""

import inspect
from functools import partial

import numpy as np
import pytest
from poisoned_pass import LAYERS, OPS, Pass, Poisoned, draw_of, normal

from minigan.game.schedules import ExponentialDecay
from minigan.layers import Dropout, Linear, ReLU, Sequential

pytestmark = pytest.mark.rounding

SIZED = 4  # of LAYERS have weights


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


@pytest.fixture(params=[np.float32, np.float64])
def dtype(request):
    return request.param


def bits(arrays):
    return {name: None if a is None else (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()}


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
    for alpha, beta in ((-lr, mu), (clock.minus_lr, clock.momentum)):
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
    other.draw = draw_of(8, seed=6)
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


def test_widths_fit_by_their_values():
    assert Sequential(Linear(3, int("1000")), Linear(int("1000"), 2)).n_out == 2


def test_layers_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match="width 4"):
        Sequential(Linear(3, 4), ReLU(), Dropout(0.5), Linear(5, 2))
    with pytest.raises(ValueError, match="at least one layer"):
        Sequential(ReLU(), Dropout(0.5))
    with pytest.raises(ValueError):
        Pass(Linear(6, 4), Linear(4, 2)).forward(x=np.zeros((8, 5)))
