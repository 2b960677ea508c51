"""What each loss is, written apart from minigan: row by row in Python's own numbers, and in PyTorch's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log
from typing import Any


def sigmoid(l):
    return 1 / (1 + exp(-l))


@dataclass(frozen=True)
class Oracle:
    """Both players' losses, as means over rows.

    real, fake     what D minimises of an example's l and of a sample's
    g              what G minimises of a sample's l
    optimum        l where D loses least, of a point whose share p is of data
    torch_d        L_D of l (m, 1) of examples and of samples, by torch.nn.functional
    torch_g        L_G of l (m, 1) of samples
    """

    real: Callable[[float], float]
    fake: Callable[[float], float]
    g: Callable[[float], float]
    optimum: Callable[[float], float]
    torch_d: Callable[[Any, Any, Any], Any]
    torch_g: Callable[[Any, Any], Any]


CROSS_ENTROPY = {
    "real": lambda l: -log(sigmoid(l)),
    "fake": lambda l: -log(1 - sigmoid(l)),
    "optimum": lambda p: log(p / (1 - p)),
    "torch_d": lambda F, real, fake: (
        F.binary_cross_entropy_with_logits(real, real.new_ones(real.shape))
        + F.binary_cross_entropy_with_logits(fake, fake.new_zeros(fake.shape))
    ),
}
ORACLES = {
    "non-saturating": Oracle(
        g=lambda l: -log(sigmoid(l)),
        torch_g=lambda F, fake: F.binary_cross_entropy_with_logits(fake, fake.new_ones(fake.shape)),
        **CROSS_ENTROPY,
    ),
    "saturating": Oracle(
        g=lambda l: log(1 - sigmoid(l)),
        torch_g=lambda F, fake: -F.binary_cross_entropy_with_logits(fake, fake.new_zeros(fake.shape)),
        **CROSS_ENTROPY,
    ),
    "least-squares": Oracle(
        real=lambda l: (l - 1) ** 2 / 2,
        fake=lambda l: l**2 / 2,
        g=lambda l: (l - 1) ** 2 / 2,
        optimum=lambda p: p,
        torch_d=lambda F, real, fake: (
            (F.mse_loss(real, real.new_ones(real.shape)) + F.mse_loss(fake, fake.new_zeros(fake.shape))) / 2
        ),
        torch_g=lambda F, fake: F.mse_loss(fake, fake.new_ones(fake.shape)) / 2,
    ),
}
