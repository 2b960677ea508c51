"""`check_layer` and `gradcheck --layer`: a right layer of one's own passes, a wrong one fails where it is wrong."""

import numpy as np
import pytest
from own_layers import Affine, Plain, failing

from minigan import Dropout, Linear, ReLU, check_layer, gradcheck
from minigan.backends import get


def failed(layer):
    return {row.name.partition(": ")[2] for row in check_layer(layer) if not row.passed}


@pytest.mark.parametrize("layer", [Plain, Plain(0.3), Affine, Affine(n_in=2, n_out=7), Linear, ReLU, Dropout(0.5)])
def test_a_right_layer_passes_its_check(layer):
    rows = check_layer(layer, get("numpy"))
    assert all(row.passed for row in rows) and len(rows) >= 9


def unwritten(self, ops, p, x, tape):
    y = np.tanh(x)
    tape.kept, tape.y[:, 1:] = y, y[:, 1:]
    return tape.y


def in_place(self, ops, p, x, tape):
    tape.kept = np.tanh(x)
    x[...] = tape.kept
    return x


def spends_its_tape(self, ops, p, dy, tape, grads=None, need_dx=True):
    tape.kept *= tape.kept
    return dy * (1 - tape.kept)


def whole_batch(self, ops, p, dy, tape, grads=None, need_dx=True):
    return dy * (1 - tape.kept**2) * (len(dy) / 5 if len(dy) < 5 else 1)


@pytest.mark.parametrize(
    "methods, rows",
    [
        ({"backward": lambda self, ops, p, dy, tape, *rest: dy * (1 - tape.kept)}, {"dx", "d0.W", "d0.b"}),
        ({"forward": unwritten}, {"y, its memory full of NaN before"}),
        ({"forward": in_place}, {"dx", "d0.W", "d0.b"}),
        ({"backward": spends_its_tape}, {"a second backward", "backward over some rows"}),
        ({"backward": whole_batch}, {"backward over some rows"}),
    ],
)
def test_a_wrong_layer_fails_where_it_is_wrong(methods, rows):
    assert rows <= failed(failing(**methods)) and not failed(Plain)


def test_the_command_checks_a_layer(said, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("from minigan import Linear, LeakyReLU\nlayer, number = LeakyReLU(0.3), 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("layer", "LeakyReLU", "Linear"):
        code, out, _ = said(gradcheck.main, "--layer", f"mine:{name}")
        assert code == 0 and "a second backward" in out and "none failed" in out and "Maxout" not in out
    for text, message in {
        "mine:nothing": "--layer mine:nothing: expected module:Name",
        "no_such_module:Mine": "No module named",
        "mine": "--layer mine: expected module:Name",
        "mine:number": "7, expected layers such as",
        "minigan:Maxout": "Maxout needs n_in, n_out, pieces: expected a layer, Maxout",
    }.items():
        code, out, error = said(gradcheck.main, "--layer", text)
        assert code == 2 and out == "" and message in error and len(error.splitlines()) == 1


def test_the_command_fails_where_the_layer_does(said, tmp_path, monkeypatch):
    source = """
from minigan.layers.activations import Sigmoid
class Wrong(Sigmoid):
    def derive(self, ops, dy, y, out):
        return ops.activation_backward("relu", dy, y, out)
"""
    (tmp_path / "wrong.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    code, out, _ = said(gradcheck.main, "--layer", "wrong:Wrong")
    failed = {line.split(":")[0] for line in out.splitlines() if line.endswith("FAILED")}
    assert code == 1 and failed == {"Wrong", "Linear+Wrong"}
