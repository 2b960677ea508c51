"""Learning rate and momentum as functions of the iteration, in float64: never iterated products, so a run can start
anywhere and find the same numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExponentialDecay:
    """lr(t) = max(initial * factor^-t, floor): pylearn2's ExponentialDecay, applied after each minibatch.

    With factor = 1 it is constant.
    """

    initial: float
    factor: float = 1.0
    floor: float = 0.0

    def __call__(self, iteration: int) -> float:
        return max(self.initial * self.factor ** -float(iteration), self.floor)


@dataclass(frozen=True)
class LinearRamp:
    """mu from `initial` in epoch 1 to `final` in epoch `epochs`, linear in the epoch: pylearn2's MomentumAdjustor.

    Epochs count from 1 and last `iterations_per_epoch`; with epochs <= 1 it is `final` throughout.
    """

    initial: float
    final: float
    epochs: int
    iterations_per_epoch: int

    def __call__(self, iteration: int) -> float:
        if self.epochs <= 1:
            return self.final
        done = min(iteration // self.iterations_per_epoch / (self.epochs - 1), 1.0)
        return self.initial * (1 - done) + self.final * done
