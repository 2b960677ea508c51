"""Your backward passes against finite differences:  python test_gradients.py   or   python -m pytest

df/da_i  ~  (f(a + h e_i) - f(a - h e_i)) / 2h      in float64, h = 1e-6
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minigan.teaching.course import layers, losses

H = 1e-6
TOLERANCE = 1e-6
"""of the largest entry"""
random = np.random.default_rng(0)
B, I, O, P = 5, 4, 3, 2
dy = random.standard_normal((B, O))


def difference(f: Callable[[], float], a: np.ndarray) -> np.ndarray:
    """df/da, of the shape of a; f reads a, which is as it was afterwards."""
    found = np.zeros_like(a)
    for i in np.ndindex(a.shape):
        was = a[i]
        a[i] = was + H
        above = f()
        a[i] = was - H
        found[i] = (above - f()) / (2 * H)
        a[i] = was
    return found


def check(name: str, found: np.ndarray, f: Callable[[], float], a: np.ndarray) -> None:
    """Raise AssertionError unless `found` is df/da."""
    expected = difference(f, a)
    assert found.shape == expected.shape, f"{name} has shape {found.shape}, expected {expected.shape}"
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert error <= TOLERANCE, f"{name}: relative error {error:.1e}\nyours\n{found}\nfinite differences\n{expected}"


def weighed(y: np.ndarray) -> float:
    """A loss whose derivative by y is dy."""
    return float(np.sum(dy * y))


def test_linear_backward() -> None:
    x, W, b = random.standard_normal((B, I)), random.standard_normal((I, O)), random.standard_normal(O)
    loss = lambda: weighed(layers.linear(x, W, b))
    dx, dW, db = layers.linear_backward(dy, x, W)
    for name, found, a in (("dx", dx, x), ("dW", dW, W), ("db", db, b)):
        check(name, found, loss, a)


def test_relu_backward() -> None:
    x = random.standard_normal((B, O))
    check("dx", layers.relu_backward(dy, layers.relu(x)), lambda: weighed(layers.relu(x)), x)


def test_sigmoid_backward() -> None:
    x = random.standard_normal((B, O))
    check("dx", layers.sigmoid_backward(dy, layers.sigmoid(x)), lambda: weighed(layers.sigmoid(x)), x)


def test_maxout_backward() -> None:
    z = random.standard_normal((B, P * O))
    check("dz", layers.maxout_backward(dy, z), lambda: weighed(layers.maxout(z, P)), z)


def test_dropout_backward() -> None:
    x, kept, keep = random.standard_normal((B, O)), random.random((B, O)) < 0.6, 0.6
    check("dx", layers.dropout_backward(dy, kept, keep), lambda: weighed(layers.dropout(x, kept, keep)), x)


def test_d_slope() -> None:
    l = random.standard_normal((2 * B, 1))
    check("dl", losses.d_slope(l), lambda: losses.d_loss(l), l)


def test_g_slope() -> None:
    l = random.standard_normal((B, 1))
    for saturating in (False, True):
        check(f"dl, saturating={saturating}", losses.g_slope(l, saturating), lambda: losses.g_loss(l, saturating), l)


if __name__ == "__main__":
    for name, test in [(name, thing) for name, thing in globals().items() if name.startswith("test_")]:
        try:
            test()
            print(f"{name[5:]:18} right")
        except Exception as error:
            print(f"{name[5:]:18} {type(error).__name__}: {error}")
