"""`fit` and `partial_fit`, with the habits of scikit-learn."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from numbers import Integral, Number
from typing import TYPE_CHECKING, Self, cast

from numpy.typing import ArrayLike

from minigan.data import Dataset, Mixture, dataset_of, describe
from minigan.data.describe import nameless
from minigan.data.labels import Labels
from minigan.data.ranges import far_apart, out_of_reach
from minigan.distributed.ranks import check_alike
from minigan.errors import BeginsAnew, ConfigError, DataWarning, shortened
from minigan.files.record import versions
from minigan.game.condition import classes_in
from minigan.game.state import digest, take_over
from minigan.loop.callback import Callback, Lines
from minigan.loop.history import History
from minigan.loop.loop import Batches, Loop, source_of
from minigan.loop.progress import COMPILING, Progress, opening
from minigan.loop.symptoms import Symptoms
from minigan.loop.watching import stop_signals
from minigan.options.console import tell

if TYPE_CHECKING:
    from minigan.gan import GAN


class Fitting:
    """What a GAN learns by.

    history_  the numbers of each 100th iteration, of those that callbacks asked for and of the last one, by the names
              of metrics.jsonl: {"iteration": [100, 200], "value": [-1.3, -1.2], ...}; None where a line has no such
              number.  `minigan.draw_history` draws it
    """

    history_: Lines

    def fit(
        self,
        X: ArrayLike | Dataset | Mixture,
        y: object = None,
        *,
        epochs: int | None = None,
        iterations: int | None = None,
        callbacks: Sequence[Callback] = (),
        verbose: bool = True,
    ) -> Self:
        """Train from the recipe's initial weights.

        X           an array as `minigan.data.examples` takes it: (N, n), or pictures; floats, or whole numbers in
                    0..255, which are trained on as [0, 1]; or a `Dataset`; or a `Mixture`
        y           (N,) labels, whole numbers or texts, where the recipe has condition="labels"; otherwise not used
        epochs      passes over the data, 10 if neither this nor `iterations` is given
        iterations  instead of epochs
        callbacks   called on the way (`minigan.loop.callback`); of several ranks on rank 0
        verbose     whether standard error shows how far it is, and what is wrong

        Ctrl-C ends it after the iteration at hand with KeyboardInterrupt; `partial_fit` goes on from there.  Raises
        DataError for examples that cannot be used, ConfigError for networks that do not fit them, DivergedError where
        numbers are not finite.  Warns, BeginsAnew, where it throws away what the GAN had learnt.
        """
        check_call(y, epochs, iterations)
        gan = cast("GAN", self)
        data, source = source_for(gan, X, y)
        if apart := far_apart(data):
            warnings.warn(f"{data.name}: {apart}", DataWarning, stacklevel=2)
        if gan.has_weights and (gan.iteration or not gan.data):
            done = f"the {gan.iteration} iterations that this GAN has learnt are forgotten"
            warnings.warn(f"fit begins anew: {done}; partial_fit goes on", BeginsAnew, stacklevel=2)
        gan.begin(source.batches_per_epoch, describe(data))
        play(gan, data, source, iterations_in(gan, epochs, iterations, 10), callbacks, verbose)
        return self

    def partial_fit(
        self,
        X: ArrayLike | Dataset | Mixture,
        y: object = None,
        *,
        epochs: int | None = None,
        iterations: int | None = None,
        callbacks: Sequence[Callback] = (),
        verbose: bool = True,
    ) -> Self:
        """Go on with the data trained on so far, for so many more epochs (1 if nothing is said) or iterations.

        A fit in parts is, bit for bit, a fit in one.  A GAN without weights begins.  Arguments and errors are those of
        `fit`; other data than those trained on are refused with ConfigError.
        """
        check_call(y, epochs, iterations)
        gan = cast("GAN", self)
        data, source = source_for(gan, X, y)
        described = describe(data)
        if not gan.has_weights:
            gan.begin(source.batches_per_epoch, described)
        elif not (gan.data or gan.iteration):  # weights from elsewhere, which meet their first data
            brought = gan.game
            gan.begin(source.batches_per_epoch, described)
            take_over(gan.game, brought)
        elif gan.data and nameless(described) != nameless(gan.data):
            raise ConfigError(
                f"{data.name}: other data than this GAN was trained on ({gan.data['name']}, by SHA-256), expected "
                "the same; fit begins anew"
            )
        play(gan, data, source, iterations_in(gan, epochs, iterations, 1), callbacks, verbose)
        return self


def source_for(gan: GAN, X: ArrayLike | Dataset | Mixture, y: object) -> tuple[Dataset | Mixture, Batches]:
    """The data, with labels where both players are told them, and as minibatches for the coming iteration."""
    data = X if isinstance(X, (Dataset, Mixture)) else dataset_of("array", X)
    if isinstance(data, Dataset):
        if gan.recipe.condition is None:
            data = replace(data, labels=None)
        elif y is not None:
            data = replace(data, labels=Labels.of("y", cast(ArrayLike, y)))
    check_data(gan, data)
    source = source_of(gan, data)
    source.prepare(0, gan.recipe.k)
    return data, source


def check_data(gan: GAN, data: Dataset | Mixture) -> None:
    """Raise ConfigError where G does not make such examples: of another width, or out of its last layer's range."""
    if data.n_features != gan.generator.n_out:
        made = f"the generator makes {gan.generator.n_out}"
        raise ConfigError(f"{data.name}: examples of {data.n_features} values, and {made}")
    if gan.recipe.condition:
        check_labels(gan, data)
    if outside := out_of_reach(data, gan.generator.layers[-1]):
        raise ConfigError(f"{data.name}: {outside}")


def check_labels(gan: GAN, data: Dataset | Mixture) -> None:
    """Raise ConfigError unless these data have labels, of as many classes as G and D have inputs for."""
    labels = data.labels if isinstance(data, Dataset) else None
    told = classes_in(gan.generator, gan.recipe)
    if labels is None:
        raise ConfigError(f"{data.name}: no labels, expected y, one a row: the recipe has condition='labels'")
    if (found := len(labels.classes.names)) != told:
        raise ConfigError(f"{data.name}: labels of {found} classes, and the generator has inputs for {told}")


def iterations_in(gan: GAN, epochs: int | None, iterations: int | None, usual: int) -> int:
    if iterations is None:
        return gan.iterations_in(usual if epochs is None else int(epochs))
    return int(iterations)


def play(
    gan: GAN, data: Dataset | Mixture, source: Batches, n: int, callbacks: Sequence[Callback], verbose: bool
) -> None:
    """n iterations more."""
    with gan.ranks.inside():
        _play(gan, data, source, n, callbacks, verbose)


def _play(
    gan: GAN, data: Dataset | Mixture, source: Batches, n: int, callbacks: Sequence[Callback], verbose: bool
) -> None:
    ranks = gan.ranks
    facts = {"iterations": (gan.iteration, n), "recipe": gan.recipe, "data": gan.data}
    check_alike(ranks, lambda: made_of(gan) | facts)
    watching: list[Callback] = list(callbacks) if ranks.rank == 0 else []
    if not any(isinstance(callback, History) for callback in watching):
        watching.append(History(lines=gan.history_))
    compiling: AbstractContextManager[None] = nullcontext()
    if verbose and n and ranks.rank == 0 and not any(isinstance(callback, Progress) for callback in watching):
        progress = Progress()
        watching += progress, Symptoms(progress.warn)
        tell(opening(data, gan, n))
        compiling = gan.ops.compiling(lambda: progress.warn(COMPILING))
    loop = Loop(gan, data, source, gan.iteration + n, watching)
    # A handler of the program's own stays in force.
    asks = ("SIGINT",) if signal.getsignal(signal.SIGINT) is signal.default_int_handler else ()
    try:
        with stop_signals(loop.stop, asks) as received, compiling:
            loop.run()
    finally:
        gan.history_ = next(callback.lines for callback in watching if isinstance(callback, History))
        gan.forget_source(source)
    if ranks.any(bool(received)):
        raise KeyboardInterrupt(f"after iteration {gan.iteration}, from where partial_fit goes on")


def made_of(gan: GAN) -> dict[str, object]:
    """What has to be the same on all ranks, by the names that an error has."""
    return {
        "minigan and its packages": versions(gan.ops.name),
        "backend": gan.ops.name,
        "weights": digest(gan.game),
    }


def check_call(y: object, epochs: object, iterations: object) -> None:
    """Raise ConfigError for numbers that count nothing, and for a number of epochs in the place of y."""
    if isinstance(y, Number):
        raise ConfigError(f"y is {shortened(repr(y))}, expected none; a number of epochs is given as epochs={y}")
    for name, number in (("epochs", epochs), ("iterations", iterations)):
        if number is None:
            continue
        if not isinstance(number, Integral) or isinstance(number, bool) or number < 0:
            raise ConfigError(f"{name} {shortened(repr(number))}: expected a whole number, 0 or more")
