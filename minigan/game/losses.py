"""The value function and both of G's objectives, on logits l = logit D, each with its derivative by the logit.

    D = sigmoid(l)      log D = -softplus(-l)      log(1 - D) = -softplus(l)      softplus(a) = log(1 + e^a)

so nothing is ever log(0).  All of them are binary cross-entropies against a target t in {0, 1},

    H(t, l) = t softplus(-l) + (1 - t) softplus(l)          dH/dl = sigmoid(l) - t

and the one kernel `Ops.cross_entropy_backward` gives every derivative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def softplus(a) -> np.ndarray:
    """log(1 + e^a) in float64, without overflow."""
    with np.errstate(invalid="ignore"):
        return np.logaddexp(0.0, np.asarray(a, dtype=np.float64))


def probability(logits) -> np.ndarray:
    """D = sigmoid(l) = e^-softplus(-l) in float64."""
    return np.exp(-softplus(-np.asarray(logits, dtype=np.float64)))


def value(logits_real, logits_fake) -> float:
    """V(D, G) = E_x [log D(x)] + E_z [log(1 - D(G(z)))], in nats.       (Goodfellow et al. 2014, eq. 1)

    logits_real (m, 1), logits_fake (m, 1): NumPy arrays.  At the optimum D = 1/2 and V = -log 4.
    """
    return -float(np.mean(softplus(-logits_real))) - float(np.mean(softplus(logits_fake)))


@dataclass(frozen=True)
class GeneratorLoss:
    """What G minimises:  sign (1/m) sum_i H(target, l_i),  with derivative  sign (sigmoid(l_i) - target) / m."""

    target: int
    sign: int

    def __call__(self, logits_fake) -> float:
        """The loss in nats; logits_fake (m, 1) a NumPy array."""
        entropy = softplus(-logits_fake) if self.target else softplus(logits_fake)
        return self.sign * float(np.mean(entropy))


NON_SATURATING = GeneratorLoss(target=1, sign=1)
"""-E_z log D(G(z)): section 3's "rather than training G to minimize log(1 - D(G(z)))"."""

SATURATING = GeneratorLoss(target=0, sign=-1)
"""E_z log(1 - D(G(z))): algorithm 1 and equation 1."""

GENERATOR_LOSSES = {"non-saturating": NON_SATURATING, "saturating": SATURATING}
