"""ONNX's own node cases through our kernels, layers and optimisers.

The cases come with the `onnx` wheel (written against 1.23.2, Apache-2.0), which makes their numbers when
`onnx.backend.test.case.node` is imported: inputs, attributes and what a backend has to answer, in float32.  Taken are
all cases of the activations, Gemm, Dropout, Momentum and Adam but those of `LEFT_OUT`.  Tensors of three axes become
matrices, since the kernels know nothing else.
"""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from each_backend import BACKENDS

from minigan.backends import get
from minigan.backends.clock import Count
from minigan.game.optim import Adam, Momentum
from minigan.game.schedules import ExponentialDecay
from minigan.layers import Dropout, activations
from minigan.layers.params import Params
from minigan.layers.tape import LayerTape
from minigan.rng import Draw

pytestmark = pytest.mark.rounding

onnx = pytest.importorskip("onnx", reason="ONNX's cases come with its wheel, which is not installed")
reference = import_module("onnx.reference")
TESTS = import_module("onnx.backend.test.case.node")._NodeTestCases
ACTIVATIONS = {layer.__name__.lower(): layer for layer in activations.ACTIVATIONS.values()}
LEFT_OUT = {"test_nesterov_momentum": "minigan has the classical momentum alone"}
SLACK = {np.float32: 2e-6, np.float64: 5e-7}
"""ONNX computed in float32, and that is how far it can be from float64"""


@pytest.fixture(scope="module", params=BACKENDS)
def ops(request):
    return get(request.param)


@pytest.fixture(params=SLACK)
def dtype(request):
    return request.param


def case_of(test) -> SimpleNamespace:
    """A test's inputs and outputs in the order of its node, and the node's attributes by name."""
    (node,), ((inputs, outputs),) = test.model.graph.node, test.data_sets
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    found = {"operator": node.op_type.lower(), "attributes": attributes}
    return SimpleNamespace(model=test.model, inputs=inputs, outputs=outputs, **found, **attributes)


def cases(*operators: str, but: str = ""):
    """The cases of operators, called without capitals; an operator's module adds them to the list when it is imported.

    (`onnx.backend.test.loader` imports every operator's module, for which it needs six seconds.)
    """
    for operator in operators:
        import_module(f"onnx.backend.test.case.node.{operator}")
    found = [t for t in TESTS if [node.op_type.lower() for node in t.model.graph.node] in [[o] for o in operators]]
    taken = [pytest.param(case_of(t), id=t.name) for t in found if t.name not in {but, *LEFT_OUT}]
    return pytest.mark.parametrize("case", taken)


def matrix(ops, a, dtype):
    """(..., n) to (B, n) on the backend"""
    a = np.asarray(a)
    return ops.asarray(a.reshape(-1, a.shape[-1]), dtype)


def poisoned(ops, shape, dtype):
    return ops.asarray(np.full(shape, np.nan, dtype))


def close(ops, got, expected):
    got = ops.to_host(got)
    slack = SLACK[got.dtype.type]
    np.testing.assert_allclose(got, np.reshape(expected, got.shape), rtol=slack, atol=slack)


@cases(*ACTIVATIONS)
def test_an_activation(ops, case, dtype):
    """Its layer has ONNX's name but for the capitals, and ONNX's attributes, in order, and their defaults."""
    z = matrix(ops, *case.inputs, dtype)
    layer = ACTIVATIONS[case.operator](*case.attributes.values())
    close(ops, layer.apply(ops, z, out=poisoned(ops, z.shape, dtype)), *case.outputs)


# ---- Products ------------------------------------------------------------------------------------------------------


@cases("gemm")
def test_gemm(ops, case, dtype):
    """Y = alpha A' B' + beta C, where C has to be there in Y's shape beforehand: `gemm` adds to its `out`."""
    a, b, *c = case.inputs
    (y,) = case.outputs
    how = {"alpha": getattr(case, "alpha", 1.0), "beta": getattr(case, "beta", 1.0) if c else 0.0}
    how |= {"trans_a": bool(getattr(case, "transA", 0)), "trans_b": bool(getattr(case, "transB", 0))}
    out = ops.asarray(np.broadcast_to(c[0], y.shape), dtype).copy() if c else poisoned(ops, y.shape, dtype)
    close(ops, ops.gemm(matrix(ops, a, dtype), matrix(ops, b, dtype), out=out, **how), y)


@cases("gemm", but="test_gemm_default_matrix_bias")
def test_affine(ops, case, dtype):
    """C is a bias, or none; alpha, beta and transpositions, which `affine` does not have, are in the inputs."""
    a, b, *c = case.inputs
    (y,) = case.outputs
    bias = getattr(case, "beta", 1.0) * np.asarray(c[0] if c else 0.0)
    x = getattr(case, "alpha", 1.0) * (a.T if getattr(case, "transA", 0) else a)
    W = b.T if getattr(case, "transB", 0) else b
    bias = np.broadcast_to(bias.reshape(-1), y.shape[1:])
    out = poisoned(ops, y.shape, dtype)
    close(ops, ops.affine(*(ops.asarray(v, dtype) for v in (x, W, bias)), out=out), y)


# ---- Dropout -------------------------------------------------------------------------------------------------------


@cases("dropout")
def test_dropout(ops, case, dtype):
    """In evaluation, and where nothing is to be dropped, the layer is the identity.

    In training ONNX drops with a mask of NumPy's generator; ours come from Philox and cannot be handed in.  So
    ONNX's goes through `dropout_backward`, the map x r / keep that dropout is in both directions, and through the one
    of maxout with a single piece.  Where the mask is not among a case's outputs, it is where y is not 0.
    """
    x, ratio, training = (*case.inputs, *(0.5, False)[len(case.inputs) - 1 :])
    (y,), mask = case.outputs[:1], case.outputs[-1] != 0
    keep, given = 1 - float(ratio), matrix(ops, x, dtype)
    if not training or keep == 1:
        layer = Dropout(keep)
        draw = Draw(5, 0, 0, 0, ops.asarray(np.arange(len(given), dtype=np.uint32))) if training else None
        close(ops, layer.forward(ops, None, given, LayerTape(draw=draw)), y)
    else:
        kept = matrix(ops, mask, np.uint8)
        close(ops, ops.dropout_backward(given, kept, keep, out=poisoned(ops, given.shape, dtype)), y)
        winner = ops.asarray(ops.to_host(kept).astype(np.int8) - np.int8(1))  # piece 0, or -1: dropped
        close(ops, ops.maxout_backward(given, winner, 1 / keep, out=poisoned(ops, given.shape, dtype)), y)


# ---- Optimisers ----------------------------------------------------------------------------------------------------


def tensors(case, n: int):
    """(R, T, X1, X2, ..., G1, G2, ...) to R, T and an array (tensors, n): X1, G1, ... ; X2, G2, ..."""
    rate, count, *rest = case.inputs
    return float(rate), int(count), [rest[i :: len(rest) // n] for i in range(len(rest) // n)]


def params_of(ops, values, dtype):
    params = Params(ops, {"0.b": values.shape}, dtype)
    ops.copy(ops.asarray(values, dtype), out=params["0.b"])
    return params


@cases("momentum")
def test_momentum(ops, case, dtype):
    """ONNX's "standard" mode has  v <- alpha v + b g,  x <- x - r v;  with  v = -v' / r  that is the classical form

        v' <- alpha v' - r b g,      x <- x + v'

    b is 1 at T = 0, where all its cases are.  Its weight decay, which minigan does not have, is part of g here.
    """
    rate, count, groups = tensors(case, 3)
    assert count == 0 and case.mode == b"standard"
    n = len(groups)
    for i, (x, g, v) in enumerate(groups):
        clock = ops.clock(ExponentialDecay(rate), ExponentialDecay(case.alpha))
        params = params_of(ops, x, dtype)
        optimiser = Momentum(params, clock)
        velocity, grads = optimiser.state["velocity"]["0.b"], optimiser.grads.layer(0)
        ops.copy(ops.asarray(-rate * v, dtype), out=velocity)
        g = ops.asarray((g + case.norm_coefficient * x)[None], dtype)
        ops.colsum(g, out=grads.b, alpha=grads.alpha, beta=grads.beta)  # as a layer's backward leaves its db
        optimiser.update(Count(clock))
        close(ops, params["0.b"], case.outputs[i])
        close(ops, velocity, -rate * case.outputs[n + i])


def adam(ops, case, group, rate, count, epsilon, dtype):
    """x, v, h (n,) after one update, `count` updates having been made before."""
    x, g, v, h = group
    clock = ops.clock(ExponentialDecay(rate), ExponentialDecay(0.0))
    ops.set_clock(clock, count)
    params = params_of(ops, x, dtype)
    optimiser = Adam(params, clock, case.alpha, case.beta, epsilon)
    moments = [optimiser.state[name]["0.b"] for name in ("first_moment", "second_moment")]
    g = g + case.norm_coefficient * x  # ONNX's weight decay, which minigan does not have
    for given, target in ((v, moments[0]), (h, moments[1]), (g, optimiser.grads.target["0.b"])):
        ops.copy(ops.asarray(given, dtype), out=target)
    optimiser.update(Count(clock))
    return params["0.b"], *moments


@cases("adam")
def test_adam(ops, case, dtype):
    """All its cases are at T = 0, where ONNX leaves the bias correction out.  Kingma and Ba's algorithm 1 has it from
    t = 1 on; but it becomes 1 as t grows, and at t = 100,001, where beta^t is 0 in float64, both are the same."""
    rate, count, groups = tensors(case, 4)
    assert count == 0 and case.alpha**100_001 == case.beta**100_001 == 0.0
    for i, group in enumerate(groups):
        for got, expected in zip(
            adam(ops, case, group, rate, 100_000, case.epsilon, dtype), case.outputs[i :: len(groups)], strict=True
        ):
            close(ops, got, expected)


@pytest.mark.parametrize("t", [1, 2, 9])
@cases("adam")
def test_adam_with_its_bias_correction(ops, case, t, dtype):
    """The same nodes at T = t by ONNX's reference evaluator.  Its step is

        r sqrt(1 - beta^t) / (1 - alpha^t)  v / (sqrt(h) + epsilon)

    with epsilon beside the uncorrected sqrt(h) (the end of Kingma and Ba's section 2), so algorithm 1's epsilon is
    that one divided by sqrt(1 - beta^t)."""
    inputs = [np.array(t) if i == 1 else a for i, a in enumerate(case.inputs)]
    names = case.model.graph.node[0].input
    outputs = reference.ReferenceEvaluator(case.model).run(None, dict(zip(names, inputs, strict=True)))
    rate, _, groups = tensors(case, 4)
    epsilon = case.epsilon / np.sqrt(1 - case.beta**t)
    for i, group in enumerate(groups):
        for got, expected in zip(
            adam(ops, case, group, rate, t - 1, epsilon, dtype), outputs[i :: len(groups)], strict=True
        ):
            close(ops, got, expected)


def test_what_is_left_out_is_there():
    assert {test.name for test in TESTS} >= set(LEFT_OUT)
