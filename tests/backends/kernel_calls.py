"""One right call of every kernel of the contract, and the wrong calls made from it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import astuple, dataclass, replace
from functools import cache
from math import e, exp
from types import SimpleNamespace

import numpy as np

from minigan.backends.clock import Count
from minigan.backends.numpy_ops import NumpyOps
from minigan.backends.ops import Ops
from minigan.game.losses import LOSSES
from minigan.game.schedules import ExponentialDecay, LinearRamp
from minigan.layers.activations import ACTIVATIONS
from minigan.rng import Draw

INNER, PIECES, EXAMPLES, KEEP = 9, 3, 11, 0.6
POISON = {"f": np.nan, "i": 77, "u": 77}
NUMPY = NumpyOps()
NOT_KERNELS = {
    *("threads", "session", "empty", "zeros", "asarray", "to_host", "snapshot", "on_host", "norm"),
    "permutation",
    *("clock", "set_clock", "tick"),
}


@dataclass(frozen=True)
class Kernel:
    """What holds of a kernel on every backend; its right call is in `_calls`.

    written   the arguments that it fills; the first is what it returns
    scratch   those whose contents are the backend's own affair afterwards
    in_place  the argument that `out` may be
    special   what has to come out of NaN, infinities and zeros that go in entry by entry; () where it is not tested

    How far two backends' results may be apart; where nothing is said, they are equal bits:
    bound     of each entry, told by the call, its arrays without signs, and by the unit of rounding
    ulps      units in its last place
    gpu       units in the last place of max(1, |entry|), on a GPU alone

    formula   of an activation by x, in Python's own numbers; of its backward the slope by x
    """

    written: tuple[str, ...] = ("out",)
    scratch: tuple[str, ...] = ()
    in_place: str | None = None
    special: tuple[Callable, ...] = ()
    bound: Callable[[SimpleNamespace, float], np.ndarray] | None = None
    ulps: int = 0
    gpu: int = 0
    formula: Callable[[float], float] | None = None

    def apart(self, arguments: dict, expected: np.ndarray):
        """How far from NumPy's `expected` another backend's result of a call may be; 0 asks for equal bits."""
        if self.bound is None:
            return self.ulps * np.spacing(np.abs(expected))
        sizes = {n: np.abs(v).astype(float) if isinstance(v, np.ndarray) else v for n, v in arguments.items()}
        return self.bound(SimpleNamespace(**sizes, expected=np.abs(expected)), np.finfo(expected.dtype).eps)


ANY = np.isnan, np.isinf
FORWARD, BACKWARD = "activation", "activation_backward"
LOSS_NAMES = {loss.name: None for loss in LOSSES.values()}
TABLE = {
    "copy": Kernel(),
    "gemm": Kernel(bound=lambda a, eps: (a.a.shape[1] + 4) * eps * (a.a @ a.b)),
    "affine": Kernel(bound=lambda a, eps: (a.x.shape[1] + 4) * eps * (a.x @ a.W + a.b)),
    "colsum": Kernel(bound=lambda a, eps: (len(a.a) + 4) * eps * a.a.sum(axis=0)),
    "relu": Kernel(in_place="z", special=ANY, formula=lambda x: max(0.0, x)),
    "relu_backward": Kernel(in_place="dy", special=ANY, formula=lambda x: float(x > 0)),
    "sigmoid": Kernel(in_place="z", special=(np.isnan,), ulps=4, formula=lambda x: 1 / (1 + exp(-x))),
    "sigmoid_backward": Kernel(in_place="dy", special=ANY, formula=lambda x: 1 / (2 + exp(-x) + exp(x))),
    "tanh": Kernel(in_place="z", special=(np.isnan,), ulps=4, formula=lambda x: (e**x - e**-x) / (e**x + e**-x)),
    "tanh_backward": Kernel(in_place="dy", special=ANY, formula=lambda x: (2 / (e**x + e**-x)) ** 2),
    "leaky_relu": Kernel(in_place="z", special=ANY, formula=lambda x: x if x > 0 else 0.01 * x),
    "leaky_relu_backward": Kernel(in_place="dy", special=ANY, formula=lambda x: 1 if x > 0 else 0.01),
    "maxout": Kernel(written=("out", "winner"), scratch=("z",), special=ANY),
    "maxout_backward": Kernel(special=ANY),
    "dropout": Kernel(written=("out", "kept"), special=ANY),
    "dropout_backward": Kernel(in_place="dy", special=ANY),
    **{
        f"{name}_backward": Kernel(bound=lambda a, eps: 4 * eps * np.maximum(a.scale, a.expected))
        for name in LOSS_NAMES
    },
    "residual": Kernel(in_place="y", special=ANY),
    "add": Kernel(written=("theta",), special=ANY),
    "adam": Kernel(written=("theta", "first", "second"), gpu=8),
    "average": Kernel(written=("mean",)),
    "limit_column_norms": Kernel(written=("W",), gpu=4),
    "gather": Kernel(),
    "beside": Kernel(special=ANY),
    "leading": Kernel(special=ANY),
    "uniform": Kernel(),
    "normal": Kernel(gpu=8),
    "spherical": Kernel(gpu=8),
    "mixture": Kernel(gpu=8),
    "log_sum_exp": Kernel(
        written=("total", "peak"),
        scratch=("product",),
        bound=lambda a, eps: (a.product.shape[1] + 8) * eps * a.expected,
    ),
}
KERNELS = sorted(TABLE)
IN_PLACE = {kernel: row.in_place for kernel, row in TABLE.items() if row.in_place}
SPECIAL = [kernel for kernel, row in TABLE.items() if row.special]


def method_of(kernel: str) -> str:
    """The method of `Ops` that runs a kernel: an activation's and a loss's has its name among its arguments."""
    name = kernel.removesuffix("_backward")
    if name in LOSS_NAMES:
        return "loss_backward"
    return kernel if name not in ACTIVATIONS else FORWARD if kernel == name else BACKWARD


def called(ops: Ops, kernel: str, **arguments):
    """Call a kernel."""
    return getattr(ops, method_of(kernel))(**arguments)


def written(kernel: str) -> tuple[str, ...]:
    """The arguments that a kernel fills; the first is what it returns."""
    return TABLE[kernel].written


def poisoned(shape, kind) -> np.ndarray:
    """NaN, or 77: what may not be read."""
    return np.full(shape, POISON[np.dtype(kind).kind], kind)


def draw_of(n_rows: int, first: int = 7, **changes) -> Draw:
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
    z, y, out, draw = normal(b, o), normal(b, o), poisoned((b, o), dtype), draw_of(b)
    order = np.stack([np.roll(np.arange(b + EXAMPLES, dtype=np.int32), shift) for shift in (3, 5)])
    clock = ticked()
    activations = {name: {"name": name, "numbers": astuple(make())} for name, make in ACTIVATIONS.items()}
    return {
        "copy": {"source": z, "out": out},
        "gemm": {"a": normal(b, INNER), "b": normal(INNER, o), "out": out},
        "affine": {"x": normal(b, INNER), "W": normal(INNER, o), "b": normal(o), "out": out},
        "colsum": {"a": z, "out": poisoned((o,), dtype)},
        **{name: {"z": z, "out": out, "bias": normal(o)} | f for name, f in activations.items()},
        **{
            f"{name}_backward": {"dy": z, "y": NUMPY.activation(z=y, out=np.empty_like(y), **f), "out": out} | f
            for name, f in activations.items()
        },
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
        **{
            f"{name}_backward": {
                "name": name,
                "logits": 3 * normal(b, 1),
                "ones": b // 2,
                "scale": 1 / b,
                "out": poisoned((b, 1), dtype),
            }
            for name in LOSS_NAMES
        },
        "residual": {"y": y, "target": z, "scale": 0.3, "out": out},
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
        "average": {"mean": normal(b * o), "theta": normal(b * o), "count": Count(clock), "horizon": 4, "eta": 0.5},
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
        "beside": {"left": z, "right": normal(b, 3), "out": poisoned((b, o + 3), dtype)},
        "leading": {"a": normal(b, o + 3), "out": out},
        "uniform": {"draw": draw, "limit": 3**0.5, "out": out},
        "normal": {"draw": draw, "out": out},
        "spherical": {"draw": draw, "out": out},
        "mixture": {
            "modes": draw_of(b, stream=2),
            "noise": draw,
            "centres": normal(4, o),
            "deviation": 0.1,
            "out": out,
        },
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
    ("leading", "a", "wider"),
    ("leading", "out", "wider"),
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
