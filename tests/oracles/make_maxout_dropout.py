"""Makes maxout_dropout.json: what thinc and Chainer make of random maxout units and dropout masks.

Both are MIT-licensed; nothing of theirs is copied, they are asked.  Chainer 7.8.1, its last release, needs a NumPy
below 1.24 and so an environment of its own, with Python 3.11:

    python3.11 -m venv oracles
    oracles/bin/pip install "numpy==1.23.5" "protobuf<4" "setuptools<66" wheel
    oracles/bin/pip install --no-build-isolation chainer==7.8.1 thinc==8.3.14
    oracles/bin/python tests/oracles/make_maxout_dropout.py

Arrays lie as both libraries have them: pieces are the last axis of (B, O, P), and W is (O, P, I).  Inputs have three
decimals, or are small integers where pieces shall tie; thinc computes in float32, Chainer in float64.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib.metadata import metadata
from pathlib import Path

import chainer
import numpy as np
from chainer import functions as F
from chainer import links as L
from thinc.api import Dropout, Maxout, NumpyOps, set_current_ops

HERE = Path(__file__).parent
SHAPES = [(4, 3, 2), (3, 4, 5), (2, 3, 1)]
"""(B, O, P)"""
TIED = (5, 4, 3)
DRAW = {"seed": 2**33 + 7, "iteration": 3, "substep": 1, "stream": 2048, "first_row": 2}
"""where minigan draws the masks that Chainer's discriminator is given"""


def minigan_rng():
    """minigan/rng.py from its file, since the rest of minigan wants a newer NumPy."""
    spec = importlib.util.spec_from_file_location("minigan_rng", HERE.parents[1] / "minigan" / "rng.py")
    module = sys.modules["minigan_rng"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Source:
    """Random numbers with three decimals, of one dtype."""

    def __init__(self, seed: int, dtype):
        self.generator, self.dtype = np.random.default_rng(seed), dtype

    def normal(self, *shape) -> np.ndarray:
        return self.generator.standard_normal(shape).round(3).astype(self.dtype)

    def tied(self, *shape) -> np.ndarray:
        """Integers -1, 0 and 1."""
        return self.generator.integers(-1, 2, shape).astype(self.dtype)


class Watched(NumpyOps):
    """thinc's own kernels; remembers the last dropout mask."""

    def get_dropout_mask(self, shape, drop):
        self.mask = super().get_dropout_mask(shape, drop)
        return self.mask


def thinc_kernel(seed: int, dtype, shape: tuple[int, int, int], tied: bool) -> dict:
    """Ops.maxout and Ops.backprop_maxout: z (B, O, P) to y, which (B, O); dy (B, O) to dz (B, O, P)"""
    source, ops = Source(seed, dtype), NumpyOps()
    z = source.tied(*shape) if tied else source.normal(*shape)
    dy = source.normal(*shape[:2])
    y, which = ops.maxout(z)
    return {"z": z, "y": y, "which": which, "dy": dy, "dz": ops.backprop_maxout(dy, which, shape[2])}


def thinc_layer(seed: int, ops: Watched, n_in: int, n_out: int, pieces: int, rate: float) -> dict:
    """thinc.layers.Maxout with its own dropout: x (B, I) to y (B, O), in training and in evaluation"""
    source, B = Source(seed, np.float32), 5
    W, b = source.normal(n_out, pieces, n_in), source.normal(n_out, pieces)
    x, dy = source.normal(B, n_in), source.normal(B, n_out)
    model = Maxout(n_out, n_in, pieces, dropout=rate)
    maxout = model.layers[0]
    maxout.set_param("W", W)
    maxout.set_param("b", b)
    ops.mask = np.ones((B, n_out))
    np.random.seed(seed)
    y, backprop = model(x, is_train=True)
    dx = backprop(dy)
    gradients = {"dW": maxout.get_grad("W"), "db": maxout.get_grad("b")}
    inputs = {"rate": rate, "x": x, "W": W, "b": b, "kept": ops.mask > 0, "dy": dy}
    return inputs | {"y": y, "evaluated": model.predict(x), "dx": dx} | gradients


def thinc_dropout(seed: int, ops: Watched, rate: float) -> dict:
    """thinc.layers.Dropout: x, y (B, I)"""
    source = Source(seed, np.float32)
    x, dy = source.normal(4, 6), source.normal(4, 6)
    np.random.seed(seed)
    y, backprop = Dropout(rate)(x, is_train=True)
    return {"rate": rate, "x": x, "kept": ops.mask > 0, "y": y, "dy": dy, "dx": backprop(dy)}


def chainer_function(seed: int, shape: tuple[int, int, int], tied: bool) -> dict:
    """chainer.functions.maxout over the columns o P + p of (B, O P), here written as (B, O, P)"""
    source = Source(seed, np.float64)
    z = source.tied(*shape) if tied else source.normal(*shape)
    dy = source.normal(*shape[:2])
    given = chainer.Variable(z.reshape(shape[0], -1))
    y = F.maxout(given, shape[2])
    y.grad = dy
    y.backward()
    return {"z": z, "y": y.array, "dy": dy, "dz": given.grad.reshape(shape)}


def chainer_layer(seed: int, n_in: int, n_out: int, pieces: int) -> dict:
    """chainer.links.Maxout: x (B, I) to y (B, O)"""
    source = Source(seed, np.float64)
    W, b = source.normal(n_out, pieces, n_in), source.normal(n_out, pieces)
    x, dy = source.normal(5, n_in), source.normal(5, n_out)
    with chainer.using_config("dtype", np.float64):
        link = L.Maxout(n_in, n_out, pieces, initialW=W, initial_bias=b)
    link.cleargrads()  # which are NaN before
    given = chainer.Variable(x)
    y = link(given)
    y.grad = dy
    y.backward()
    dW, db = (a.grad.reshape(a_like.shape) for a, a_like in ((link.linear.W, W), (link.linear.b, b)))
    return {"x": x, "W": W, "b": b, "dy": dy, "y": y.array, "dx": given.grad, "dW": dW, "db": db}


def chainer_dropout(seed: int, rate: float) -> dict:
    """chainer.functions.dropout under a mask of its own: x, y (B, I)"""
    source = Source(seed, np.float64)
    x, dy = source.normal(4, 6), source.normal(4, 6)
    given = chainer.Variable(x)
    np.random.seed(seed)
    y, mask = F.dropout(given, rate, return_mask=True)
    y.grad = dy
    y.backward()
    return {"rate": rate, "x": x, "kept": mask > 0, "y": y.array, "dy": dy, "dx": given.grad}


def chainer_discriminator(seed: int) -> dict:
    """A small D, from dropout to logit, under masks that minigan draws; the gradients are Chainer's own.

    Dropout(.8), Maxout(4, 6, 3), Dropout(.5), Maxout(6, 4, 2), Dropout(.5), Linear(4, 1); of Linear, W is (1, 4).
    """
    rng, source, B = minigan_rng(), Source(seed, np.float64), 5
    rows = (DRAW["first_row"] + np.arange(B)).astype(np.uint32)
    draw = rng.Draw(DRAW["seed"], DRAW["iteration"], DRAW["substep"], DRAW["stream"], rows)
    theta = {
        "1.W": source.normal(6, 3, 4),
        "1.b": source.normal(6, 3),
        "3.W": source.normal(4, 2, 6),
        "3.b": source.normal(4, 2),
        "5.W": source.normal(1, 4),
        "5.b": source.normal(1),
    }
    x, dy = source.normal(B, 4), source.normal(B, 1)
    given = chainer.Variable(x)
    flat = {n: a.reshape(-1, a.shape[-1]) if n.endswith("W") else a.reshape(-1) for n, a in theta.items()}
    variables = {n: chainer.Variable(a) for n, a in flat.items()}
    kept = {}

    def dropped(h, layer: int, keep: float):
        kept[layer] = rng.words(draw.layer(layer), h.shape[1]) < rng.keep_threshold(keep)
        return F.dropout(h, 1 - keep, mask=kept[layer] / keep)

    def logits():
        h = F.linear(dropped(given, 0, 0.8), variables["1.W"], variables["1.b"])
        h = F.linear(dropped(F.maxout(h, 3), 2, 0.5), variables["3.W"], variables["3.b"])
        return F.linear(dropped(F.maxout(h, 2), 4, 0.5), variables["5.W"], variables["5.b"])

    with chainer.using_config("train", False):
        evaluated = logits().array
    y = logits()
    y.grad = dy
    y.backward()
    gradients = {f"d{n}": variables[n].grad.reshape(a.shape) for n, a in theta.items()}
    masks = {f"kept.{layer}": mask for layer, mask in kept.items()}
    found = {"y": y.array, "evaluated": evaluated, "dx": given.grad}
    return {"draw": DRAW} | theta | {"x": x, "dy": dy} | masks | found | gradients


def plain(value):
    """For JSON: an array as nested lists, a float32 by the shortest decimal that gives it back."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype == np.float32:
        return np.array([float(str(entry)) for entry in value.flat]).reshape(value.shape).tolist()
    return (value.astype(int) if value.dtype == bool else value).tolist()


def make() -> dict[str, list[dict]]:
    """The cases of each function, by its name."""
    ops = Watched()
    set_current_ops(ops)
    shapes = [*((shape, False) for shape in SHAPES), (TIED, True)]
    return {
        "thinc.Ops.maxout": [thinc_kernel(i, np.float32, *s) for i, s in enumerate(shapes)]
        + [thinc_kernel(10, np.float64, TIED, True)],
        "thinc.Maxout": [thinc_layer(20, ops, 4, 3, 5, 0.0), thinc_layer(21, ops, 3, 6, 2, 0.5)]
        + [thinc_layer(22, ops, 4, 5, 3, 0.2)],
        "thinc.Dropout": [thinc_dropout(30, ops, 0.5), thinc_dropout(31, ops, 0.2)],
        "chainer.maxout": [chainer_function(40 + i, *s) for i, s in enumerate(shapes)],
        "chainer.Maxout": [chainer_layer(50, 4, 3, 5), chainer_layer(51, 3, 4, 2)],
        "chainer.dropout": [chainer_dropout(60, 0.5), chainer_dropout(61, 0.2)],
        "chainer discriminator": [chainer_discriminator(70)],
    }


def main() -> None:
    """Write the file beside this one: one line a case."""
    libraries = {
        name: {"version": metadata(name)["Version"], "licence": metadata(name)["License"]}
        for name in ("thinc", "chainer", "numpy")
    }
    head = {"made by": "tests/oracles/make_maxout_dropout.py", "libraries": libraries}
    parts = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for name, cases in make().items():
        lines = ",\n".join(json.dumps(plain(case), allow_nan=False) for case in cases)
        parts.append(f"{json.dumps(name)}: [\n{lines}\n]")
    (HERE / "maxout_dropout.json").write_text("{" + ",\n".join(parts) + "}\n")


if __name__ == "__main__":
    main()
