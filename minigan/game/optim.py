"""SGD, classical momentum and Adam, each on the flat buffer of a network; and one that stands still.

An optimiser says where backward leaves its result (`grads`), what it remembers (`state`, which a checkpoint keeps) and
how the parameters move (`update`).  lr and mu are read from the clock.  For |g| of an iteration call `watch` before
its backward and `gradient_norm` after the clock's tick: of all parameters, or of a part of the buffer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from minigan.backends.clock import Clock, Count
from minigan.layers.params import Grads, Params

ALL = slice(None)


class Optimiser(ABC):
    """What a player asks of any of them."""

    params: Params
    state: dict[str, Params]
    grads: Grads

    @abstractmethod
    def update(self, count: Count) -> None:
        """Move the parameters by what backward left; `count` updates have been made before this one."""

    def watch(self) -> None:
        """Keep what `gradient_norm` will need: nothing, where it is there after the update."""

    def gradient_norm(self, part: slice = ALL) -> float:
        """|g|"""
        return self.params.ops.norm(self.grads.target.flat[part])


class SGD(Optimiser):
    """theta <- theta - lr g"""

    def __init__(self, params: Params, clock: Clock):
        self.params, self.clock, self.state = params, clock, dict[str, Params]()
        self.grads = Grads(params.like(), alpha=clock.minus_lr)

    def update(self, count: Count) -> None:
        self.params.ops.add(self.params.flat, self.grads.target.flat)

    def gradient_norm(self, part: slice = ALL) -> float:
        """|g| = |step| / lr"""
        step = self.params.ops.norm(self.grads.target.flat[part])
        return step / self.clock.lr_schedule(last(self.params, self.clock))


class Momentum(Optimiser):
    """v <- mu v - lr g,  theta <- theta + v: the classical form, as pylearn2 has it.

    lr multiplies g before it enters v (frameworks that multiply afterwards differ once lr decays), so backward can
    leave its result in v at once: one product with alpha = -lr and beta = mu, and no gradient is ever stored.
    """

    def __init__(self, params: Params, clock: Clock):
        velocity = params.like()
        self.params, self.clock, self.state = params, clock, {"velocity": velocity}
        self._before: Params | None = None
        self.grads = Grads(velocity, alpha=clock.minus_lr, beta=clock.momentum)

    def update(self, count: Count) -> None:
        self.params.ops.add(self.params.flat, self.state["velocity"].flat)

    def watch(self) -> None:
        """Keep v: the gradient itself will never be stored."""
        if self._before is None:
            self._before = self.params.like()
        self.params.ops.copy(self.state["velocity"].flat, out=self._before.flat)

    def gradient_norm(self, part: slice = ALL) -> float:
        """|g|,  g = (mu v - v') / lr"""
        t, clock, ops = last(self.params, self.clock), self.clock, self.params.ops
        before = self._before.flat[part]  # type: ignore[union-attr]  # kept by `watch`
        after, mu = self.state["velocity"].flat[part], clock.momentum_schedule(t)
        return ops.norm(after, less=before, times=mu) / clock.lr_schedule(t)


class Adam(Optimiser):
    """Adam (Kingma and Ba 2015, algorithm 1) with the clock's lr; `Ops.adam` has the formula.

    since  updates that the parameters had before Adam's first one
    """

    def __init__(
        self,
        params: Params,
        clock: Clock,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        since: int = 0,
    ):
        self.params, self.clock, self.since = params, clock, since
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.state = {"first_moment": params.like(), "second_moment": params.like()}
        self.grads = Grads(params.like())

    def update(self, count: Count) -> None:
        count = Count(count.clock, count.per_iteration, count.offset - self.since)
        theta, gradient = self.params.flat, self.grads.target.flat
        first, second = (moment.flat for moment in self.state.values())
        numbers = count, self.clock, self.beta1, self.beta2, self.epsilon
        self.params.ops.adam(theta, gradient, first, second, *numbers)


class Still(Optimiser):
    """Leaves the plain gradient where it can be read, and moves nothing."""

    def __init__(self, params: Params):
        self.params, self.state, self.grads = params, dict[str, Params](), Grads(params.like())

    def update(self, count: Count) -> None:
        """The parameters stay where they are."""


def last(params: Params, clock: Clock) -> int:
    """The iteration before the one that the clock shows."""
    return int(params.ops.to_host(clock.iteration)) - 1
