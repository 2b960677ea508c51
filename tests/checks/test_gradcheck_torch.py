"""PyTorch's own gradient check, `torch.autograd.gradcheck` (2.13.0, BSD-3-Clause), over our forward with our backward.

Each layer and merged pair of `minigan.gradcheck`, and each loss, is a `torch.autograd.Function` whose forward and
backward are ours.  In float64 gradcheck moves every coordinate of x and of all parameters and compares the whole
Jacobian; it takes backward twice over one forward, which must give the same bits, and once with no gradient coming in,
which must give none.  Masks are those of one draw, and where a step would cross a kink another point is drawn.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from each_backend import BACKENDS

from minigan.backends import get
from minigan.checks.finite_differences import SMALLEST_GRADIENT, KinkError, bounded, kinks, randomise
from minigan.checks.gradients import layer_networks
from minigan.checks.planted_bugs import BUGS, planted
from minigan.game.losses import LOSSES, slopes
from minigan.layers import Sequential
from minigan.layers.params import Grads, Params
from minigan.rng import Draw

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
pytorchs = pytest.importorskip("torch.autograd.gradcheck")
ROWS = 3
OF_LOSSES = {f"Loss, {name}": name for name in LOSSES}


@pytest.fixture(scope="module", params=BACKENDS)
def ops(request):
    return get(request.param)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the arrays are too small to share
    yield
    torch.set_num_threads(threads)


def array(ops, tensor):
    """A copy, since gradcheck moves its tensors in place."""
    return ops.asarray(tensor.detach().numpy().copy())


def tensor(ops, values):
    return torch.from_numpy(ops.to_host(values))


class Point:
    """A network's passes at one point (x, W, b, ...), all with the masks of one draw, or of none in evaluation.

    Called with tensors: x, then the parameters in their order.  Raises KinkError where a pass is on another side of a
    kink than the first one.
    """

    def __init__(self, ops, network: Sequential, seed: int, training: bool = True):
        self.ops, self.network, self.training, self.seed, self.sides = ops, network, training, seed, None
        params = Params(ops, network.shapes(), np.float64)
        randomise(params, np.random.default_rng(seed))
        self.theta = [tensor(ops, view).requires_grad_() for _, view in params.items()]

    def __call__(self, x, *theta):
        return Pass.apply(self, x, *theta)

    def params(self, theta) -> Params:
        params = Params(self.ops, self.network.shapes(), np.float64)
        for given, (_, view) in zip(theta, params.items(), strict=True):
            self.ops.copy(array(self.ops, given), out=view)
        return params

    def tape(self, rows: int):
        tape = self.network.tape(self.ops, rows, np.float64)
        if self.training:
            tape.draw = Draw(self.seed, 0, 0, 0, self.ops.asarray(range(rows), "uint32"))
        for memory in tape.layers:
            if hasattr(memory, "kept"):
                memory.kept[...] = 1  # evaluation, which drops nothing, does not write it
        return tape

    def stay(self, tape) -> None:
        sides = kinks(self.ops, self.network, tape)
        self.sides = self.sides or sides
        if any((a != b).any() for a, b in zip(self.sides, sides, strict=True)):
            raise KinkError


class Pass(torch.autograd.Function):
    """Our forward and our backward, which is asked for what autograd needs and no more."""

    @staticmethod
    def forward(ctx, point: Point, x, *theta):
        ctx.point, ctx.params, ctx.tape = point, point.params(theta), point.tape(len(x))
        y = point.network.forward(point.ops, ctx.params, array(point.ops, x), ctx.tape)
        point.stay(ctx.tape)
        return tensor(point.ops, y)

    @staticmethod
    def backward(ctx, dy):
        ops, _, need_dx, *need_theta = ctx.point.ops, *ctx.needs_input_grad
        grads = Grads(ctx.params.like()) if any(need_theta) else None
        dx = ctx.point.network.backward(ops, ctx.params, array(ops, dy), ctx.tape, grads, need_dx)
        learned = [tensor(ops, view) for _, view in grads.target.items()] if grads else [None for _ in need_theta]
        return None, tensor(ops, dx) if need_dx else None, *learned


class Loss(torch.autograd.Function):
    """A player's loss of this name over logits (2m, 1); for D's the first half of them is of real examples."""

    @staticmethod
    def forward(ctx, ops, name: str, player: str, logits):
        l, m, loss, weights = array(ops, logits), len(logits) // 2, LOSSES[name], [1.0] if player == "d" else []
        dlogits = slopes(loss, player, ops, l, *weights, out=ops.empty(l.shape, np.float64))
        ctx.save_for_backward(tensor(ops, dlogits))
        l = ops.to_host(l)
        return torch.tensor(loss.d_loss(l[:m], l[m:]) if player == "d" else loss.g_loss(l), dtype=torch.float64)

    @staticmethod
    def backward(ctx, dy):
        (dlogits,) = ctx.saved_tensors
        return None, None, None, dy * dlogits


def normal(seed, *shape):
    return torch.tensor(np.random.default_rng([seed, 1]).standard_normal(shape), requires_grad=True)


def check(f, *inputs) -> None:
    """PyTorch's check, as strict as ours: its own tolerances are 1e-3 and 1e-5."""
    y = f(*inputs)
    cotangent = torch.tensor(np.random.default_rng(0).standard_normal(tuple(y.shape)))
    gradients = torch.autograd.grad(y, [a for a in inputs if a.requires_grad], cotangent)
    assert all(gradient.abs().max() >= SMALLEST_GRADIENT for gradient in gradients)  # nothing would prove nothing
    assert pytorchs.gradcheck(f, inputs, eps=1e-6, atol=1e-8, rtol=1e-6)


def check_network(ops, network: Sequential, seed: int, training: bool = True) -> None:
    point = Point(ops, network, seed, training)
    check(point, normal(seed, ROWS, network.n_in), *point.theta)


def check_loss(ops, name: str, player: str) -> None:
    check(partial(Loss.apply, ops, name, player), 3 * normal(0, 2 * ROWS, 1))


def networks() -> dict[str, Sequential]:
    """Those of `minigan.gradcheck`, and once more without merging where something was merged."""
    merged = layer_networks()
    return merged | {
        f"{name}, not merged": Sequential(*network.layers, fused=False)
        for name, network in merged.items()
        if len(network.stages) < len(network.layers)
    }


@pytest.mark.parametrize("network", networks().values(), ids=networks())
def test_pytorch_finds_the_backward_of_every_layer_to_be_its_forwards(ops, network):
    bounded(partial(check_network, ops, network))


@pytest.mark.parametrize("name", ["Dropout", "Maxout+Dropout", "Maxout+Dropout, not merged"])
def test_and_of_dropout_in_evaluation(ops, name):
    bounded(partial(check_network, ops, networks()[name], training=False))


@pytest.mark.parametrize("player", ["d", "g"])
@pytest.mark.parametrize("loss", LOSSES)
def test_pytorch_finds_the_derivative_of_every_loss_to_be_its_values(ops, loss, player):
    check_loss(ops, loss, player)


@pytest.mark.parametrize("loss", LOSSES)
def test_and_of_g_through_a_d_that_does_not_learn(ops, loss):
    """PyTorch chains G, D and the loss; of D it asks dx alone, so that D's backward runs without `grads`."""

    def at(seed: int) -> None:
        g, d = (Point(ops, layer_networks()[name], seed) for name in ("a small G", "a small D"))
        frozen, z = [theta.detach() for theta in d.theta], normal(seed, 2 * ROWS, 3)
        check(lambda z, *theta: Loss.apply(ops, loss, "g", d(g(z, *theta), *frozen)), z, *g.theta)

    bounded(at)


@pytest.mark.parametrize("loss", LOSSES)
def test_and_of_d_over_data_that_do_not_move(ops, loss):
    """PyTorch asks no dx, so that D's backward ends at its lowest weights."""

    def at(seed: int) -> None:
        d = Point(ops, layer_networks()["a small D"], seed)
        x = normal(seed, 2 * ROWS, 5).detach()
        check(lambda *theta: Loss.apply(ops, loss, "d", d(x, *theta)), *d.theta)

    bounded(at)


def test_a_step_over_a_kink_is_no_verdict(ops):
    point = Point(ops, layer_networks()["Linear+ReLU"], seed=0)
    W, b, *above = point.theta
    at_the_kink = [torch.zeros_like(a, requires_grad=True) for a in (W, b)]
    with pytest.raises(KinkError):
        pytorchs.gradcheck(point, (normal(0, ROWS, 4), *at_the_kink, *above))


FOUND_HERE = {name: bug for name, bug in BUGS.items() if bug.row.split(":")[0] in {*layer_networks(), *OF_LOSSES}}


@pytest.mark.parametrize("bug", FOUND_HERE.values(), ids=FOUND_HERE)
def test_pytorch_refuses_a_planted_bug(bug):
    ops, name = get("numpy"), bug.row.split(":")[0]
    with planted(bug), pytest.raises(pytorchs.GradcheckError):
        if name in OF_LOSSES:
            check_loss(ops, OF_LOSSES[name], "d")
        else:
            bounded(partial(check_network, ops, layer_networks()[name]))
