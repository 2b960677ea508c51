"""Maxout and dropout as two other libraries have them, from forward to every gradient.

    thinc 8.3.14 (MIT)     its CPU kernels Ops.maxout and Ops.backprop_maxout, its layers Maxout and Dropout; float32
    Chainer 7.8.1 (MIT)    functions.maxout and dropout, links.Maxout, and a small D under minigan's own masks; float64

`oracles/make_maxout_dropout.py` asked them, and their answers are in `oracles/maxout_dropout.json`.  Both have the
pieces of a unit side by side, (B, O, P); here piece p of unit o is column p O + o.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from each_backend import BACKENDS

from minigan.backends import get
from minigan.layers import Dropout, Linear, Maxout, Sequential
from minigan.layers.params import Grads, Params
from minigan.rng import Draw

pytestmark = pytest.mark.rounding

ANSWERS = json.loads((Path(__file__).parents[1] / "oracles" / "maxout_dropout.json").read_text())
SLACK = {np.float32: 2e-5, np.float64: 1e-12}
LIBRARY = {"thinc": 2e-5, "chainer": 1e-12}
"""how exactly each of them computed"""


@pytest.fixture(scope="module", params=BACKENDS)
def ops(request):
    return get(request.param)


@pytest.fixture(params=SLACK)
def dtype(request):
    return request.param


def cases(*names):
    """The cases of these functions, each with its library's name in front."""
    return pytest.mark.parametrize(
        "library, case",
        [
            pytest.param(name.split(".")[0].split()[0], case, id=f"{name}-{i}")
            for name in names
            for i, case in enumerate(ANSWERS[name])
        ],
    )


def columns(a) -> np.ndarray:
    """(..., O, P) to minigan's columns (..., P O)"""
    a = np.asarray(a)
    return np.ascontiguousarray(np.swapaxes(a, -1, -2)).reshape(*a.shape[:-2], -1)


def weights(W) -> np.ndarray:
    """W (O, P, I) or (O, I) to minigan's (I, P O) or (I, O)"""
    W = np.moveaxis(np.asarray(W), -1, 0)
    return columns(W) if W.ndim == 3 else W


def biases(b) -> np.ndarray:
    """b (O, P) or (O,) to minigan's (P O,) or (O,)"""
    return columns(b) if np.ndim(b) == 2 else np.asarray(b)


class Pass:
    """A network with the weights of a case: forward of its x, backward of its dy."""

    def __init__(self, ops, network: Sequential, theta: dict[str, np.ndarray], case: dict, dtype):
        self.ops, self.network, self.dtype = ops, network, dtype
        self.params = Params(ops, network.shapes(), dtype)
        for name, value in theta.items():
            ops.copy(ops.asarray(value, dtype), out=self.params[name])
        self.x, self.dy = (ops.asarray(case[name], dtype) for name in ("x", "dy"))
        self.tape = network.tape(ops, len(case["x"]), dtype)

    def forward(self) -> np.ndarray:
        return self.ops.to_host(self.network.forward(self.ops, self.params, self.x, self.tape))

    def backward(self) -> dict[str, np.ndarray]:
        """dx, and the gradient of every parameter by its name."""
        grads = Grads(self.params.like())
        dx = self.network.backward(self.ops, self.params, self.dy, self.tape, grads)
        learned = {name: self.ops.to_host(view) for name, view in grads.target.items()}
        return {"dx": self.ops.to_host(dx)} | learned


def close(got, expected, library, dtype):
    assert got.dtype == dtype
    slack = max(SLACK[dtype], LIBRARY[library])
    np.testing.assert_allclose(got, expected, rtol=slack, atol=slack)


def through(ops, a, kept, keep) -> np.ndarray:
    """a kept / keep by the kernel `dropout_backward`: what dropout does to x, and to dy."""
    a, kept = ops.asarray(a), ops.asarray(kept, np.uint8)
    return ops.to_host(ops.dropout_backward(a, kept, keep, out=ops.empty(a.shape, a.dtype)))


def by_kernels(ops, case, dtype):
    """A case by `maxout` and `maxout_backward`: y, winner (B, O) and dz (B, P O)"""
    z, dy = ops.asarray(columns(case["z"]), dtype), ops.asarray(case["dy"], dtype)
    out, winner, dz = ops.empty(dy.shape, dtype), ops.empty(dy.shape, np.int8), ops.empty(z.shape, dtype)
    ops.maxout(z, ops.zeros(z.shape[1:], dtype), 1.0, None, out=out, winner=winner)
    ops.maxout_backward(dy, winner, 1.0, out=dz)
    return tuple(ops.to_host(a) for a in (out, winner, dz))


def by_layer(ops, case, dtype):
    """The same by a layer that has the identity as W and no bias, so that z is its x, and dz its dx."""
    z = columns(case["z"])
    _, n_out, pieces = np.shape(case["z"])
    theta = {"0.W": np.eye(n_out * pieces), "0.b": np.zeros(n_out * pieces)}
    run = Pass(ops, Sequential(Maxout(n_out * pieces, n_out, pieces)), theta, {"x": z, "dy": case["dy"]}, dtype)
    return run.forward(), ops.to_host(run.tape.layers[0].winner), run.backward()["dx"]


# ---- Maxout --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("maxout", [by_kernels, by_layer])
@cases("thinc.Ops.maxout")
def test_thincs_numbers_to_the_last_bit_and_ties_to_the_same_piece(ops, library, case, maxout, dtype):
    """thinc takes the argmax, which is the lowest piece of a tie: minigan's own rule."""
    y, winner, dz = maxout(ops, case, dtype)
    assert (y == np.array(case["y"], dtype)).all()
    assert (winner == case["which"]).all()
    assert (dz == columns(case["dz"]).astype(dtype)).all()


@pytest.mark.parametrize("maxout", [by_kernels, by_layer])
@cases("chainer.maxout")
def test_chainers_numbers_to_the_last_bit_but_ties_to_one_piece(ops, library, case, maxout, dtype):
    """A tie is the one difference: Chainer sends the gradient whole to each piece that reaches the maximum, so that
    several receive it; minigan sends it once, to the lowest of them."""
    y, winner, dz = maxout(ops, case, dtype)
    assert (y == np.array(case["y"], dtype)).all()
    reaches = np.array(case["z"]) == np.array(case["y"])[..., None]  # (B, O, P)
    dy = np.array(case["dy"])[..., None]
    assert (np.array(case["dz"]) == reaches * dy).all()
    lowest = np.cumsum(reaches, axis=2) * reaches == 1
    assert (winner == lowest.argmax(axis=2)).all()
    assert (dz == columns(case["dz"] * lowest).astype(dtype)).all()


def test_some_of_the_cases_have_ties():
    tied = [
        name
        for name in ("thinc.Ops.maxout", "chainer.maxout")
        for case in ANSWERS[name]
        if (np.sum(np.array(case["z"]) == np.array(case["y"])[..., None], axis=2) > 1).any()
    ]
    assert tied == ["thinc.Ops.maxout"] * 2 + ["chainer.maxout"]


@cases("thinc.Maxout", "chainer.Maxout")
def test_the_layer_gives_their_layers_outputs_and_gradients(ops, library, case, dtype):
    """Under the mask of a case, where it has one: a tape says -1 where a unit was dropped."""
    W, b = weights(case["W"]), biases(case["b"])
    n_out, pieces = np.shape(case["b"])
    layer = Maxout(len(W), n_out, pieces)
    run = Pass(ops, Sequential(layer), {"0.W": W, "0.b": b}, case, dtype)
    y = run.forward()
    close(y, case.get("evaluated", case["y"]), library, dtype)

    rate = case.get("rate", 0.0)
    kept = np.array(case.get("kept", np.ones_like(y)), np.uint8)
    assert kept.all() == (rate == 0)
    close(through(ops, y, kept, 1 - rate), case["y"], library, dtype)
    tape, p, grads = run.tape.layers[0], run.params.layer(0), Grads(run.params.like())
    tape.winner = ops.asarray(np.where(kept, ops.to_host(tape.winner), -1), np.int8)
    dx = layer.backward(ops, p, run.dy, tape, grads.layer(0), scale=1 / (1 - rate))
    close(ops.to_host(dx), case["dx"], library, dtype)
    close(ops.to_host(grads.target["0.W"]), weights(case["dW"]), library, dtype)
    close(ops.to_host(grads.target["0.b"]), biases(case["db"]), library, dtype)


# ---- Dropout -------------------------------------------------------------------------------------------------------


@cases("thinc.Dropout", "chainer.dropout")
def test_their_masks_scale_and_stop_what_passes_them_as_ours(ops, library, case, dtype):
    """Their masks come from NumPy's generator and ours from Philox, so theirs are handed to `dropout_backward`."""
    for given, found in (("x", "y"), ("dy", "dx")):
        close(through(ops, np.array(case[given], dtype), case["kept"], 1 - case["rate"]), case[found], library, dtype)


@pytest.mark.parametrize("fused", [True, False])
@cases("chainer discriminator")
def test_a_discriminator_under_masks_of_ours_is_chainers(ops, library, case, fused, dtype):
    """Here Chainer was given the masks that minigan draws, so both have the whole of D: dropout, maxout, the logit."""
    network = Sequential(
        Dropout(0.8), Maxout(4, 6, 3), Dropout(0.5), Maxout(6, 4, 2), Dropout(0.5), Linear(4, 1), fused=fused
    )
    lay = {"W": weights, "b": biases}
    theta = {name: lay[name[-1]](case[name]) for name in network.shapes()}
    run = Pass(ops, network, theta, case, dtype)
    close(run.forward(), case["evaluated"], library, dtype)

    draw = case["draw"]
    rows = np.arange(len(case["x"]), dtype=np.uint32) + np.uint32(draw["first_row"])
    run.tape.draw = Draw(draw["seed"], draw["iteration"], draw["substep"], draw["stream"], ops.asarray(rows))
    close(run.forward(), case["y"], library, dtype)
    gradients = run.backward()
    close(gradients["dx"], case["dx"], library, dtype)
    for name in theta:
        close(gradients[name], lay[name[-1]](case[f"d{name}"]), library, dtype)
    masks = {layer: np.array(case[f"kept.{layer}"], bool) for layer in (0, 2, 4)}
    assert all(mask.any() and not mask.all() for mask in masks.values())
    for stage, memory in zip(network.stages, run.tape.layers):
        if hasattr(memory, "kept"):
            assert (ops.to_host(memory.kept) == masks[stage.draw]).all()
        elif hasattr(memory, "winner") and fused:
            assert ((ops.to_host(memory.winner) >= 0) == masks[stage.draw]).all()
