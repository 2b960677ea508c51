"""The .cu files as one text, how to compile it, and what each kernel in it takes.

A kernel's signature says all that a launch has to know: a pointer to const is read, another one is written, and a
number is passed as the type that stands there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FILES = ("common", "philox", "activations", "products", "updates", "noise", "data", "densities")
SIGNATURE = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kernel: `kind` is its C type, or what it points to."""

    name: str
    kind: str
    pointer: bool
    written: bool


def source() -> str:
    """All files as one text, because CuPy's cache of compiled kernels does not follow includes."""
    return "\n".join(Path(__file__).with_name(f"{name}.cu").read_text() for name in FILES)


def options(real: str) -> tuple[str, ...]:
    """The compiler's options; `real` is float or double."""
    return ("-std=c++17", "-fmad=false", f"-DReal={real}")


def signatures(code: str) -> dict[str, list[Parameter]]:
    """The parameters of every kernel by its name."""
    return {name: [_parameter(text) for text in listed.split(",")] for name, listed in SIGNATURE.findall(code)}


def _parameter(text: str) -> Parameter:
    ((kind, pointer, name),) = re.findall(r"\A\s*([\w\s]+?)\s*(\*?)\s*(\w+)\s*\Z", text)
    const = kind.startswith("const ")
    return Parameter(name, kind.removeprefix("const "), bool(pointer), bool(pointer) and not const)
