"""What a student's function is asked, and what is said of its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

FORMULA, EDGES, FLOAT32 = "formula", "edges", "float32"
"""what a question is about: the formula where all is smooth, a kink or a limit, and whether float32 stays float32"""
TOLERANCE = 1e-10
"""of the largest entry, in float64: what float32 on the way would miss a thousand times over"""
TOLERANCE_32 = 1e-5


@dataclass(frozen=True)
class Question:
    """A call, and `judge`, which says what is wrong with what it returned, "" where nothing is."""

    about: str
    module: str
    function: str
    arguments: list[Any]
    judge: Callable[[Any], str]

    def in_float32(self, judge: Callable[[Any], str]) -> Question:
        """The same call with every float64 as float32."""
        return Question(FLOAT32, self.module, self.function, _in_float32(self.arguments), judge)


def like(names: str, expected: Any, tolerance: float = TOLERANCE, source: str = "expected") -> Callable[[Any], str]:
    """A judge: what is returned must be these arrays, in shape, dtype and numbers.

    names     of what is returned, "dx dW db"; one name for one array
    expected  the array, or a list of them
    tolerance of the largest entry of each array
    source    where the expected number is from, in words
    """

    def judge(found: Any) -> str:
        words = names.split()
        if len(words) == 1:
            return difference(words[0], found, expected, tolerance, source)
        if not isinstance(found, list) or len(found) != len(words):
            return f"returned {_what(found)}, expected {', '.join(words)}"
        said = (difference(*each, tolerance, source) for each in zip(words, found, expected))
        return next(filter(None, said), "")

    return judge


def difference(name: str, found: Any, expected: Any, tolerance: float, source: str = "expected") -> str:
    """What is wrong with an array or a list of arrays, "" where nothing is."""
    if isinstance(expected, list | tuple):
        if not isinstance(found, list) or len(found) != len(expected):
            return f"{name} is {_what(found)}, expected {len(expected)} arrays"
        said = (difference(f"{name}[{i}]", *each, tolerance, source) for i, each in enumerate(zip(found, expected)))
        return next(filter(None, said), "")
    if not isinstance(found, np.ndarray | float | int):
        return f"{name} is {_what(found)}, expected {_what(expected)}"
    if isinstance(found, int) and abs(found) >= 1 << 63:
        return f"{name} is not finite"
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return f"{name} has shape {found.shape}, expected {expected.shape}"
    if found.dtype != expected.dtype and expected.shape:
        return f"{name} is {found.dtype}, expected {expected.dtype}"
    if not np.isfinite(found).all():
        return f"{name} is not finite"
    error = np.abs(found.astype(float) - expected)
    if error.max(initial=0) <= tolerance * np.abs(expected).max(initial=0):
        return ""
    where = np.unravel_index(int(error.argmax()), error.shape)
    entry = f"[{', '.join(map(str, where))}]" if where else ""
    return f"{name}{entry} is {float(found[where]):.7g}, {source} {float(expected[where]):.7g}"


def _what(thing: Any) -> str:
    if isinstance(thing, np.ndarray):
        return f"an array of shape {thing.shape}"
    if isinstance(thing, list):
        return f"{len(thing)} things"
    return "nothing" if thing is None else f"a {type(thing).__name__}"


def _in_float32(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_in_float32(part) for part in tree]
    return tree.astype(np.float32) if isinstance(tree, np.ndarray) and tree.dtype == np.float64 else tree
