"""One right call of every kernel of the contract, and the wrong calls made from it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache

import numpy as np

from minigan.backends.clock import Count
from minigan.backends.numpy_ops import NumpyOps
from minigan.backends.ops import Ops
from minigan.game.schedules import ExponentialDecay, LinearRamp
from minigan.rng import Draw

INNER, PIECES, EXAMPLES, KEEP = 9, 3, 11, 0.6
POISON = {"f": np.nan, "i": 77, "u": 77}
WRITTEN = {
    "maxout": ("out", "winner"),
    "dropout": ("out", "kept"),
    "add": ("theta",),
    "adam": ("theta", "first", "second"),
    "average": ("mean",),
    "limit_column_norms": ("W",),
    "log_sum_exp": ("total", "peak"),
}
SCRATCH = {"maxout": ("z",), "log_sum_exp": ("product",)}
IN_PLACE = {
    "relu": "z",
    "sigmoid": "z",
    "relu_backward": "dy",
    "sigmoid_backward": "dy",
    "dropout_backward": "dy",
}
NOT_KERNELS = {
    *("threads", "session", "empty", "zeros", "asarray", "to_host", "snapshot", "norm", "permutation"),
    *("clock", "set_clock", "tick"),
}
KERNELS = sorted(Ops.__abstractmethods__ - NOT_KERNELS)


def written(kernel: str) -> tuple[str, ...]:
    """The arguments that a kernel fills; the first is what it returns."""
    return WRITTEN.get(kernel, ("out",))


def poisoned(shape, kind) -> np.ndarray:
    """NaN, or 77: what nobody may read."""
    return np.full(shape, POISON[np.dtype(kind).kind], kind)


def place(n_rows: int, first: int = 7, **changes) -> Draw:
    """Random numbers for rows that do not begin at 0, under a seed of more than 32 bits."""
    rows = (first + np.arange(n_rows, dtype=np.uint64)).astype(np.uint32)
    return replace(Draw(2**40 + 3, 5, 1, 2050, rows), **changes)


def ticked(iteration: int = 3):
    """A clock of NumPy arrays with a learning rate of about .2 and a momentum of about .5, at an iteration."""
    ops = NumpyOps()
    clock = ops.clock(ExponentialDecay(0.2, 1.05), LinearRamp(0.5, 0.7, epochs=4, iterations_per_epoch=2))
    ops.set_clock(clock, iteration)
    return clock


@cache
def _calls(dtype, rows: int, width: int) -> dict[str, dict]:
    generator = np.random.default_rng([rows, width])

    def normal(*shape):
        return generator.standard_normal(shape).astype(dtype)

    def whole(high, shape, kind):
        return generator.integers(0, high, shape).astype(kind)

    b, o, p = rows, width, PIECES * width
    z, y, out, draw = normal(b, o), normal(b, o), poisoned((b, o), dtype), place(b)
    order = np.stack([np.roll(np.arange(b + EXAMPLES, dtype=np.int32), shift) for shift in (3, 5)])
    clock = ticked()
    return {
        "copy": {"source": z, "out": out},
        "gemm": {"a": normal(b, INNER), "b": normal(INNER, o), "out": out},
        "affine": {"x": normal(b, INNER), "W": normal(INNER, o), "b": normal(o), "out": out},
        "colsum": {"a": z, "out": poisoned((o,), dtype)},
        "relu": {"z": z, "out": out, "bias": normal(o)},
        "relu_backward": {"dy": z, "y": np.maximum(y, 0), "out": out},
        "sigmoid": {"z": z, "out": out, "bias": normal(o)},
        "sigmoid_backward": {"dy": z, "y": 1 / (1 + np.exp(-y)), "out": out},
        "maxout": {
            "z": normal(b, p),
            "bias": normal(p),
            "keep": KEEP,
            "draw": draw,
            "out": out,
            "winner": poisoned((b, o), np.int8),
        },
        "maxout_backward": {
            "dy": z,
            "winner": whole(PIECES + 1, (b, o), np.int8) - np.int8(1),
            "scale": 1 / KEEP,
            "out": poisoned((b, p), dtype),
        },
        "dropout": {"x": z, "keep": KEEP, "draw": draw, "out": out, "kept": poisoned((b, o), np.uint8)},
        "dropout_backward": {"dy": z, "kept": whole(2, (b, o), np.uint8), "keep": KEEP, "out": out},
        "cross_entropy_backward": {
            "logits": 3 * normal(b, 1),
            "targets": whole(2, (b, 1), dtype),
            "scale": 1 / b,
            "out": poisoned((b, 1), dtype),
        },
        "add": {"theta": normal(b * o), "step": normal(b * o)},
        "adam": {
            "theta": normal(b * o),
            "gradient": normal(b * o),
            "first": normal(b * o),
            "second": normal(b * o) ** 2,
            "count": Count(clock),
            "clock": clock,
            "beta1": 0.9,
            "beta2": 0.999,
            "epsilon": 1e-8,
        },
        "average": {"mean": normal(b * o), "theta": normal(b * o), "count": Count(clock), "horizon": 4},
        "limit_column_norms": {"W": normal(b, o), "limit": 0.9 * b**0.5},
        "gather": {
            "examples": normal(b + EXAMPLES, o),
            "order": order,
            "count": Count(clock),
            "batch_size": b,
            "rows": np.arange(b, dtype=np.uint32),
            "scale": normal(b + EXAMPLES),
            "shift": normal(b + EXAMPLES),
            "out": out,
        },
        "uniform": {"draw": draw, "limit": 3**0.5, "out": out},
        "normal": {"draw": draw, "out": out},
        "spherical": {"draw": draw, "out": out},
        "mixture": {"modes": place(b, stream=2), "noise": draw, "centres": normal(4, o), "deviation": 0.1, "out": out},
        "log_sum_exp": {
            "product": z,
            "x_norms": 9 + y[:, 0] ** 2,
            "s_norms": 9 + normal(o) ** 2,
            "precisions": np.array([0.5, 12.5], dtype),
            "peak": np.stack([np.full(b, -np.inf), -7 + normal(b)]).astype(dtype),
            "total": np.stack([np.zeros(b), 1 + normal(b) ** 2]).astype(dtype),
        },
    }


def right_call(kernel: str, dtype=np.float64, rows: int = 3, width: int = 5) -> dict:
    """Arguments by name, arrays of their own; what the kernel writes whole is poisoned."""
    return deepcopy(_calls(dtype, rows, width)[kernel])


def bits(arguments: dict) -> dict:
    """Every array among the arguments to the last bit."""
    arrays = {name: getattr(value, "rows", value) for name, value in arguments.items()}
    return {name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items() if isinstance(a, np.ndarray)}


# ---- Wrong calls -----------------------------------------------------------------------------------------------

OTHER = {"float64": "float32", "float32": "float64"}
SPOILS = {
    "wider": lambda a: np.concatenate([a, a[..., -1:]], axis=-1),
    "longer": lambda a: np.concatenate([a, a[-1:]]),
    "of another dtype": lambda a: a.astype(OTHER.get(a.dtype.name, "int64")),
    "in Fortran order": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
}
ALLOWED = {
    ("colsum", "a", "longer"),
    ("limit_column_norms", "W", "wider"),
    ("limit_column_norms", "W", "longer"),
    ("limit_column_norms", "W", "of another dtype"),
    ("gather", "examples", "of another dtype"),
    ("mixture", "centres", "longer"),
} | {(kernel, "out", how) for kernel in ("uniform", "normal", "spherical") for how in ("wider", "of another dtype")}


def spoilt_call(kernel: str, argument: str, how: str) -> dict:
    """The right call with one array made wrong in one way."""
    arguments = right_call(kernel)
    value = arguments[argument]
    spoil = SPOILS[how]
    arguments[argument] = replace(value, rows=spoil(value.rows)) if isinstance(value, Draw) else spoil(value)
    return arguments


def _wrong_calls():
    for kernel in KERNELS:
        for argument, value in right_call(kernel).items():
            array = getattr(value, "rows", value)
            if isinstance(array, np.ndarray):
                hows = SPOILS if min(array.shape) > 1 and array.ndim == 2 else ("wider", "of another dtype", "strided")
                yield from ((kernel, argument, how) for how in hows if (kernel, argument, how) not in ALLOWED)


WRONG_CALLS = list(_wrong_calls())
