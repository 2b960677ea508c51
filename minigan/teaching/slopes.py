"""Questions about derivatives: layers by their inputs and weights, losses by the logits, against finite differences.

The differences are of the course's own forward, whatever the student's has become.  They have six points, so their
error is of order h^6, and inputs keep farther from every kink than the farthest of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigan.teaching.course import layers, losses
from minigan.teaching.questions import EDGES, FORMULA, TOLERANCE_32, Question, like

H = 2.0**-6
STENCIL = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
"""f'(a) = (1/h) sum_j c_j (f(a + j h) - f(a - j h)) + O(h^6)"""
CLEAR = 4 * H
"""how far inputs keep from a kink"""
SIZES = ((5, 4, 3), (3, 2, 6), (1, 3, 2))
"""rows, columns in, columns out"""
A_DIFFERENCE = "by finite difference"


def slope(f: Callable[[np.ndarray], float], a: np.ndarray) -> np.ndarray:
    """df/da, of the shape of a."""
    found = np.zeros_like(a)
    for i in np.ndindex(a.shape):
        for j, c in STENCIL.items():
            step = np.zeros_like(a)
            step[i] = j * H
            found[i] += c * (f(a + step) - f(a - step)) / H
    return found


def questions(random: np.random.Generator) -> Iterator[Question]:
    """About every backward pass of the course, about numbers that nobody can have seen before."""
    for rows, n_in, n_out in SIZES:
        yield from _smooth(random, rows, n_in, n_out)
    yield from _edges(random)


def _smooth(random: np.random.Generator, rows: int, n_in: int, n_out: int) -> Iterator[Question]:
    def asked(
        module: str, function: str, names: str, given: list[Any], *pairs: tuple[Any, np.ndarray]
    ) -> Iterator[Question]:
        """pairs: (a function of one argument, that argument) of each derivative"""
        expected = [slope(f, a) for f, a in pairs]
        whole = expected if len(names.split()) > 1 else expected[0]
        question = Question(FORMULA, module, function, given, like(names, whole, source=A_DIFFERENCE))
        narrow = [e.astype(np.float32) for e in expected]
        yield question
        yield question.in_float32(like(names, narrow if len(narrow) > 1 else narrow[0], TOLERANCE_32))

    normal = random.standard_normal
    x, W, b, dy = normal((rows, n_in)), normal((n_in, n_out)), normal(n_out), normal((rows, n_out))

    def weighed(y: np.ndarray) -> float:
        """A loss whose derivative by y is dy."""
        return float(np.sum(dy * y))

    yield from asked(
        "layers", "linear_backward", "dx dW db", [dy, x, W],
        (lambda a: weighed(layers.linear(a, W, b)), x),
        (lambda a: weighed(layers.linear(x, a, b)), W),
        (lambda a: weighed(layers.linear(x, W, a)), b),
    )  # fmt: skip
    a = clear(random, (rows, n_out))
    yield from asked(
        "layers", "relu_backward", "dx", [dy, layers.relu(a)], (lambda a: weighed(layers.relu(a)), a)
    )  # fmt: skip
    s = normal((rows, n_out))
    yield from asked(
        "layers", "sigmoid_backward", "dx", [dy, layers.sigmoid(s)], (lambda s: weighed(layers.sigmoid(s)), s)
    )  # fmt: skip
    z = apart(random, rows, 3, n_out)
    yield from asked("layers", "maxout_backward", "dz", [dy, z], (lambda z: weighed(layers.maxout(z, 3)), z))
    kept, keep = random.random((rows, n_out)) < 0.5, 0.8
    kept[0, 0] = False
    yield from asked(
        "layers", "dropout_backward", "dx", [dy, kept, keep], (lambda s: weighed(layers.dropout(s, kept, keep)), s)
    )  # fmt: skip
    l, l_g = 2 * normal((2 * rows, 1)), 2 * normal((rows, 1))
    yield from asked("losses", "d_slope", "dl", [l], (losses.d_loss, l))
    for saturating in (False, True):
        yield from asked("losses", "g_slope", "dl", [l_g, saturating], (lambda l: losses.g_loss(l, saturating), l_g))


def _edges(random: np.random.Generator) -> Iterator[Question]:
    def asked(module: str, function: str, names: str, given: list[Any], expected: Any, where: str) -> Question:
        """Exactly these numbers; `where` says in which case."""
        judge = like(names, expected, 1e-15)
        return Question(EDGES, module, function, given, lambda found: (said := judge(found)) and f"{where}: {said}")

    dy = random.standard_normal((2, 3))
    one = [np.array([[v]]) for v in (2.0, 3.0, 5.0)]
    row = [np.array([[15.0]]), np.array([[6.0]]), np.array([3.0])]
    yield asked("layers", "linear_backward", "dx dW db", [one[1], one[0], one[2]], row, "one row, one column")
    kink, off = np.array([[0.0, 1.0, 0.0], [2.0, 0.0, 0.5]]), np.array([[0, 1, 0], [1, 0, 1]], bool)
    yield asked("layers", "relu_backward", "dx", [dy, kink], np.where(off, dy, 0), "where y is 0")
    full = np.array([[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    yield asked("layers", "sigmoid_backward", "dx", [dy, full], 0 * dy, "where y is 0 or 1")
    tie, alone = np.zeros((2, 6)), np.concatenate([dy, 0 * dy], axis=1)
    yield asked("layers", "maxout_backward", "dz", [dy, tie], alone, "at a tie")
    yield asked("layers", "maxout_backward", "dz", [dy, dy], dy, "of one piece")
    yield asked("layers", "dropout_backward", "dx", [dy, np.zeros((2, 3), bool), 0.5], 0 * dy, "where nothing was kept")
    yield asked("layers", "dropout_backward", "dx", [dy, np.ones((2, 3), bool), 1.0], dy, "where all was kept")
    sure = np.array([[1000.0], [-1000.0], [1000.0], [-1000.0]])
    yield asked("losses", "d_slope", "dl", [sure], np.array([[0.0], [-0.5], [0.5], [0.0]]), "at logits of 1000")
    yield asked("losses", "d_slope", "dl", [np.zeros((2, 1))], np.array([[-0.5], [0.5]]), "with m = 1")
    for saturating, dl in ((False, [0.0, -0.5]), (True, [-0.5, 0.0])):
        given = [sure[:2], saturating]
        yield asked(
            "losses", "g_slope", "dl", given, np.array(dl)[:, None], f"at logits of 1000, saturating={saturating}"
        )


def clear(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of both signs that keep away from 0."""
    a = random.standard_normal(shape)
    return a + np.copysign(CLEAR, a)


def apart(random: np.random.Generator, rows: int, pieces: int, units: int) -> np.ndarray:
    """(rows, pieces units): the pieces of each unit differ by more than the differences step."""
    order = random.permuted(np.tile(np.arange(pieces)[None, :, None], (rows, 1, units)), axis=1)
    return (order - 1 + 0.2 * random.random(order.shape)).reshape(rows, -1)
