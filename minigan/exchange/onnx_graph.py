"""A player as an ONNX graph, with any number of rows.

    Linear   Gemm             y (B, O) = x (B, I) W (I, O) + b
    Maxout   Gemm, Reshape to (B, P, O), ReduceMax over P
    Dropout  nothing, as in evaluation
    labels   Gather of rows of the identity, and Concat with z or x

The package `onnx` (extra `export`) writes it; onnxruntime and others run it.
"""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

import minigan
from minigan.errors import ConfigError
from minigan.exchange.portable import Portable
from minigan.exchange.torch_layout import lacking
from minigan.files.whole_file import replace_file
from minigan.layers import Dropout, Linear, Maxout
from minigan.layers.activations import Activation

ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "leaky_relu": "LeakyRelu"}
ATTRIBUTES = {"LeakyRelu": ("alpha",)}
OPSET, IR = 18, 8
"""of 2022, so that runtimes since then read it"""
LARGEST = 2**31
"""bytes of a file of Protocol Buffers"""


def write(player: Portable, out: Path) -> None:
    """G with the input `z` (B, latent) and the output `x` (B, n); or D with the input `x`, and the outputs `logit` and
    `probability`, or `score` where its loss makes no logit, each (B, 1).  Where both are told classes there is also the
    input `label` (B,) int64, the number of each row's class; "classes" in the file's metadata has them in this order.

    Raises ConfigError where `onnx` is not installed, and for what ONNX does not hold; OSError where the disk refuses.
    """
    if sum(weight.nbytes for weight in player.weights.values()) >= LARGEST:
        raise ConfigError("--to onnx: 2 GiB of weights or more, expected less; --to torch takes them")
    replace_file(out, model(player).SerializeToString())


def model(player: Portable) -> Any:
    """The ModelProto, checked.  Raises as `write`."""
    try:
        import onnx
        from onnx import checker, helper, numpy_helper
    except ImportError:
        raise ConfigError("--to onnx: expected the package onnx (pip install 'minigan[export]')") from None
    given, made = ("z", ["x"]) if player.role == "generator" else ("x", ["logit", "probability"])
    if player.role == "discriminator" and not player.probability:
        made = ["score"]
    constants = dict(player.weights)
    nodes, value = [], given

    def add(operator: str, inputs: list[str], name: str, **attributes: float) -> str:
        nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    kind = helper.np_dtype_to_tensor_dtype(player.dtype)
    told = len(player.classes)
    inputs = [helper.make_tensor_value_info(given, kind, ["rows", player.network.n_in - told])]
    if told:
        inputs += [helper.make_tensor_value_info("label", onnx.TensorProto.INT64, ["rows"])]
        constants["classes"] = np.eye(told, dtype=player.dtype)
        value = add("Concat", [given, add("Gather", ["classes", "label"], "y")], "told", axis=1)
    for i, layer in enumerate(player.network.layers):
        match layer:
            case Linear():
                value = add("Gemm", [value, f"{i}.W", f"{i}.b"], f"{i}.y")
            case Maxout():
                constants[f"{i}.pieces"] = np.array([-1, layer.pieces, layer.n_out], np.int64)
                constants[f"{i}.axis"] = np.array([1], np.int64)
                value = add("Gemm", [value, f"{i}.W", f"{i}.b"], f"{i}.z")
                value = add("Reshape", [value, f"{i}.pieces"], f"{i}.zs")
                value = add("ReduceMax", [value, f"{i}.axis"], f"{i}.y", keepdims=0)
            case Dropout():
                pass
            case Activation() if layer.name in ACTIVATIONS:
                operator = ACTIVATIONS[layer.name]
                value = add(operator, [value], f"{i}.y", **dict(zip(ATTRIBUTES.get(operator, ()), astuple(layer))))
            case _:
                raise ConfigError(f"--to onnx: {lacking(layer, ACTIVATIONS)}")
    nodes[-1].output[0] = made[0]
    if made[1:]:
        add("Sigmoid", [made[0]], made[1])
    graph = helper.make_graph(
        nodes,
        player.role,
        inputs,
        [helper.make_tensor_value_info(name, kind, ["rows", player.network.n_out]) for name in made],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()],
    )
    opset = [helper.make_opsetid("", OPSET)]
    written: onnx.ModelProto = helper.make_model(
        graph, opset_imports=opset, ir_version=IR, producer_name="minigan", producer_version=minigan.__version__
    )
    if told:
        helper.set_model_props(written, {"classes": ", ".join(map(str, player.classes))})
    checker.check_model(written)
    return written
