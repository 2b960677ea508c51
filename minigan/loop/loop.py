"""The loop of `GAN.fit` and of the command: iterations, with numbers and callbacks where they are due."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from minigan.data import Dataset, Mixture, minibatches
from minigan.data.batches import ExampleBatches
from minigan.data.mixtures import MixtureBatches
from minigan.data.ranges import far_apart
from minigan.errors import DivergedError, RanksError
from minigan.files.record import now
from minigan.game.state import digest, not_finite
from minigan.loop.callback import Callback, Line
from minigan.loop.watching import Watching
from minigan.options.console import tell
from minigan.options.recipe import Recipe

if TYPE_CHECKING:
    from minigan.gan import GAN

Batches: TypeAlias = ExampleBatches | MixtureBatches


def source_of(gan: GAN, data: Dataset | Mixture) -> Batches:
    """The data as minibatches on the GAN's backend."""
    recipe = gan.recipe
    return minibatches(gan.ops, data, recipe.batch_size, recipe.seed, recipe.dtype)


class Loop:
    """Iterations of a GAN from where it is to `total`, on all its ranks; rank 0's callbacks say when they are due.

    data, source  what it trains on, and the same as minibatches
    changes       {iteration: the recipe from there on}
    failed        is told of the first failure of each callback that watches: (its name, the error in one line)
    """

    def __init__(
        self,
        gan: GAN,
        data: Dataset | Mixture,
        source: Batches,
        total: int,
        callbacks: Sequence[Callback] = (),
        changes: dict[int, Recipe] | None = None,
        failed: Callable[[str, str], None] | None = None,
    ):
        self.gan, self.data, self.source, self.total = gan, data, source, total
        self.callbacks, self.changes = list(callbacks), changes or {}
        self.watch = Watching(failed or self._say_failed)
        self.stopping = False
        self._at_epoch_ends = [c for c in callbacks if type(c).on_epoch_end is not Callback.on_epoch_end]
        self._busy, self._since, self._finite_at = 0.0, gan.iteration, gan.iteration

    def stop(self) -> None:
        """End after the iteration at hand."""
        self.stopping = True

    def run(self) -> None:
        """Play the iterations.  Raises DivergedError where numbers are not finite, and the errors of what keeps a run.

        However it ends, the GAN is as an iteration left it, unless an error came out of the iteration itself.
        """
        quiet = np.errstate(over="ignore", invalid="ignore")  # `check_finite` says so
        with self.gan.ranks.inside(), self.gan.ops.session(), quiet:
            try:
                for callback in self.callbacks:
                    callback.on_fit_begin(self)
                while self.gan.iteration < self.total and not self._ending():
                    self._stretch()
                if self._finite_at != self.gan.iteration:
                    self.check_finite()
                self._call(self.callbacks, "on_fit_end")
            except BaseException as error:
                for callback in self.callbacks:
                    self.watch(name_of(callback), callback.on_exception, self, error)
                raise

    def _stretch(self) -> None:
        """The iterations up to the next one after which somebody is called, and that call."""
        gan, start = self.gan, time.perf_counter()
        if gan.iteration in self.changes:
            self._change(self.changes[gan.iteration])
        until, source, step = gan.ranks.agreed(self._next()), self.source, gan.step
        while gan.iteration < until - 1:
            step(source)
            if self._ending():
                self._busy += time.perf_counter() - start
                return
        epoch_ends, last = until % gan.iterations_per_epoch == 0, until == self.total
        due = [c for c in self.callbacks if last or c.every and until % c.every == 0]
        ending = self._at_epoch_ends if epoch_ends else []
        measured = gan.ranks.agreed(any(c.measures for c in (*due, *ending)))
        gan.game.watch(measured)
        step(source)
        gan.game.watch(False)
        line = self._line() if measured else {}
        self._busy += time.perf_counter() - start
        if line:
            line["iterations_per_second"] = round((gan.iteration - self._since) / self._busy, 3)
            line["time"] = now()
            self._busy, self._since = 0.0, gan.iteration
            due = [c for c in self.callbacks if c in due or c.follows]
        self._call(due, "on_iteration_end", line)
        self._call(ending, "on_epoch_end", line)

    def _ending(self) -> bool:
        """Whether the iteration at hand is the last one, on all ranks: some rank was asked to stop."""
        return self.gan.ranks.any(self.stopping)

    def _next(self) -> int:
        """The next iteration after which a callback or another recipe is due."""
        i, steps = self.gan.iteration, [c.every for c in self.callbacks if c.every]
        if self._at_epoch_ends:
            steps.append(self.gan.iterations_per_epoch)
        return min(self.total, *((i // n + 1) * n for n in steps), *(at for at in self.changes if at > i), self.total)

    def _change(self, recipe: Recipe) -> None:
        another = recipe.batch_size != self.gan.recipe.batch_size
        self.gan.change(recipe)
        if another:
            self.source = source_of(self.gan, self.data)

    def _line(self) -> Line:
        """A line of metrics.jsonl; lr and momentum are those of the iteration just done.

        Only the losses are looked at here, which are not finite one iteration after a weight is none.
        """
        gan, game, ranks, done = self.gan, self.gan.game, self.gan.ranks, self.gan.iteration - 1
        losses = game.measure(ranks)
        if not are_finite(losses):
            self.check_finite()
        if ranks.size > 1:
            self._check_ranks()
        return {
            "iteration": gan.iteration,
            "epoch": round(gan.iteration / gan.iterations_per_epoch, 4),
            **losses,
            **game.vital_signs(ranks),
            **{name: clock.lr_schedule(done) for name, clock in zip(("lr", "lr_d"), game.clocks)},
            "momentum": game.clock.momentum_schedule(done),
        }

    def check_finite(self) -> None:
        """Raise DivergedError where a loss of the iteration just done, or any weight, is not finite."""
        where = not_finite(self.gan.game)
        if where is None and are_finite(self.gan.game.measure()):
            self._finite_at = self.gan.iteration
            return
        advice = far_apart(self.data) or "try a smaller --lr, or --optimizer adam with --lr .0002"
        raise DivergedError(f"iteration {self.gan.iteration}: {where or 'a loss'} is not finite; {advice}")

    def _check_ranks(self) -> None:
        """Raise RanksError where a rank has other weights than rank 0."""
        gan = self.gan
        first, *others = gan.ranks.each(digest(gan.game))
        for rank, found in enumerate(others, 1):
            if found != first:
                among = f"expected the same on all {gan.ranks.size} ranks"
                raise RanksError(f"iteration {gan.iteration}: rank {rank} has other weights than rank 0, {among}")

    def _call(self, callbacks: Sequence[Callback], name: str, *arguments: Line) -> None:
        for callback in callbacks:
            if callback.keeps:
                getattr(callback, name)(self, *arguments)
            else:
                self.watch(name_of(callback), getattr(callback, name), self, *arguments)

    def _say_failed(self, name: str, why: str) -> None:
        tell(f"iteration {self.gan.iteration}: {name} failed, and the run goes on without: {why}")


def are_finite(losses: Line) -> bool:
    """Whether all of them are, but for a V that there is none of."""
    return bool(np.isfinite([loss for loss in losses.values() if loss is not None]).all())


def name_of(callback: Callback) -> str:
    """A callback in a message."""
    return type(callback).__name__.lower()
