"""What D and G minimise, by the logit l = log D - log(1 - D) that D's last layer makes of each row.

D = sigmoid(l)      log D = -softplus(-l)      log(1 - D) = -softplus(l)      softplus(a) = log(1 + e^a)
"""

from __future__ import annotations

import numpy as np

from minigan.teaching.course.layers import sigmoid


def softplus(a: np.ndarray) -> np.ndarray:
    """log(1 + e^a), which overflows for no a."""
    return np.logaddexp(0, a)


def d_loss(l: np.ndarray) -> float:
    """-V = -(1/m) sum_i [log D(x_i) + log(1 - D(G(z_i)))].      l (2m, 1), data above fakes"""
    m = len(l) // 2
    return float(softplus(-l[:m]).mean() + softplus(l[m:]).mean())


def d_slope(l: np.ndarray) -> np.ndarray:
    """dl, the derivative of d_loss by each logit.      l, dl (2m, 1), data above fakes"""
    m = len(l) // 2
    dl = sigmoid(l)
    dl[:m] -= 1
    return dl / m


def g_loss(l: np.ndarray, saturating: bool) -> float:
    """(1/m) sum_i log(1 - D(G(z_i))) where saturating, as algorithm 1 has it, else -(1/m) sum_i log D(G(z_i)).

    l (m, 1)
    """
    return float(-softplus(l).mean() if saturating else softplus(-l).mean())


def g_slope(l: np.ndarray, saturating: bool) -> np.ndarray:
    """dl, the derivative of g_loss by each logit.      l, dl (m, 1)"""
    if saturating:
        return -sigmoid(l) / len(l)
    return (sigmoid(l) - 1) / len(l)
