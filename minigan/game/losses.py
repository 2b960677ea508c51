"""What both players minimise, by l, which D's last layer makes of each row; with it D(x), and the value function.

A loss is an object with what `minigan.options.recipe.Loss` says.  Minigan's measure how far l is from a target t, 1 for
real and 0 for fake, by a function h of both; its derivative by l is a kernel, one for each h (`Ops.loss_backward`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from minigan.backends import Array, Ops
from minigan.errors import ConfigError, one_line, shortened
from minigan.layers.sequential import returned
from minigan.options.recipe import Loss


def softplus(a: ArrayLike) -> np.ndarray:
    """log(1 + e^a) in float64, or in longdouble where a is that, without overflow."""
    with np.errstate(invalid="ignore"):
        return np.logaddexp(0.0, precise(a))


def precise(a: ArrayLike) -> np.ndarray:
    """In float64 at least."""
    array = np.asarray(a)
    return array.astype(np.result_type(array.dtype, np.float64), copy=False)


def probability(logits: ArrayLike) -> np.ndarray:
    """D = sigmoid(l) = e^-softplus(-l) in float64."""
    return np.exp(-softplus(-np.asarray(logits, dtype=np.float64)))


def value(logits_real: np.ndarray, logits_fake: np.ndarray) -> float:
    """V(D, G) = E_x [log D(x)] + E_z [log(1 - D(G(z)))], in nats.       (Goodfellow et al. 2014, eq. 1)

    logits_real (m, 1), logits_fake (m, 1): NumPy arrays.  At the optimum D = 1/2 and V = -log 4.
    """
    return -float(np.mean(softplus(-logits_real))) - float(np.mean(softplus(logits_fake)))


@dataclass(frozen=True)
class AgainstTargets(ABC):
    """D minimises  (1/m) sum_i h(1, l_i) + (1/m) sum_j h(0, l_j)  over real i and fake j,
    G minimises  sign (1/m) sum_j h(target, l_j).

    name   begins the name of the kernel of dh/dl
    logit  as `Loss` has it
    """

    name: ClassVar[str]
    logit: ClassVar[bool] = False
    target: int = 1
    sign: int = 1

    @abstractmethod
    def h(self, target: int, l: np.ndarray) -> np.ndarray:
        """h(t, l) in float64, or in longdouble where l is that, entry by entry."""

    def d_loss(self, real: np.ndarray, fake: np.ndarray) -> float:
        return float(np.mean(self.h(1, real))) + float(np.mean(self.h(0, fake)))

    def g_loss(self, fake: np.ndarray) -> float:
        return self.sign * float(np.mean(self.h(self.target, fake)))

    def d_backward(self, ops: Ops, logits: Array, weight: float, out: Array) -> Array:
        m = len(logits) // 2
        return ops.loss_backward(self.name, logits, m, weight / m, out)

    def g_backward(self, ops: Ops, logits: Array, out: Array) -> Array:
        m = len(logits)
        return ops.loss_backward(self.name, logits, self.target * m, self.sign / m, out)


class CrossEntropy(AgainstTargets):
    """h(t, l) = t softplus(-l) + (1 - t) softplus(l), so that D minimises -V      dh/dl = sigmoid(l) - t

        D = sigmoid(l)      log D = -softplus(-l)      log(1 - D) = -softplus(l)      softplus(a) = log(1 + e^a)

    so nothing is ever log(0): the binary cross-entropy in nats.
    """

    name = "cross_entropy"
    logit = True

    def h(self, target: int, l: np.ndarray) -> np.ndarray:
        return softplus(-l) if target else softplus(l)


class LeastSquares(AgainstTargets):
    """h(t, l) = (l - t)^2 / 2      dh/dl = l - t      LSGAN (Mao et al. 2017) with a = 0 and b = c = 1.

    D(x) = l: at D's optimum p_data / (p_data + p_g), as with V, but nothing holds it in [0, 1].
    """

    name = "least_squares"

    def h(self, target: int, l: np.ndarray) -> np.ndarray:
        return (precise(l) - target) ** 2 / 2


NON_SATURATING = CrossEntropy(target=1, sign=1)
"""G minimises -E_z log D(G(z)): section 3's "rather than training G to minimize log(1 - D(G(z)))"."""

SATURATING = CrossEntropy(target=0, sign=-1)
"""G minimises E_z log(1 - D(G(z))): algorithm 1 and equation 1."""

LOSSES: dict[str, Loss] = {
    "non-saturating": NON_SATURATING,
    "saturating": SATURATING,
    "least-squares": LeastSquares(),
}


def named(loss: str | Loss) -> Loss:
    """The loss of a name; what is a loss already, as it is.  Raises ConfigError for anything else."""
    if isinstance(loss, Loss) and not isinstance(loss, type):
        return loss
    if not isinstance(loss, str) or loss not in LOSSES:
        expected = f"one of {', '.join(LOSSES)}, or a loss of your own"
        raise ConfigError(f"loss {shortened(repr(loss))}: expected {expected}")
    return LOSSES[loss]


def belief(loss: Loss, l: ArrayLike) -> np.ndarray:
    """D(x) in float64: sigmoid(l) where the loss makes l a logit, else l itself."""
    return probability(l) if loss.logit else np.asarray(l, np.float64)


def slopes(loss: Loss, player: str, ops: Ops, logits: Array, *weight: float, out: Array) -> Array:
    """`d_backward` or `g_backward`, with what a loss of one's own returns as kernels take it.

    Raises ConfigError for what they cannot, another shape say, and for NumPy's own code where arrays are not NumPy's.
    """
    method = f"{player}_backward"
    try:
        made: object = getattr(loss, method)(ops, logits, *weight, out)
    except TypeError as error:
        if type(out) is np.ndarray:
            raise
        kernels = f"expected kernels of `ops` alone, as {ops.name} has them"
        raise ConfigError(f"{type(loss).__name__}.{method}: {kernels} ({one_line(error)})") from error
    return out if made is out else returned(ops, loss, method, made, out.shape, out.dtype, "its `out`")
