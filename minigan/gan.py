"""GAN: two networks and a recipe, with the habits of scikit-learn.

gan = GAN(generator, discriminator, Recipe(batch_size=100))
gan.fit(X, epochs=10).sample(16)
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from numbers import Integral
from pathlib import Path

import numpy as np

from minigan import backends
from minigan.data import Dataset, Mixture, dataset_of, describe, minibatches
from minigan.data.describe import scaled_as
from minigan.data.ranges import far_apart, out_of_reach
from minigan.errors import CheckpointError, ConfigError, DataWarning, DivergedError, one_line, shortened
from minigan.estimator.copies import Copies
from minigan.estimator.fitted import Fitted
from minigan.files import checkpoint
from minigan.files.checkpoint import Snapshot
from minigan.game import kept_loss
from minigan.game.algorithm1 import Algorithm1, Minibatches
from minigan.game.gradients import gradients
from minigan.game.losses import belief
from minigan.game.of_recipe import game_of
from minigan.game.work import AUTO, backend_for, multiplications
from minigan.generator.sampler import Sampler, from_header, rows_of
from minigan.layers import Sequential, models
from minigan.options.recipe import Recipe


class GAN(Copies, Fitted):
    """A generator G: z (B, latent) -> x (B, n) and a discriminator D: x (B, n) -> logit (B, 1).

    generator, discriminator  `Sequential` networks
    recipe                    how they play and learn
    backend, threads, device  the name of what computes ("auto": `minigan.game.work` chooses), on how many CPU threads
                              (None: as many as it finds good), or on which GPU
    iteration                 iterations done
    data                      what it was trained on, as `minigan.data.describe` says it

    Raises ConfigError where the recipe is out of range or the networks do not fit it.
    """

    def __init__(
        self,
        generator: Sequential,
        discriminator: Sequential,
        recipe: Recipe = Recipe(),
        backend: str = "numpy",
        threads: int | None = None,
        device: int = 0,
    ):
        check_players(generator, discriminator, recipe)
        self._arguments = {
            "generator": generator,
            "discriminator": discriminator,
            "recipe": recipe,
            "backend": backend,
            "threads": threads,
            "device": device,
        }
        if backend == AUTO:
            backend = backend_for(multiplications(generator, discriminator, recipe), recipe, threads, device)
        self.ops = backends.get(backend, threads, device, recipe.precision)
        self._game, self._iterations = None, {}
        self.iteration, self.iterations_per_epoch, self.data = 0, 0, {}

    @property
    def game(self) -> Algorithm1:
        """Both players and how they play.  Raises ConfigError before they have weights."""
        if self._game is None:
            raise ConfigError("this GAN has no weights yet: call fit, or GAN.load a checkpoint")
        return self._game

    # ---- Training ----------------------------------------------------------------------------------------------

    def fit(self, X, epochs: int = 10, iterations: int | None = None) -> GAN:
        """Train from the recipe's initial weights, without output; `minigan.run.trainer` keeps a record of a run.

        X           an array as `minigan.data.examples` takes it: (N, n), or pictures; floats, or whole numbers in
                    0..255, which are trained on as [0, 1]; or a `Dataset`; or a `Mixture`
        iterations  instead of epochs

        Raises DataError for examples that cannot be used, ConfigError for networks that do not fit them, DivergedError
        where weights are not finite in the end.
        """
        for name, number in (("epochs", epochs), ("iterations", 0 if iterations is None else iterations)):
            if not isinstance(number, Integral) or isinstance(number, bool) or number < 0:
                raise ConfigError(f"{name} {shortened(repr(number))}: expected a whole number, 0 or more")
        data = X if isinstance(X, (Dataset, Mixture)) else dataset_of("array", X)
        self.check_data(data)
        if apart := far_apart(data):
            warnings.warn(f"{data.name}: {apart}", DataWarning, stacklevel=2)
        source = minibatches(self.ops, data, self.recipe.batch_size, self.recipe.seed, self.recipe.dtype)
        self.begin(source.batches_per_epoch, describe(data))
        with self.ops.session(), np.errstate(over="ignore", invalid="ignore"):  # an error says so, below
            for _ in range(iterations if iterations is not None else self.iterations_in(epochs)):
                self.step(source)
            if where := self.not_finite():
                advice = far_apart(data) or "try a smaller lr"
                raise DivergedError(f"iteration {self.iteration}: {where} is not finite; {advice}")
        return self

    def check_data(self, data: Dataset | Mixture) -> None:
        """Raise ConfigError where G does not make such examples: of another width, or out of its last layer's range."""
        if data.n_features != self.generator.n_out:
            made = f"the generator makes {self.generator.n_out}"
            raise ConfigError(f"{data.name}: examples of {data.n_features} values, and {made}")
        if outside := out_of_reach(data, self.generator.layers[-1]):
            raise ConfigError(f"{data.name}: {outside}")

    def begin(self, batches_per_epoch: int, data: dict) -> None:
        """Set up both players with their initial weights, at iteration 0, for data described so."""
        iterations_per_epoch = max(1, batches_per_epoch // self.recipe.k)
        try:
            game = game_of(self.ops, self.generator, self.discriminator, self.recipe, iterations_per_epoch)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        self._game, self._iterations = game, {}
        self.iteration, self.iterations_per_epoch, self.data = 0, iterations_per_epoch, data

    def step(self, source: Minibatches) -> None:
        """One iteration of Algorithm 1."""
        source.prepare(self.iteration, self.recipe.k)
        self._iterate(source)()
        self.iteration += 1

    def _iterate(self, source: Minibatches) -> Callable[[], None]:
        """The game's iteration on this source, recorded where the backend can.

        A watched iteration runs more kernels than the others, so it has a recording of its own.
        """
        kind = id(source), self.game.generator.watched
        if kind not in self._iterations:
            self._check_batch_size(source)
            self._iterations[kind] = self.ops.recorded(partial(self.game.iterate, source))
        return self._iterations[kind]

    def _check_batch_size(self, source: Minibatches) -> None:
        """Raise ConfigError for minibatches that were made before the recipe had another size."""
        m, made = self.recipe.batch_size, getattr(source, "batch_size", self.recipe.batch_size)
        if made != m:
            raise ConfigError(f"minibatches of {made}, where --batch-size is {m} by now: expected minibatches made anew")

    def iterations_in(self, epochs: int) -> int:
        """Iterations of k minibatches in so many passes over the data."""
        return epochs * self.iterations_per_epoch

    # ---- Use ---------------------------------------------------------------------------------------------------

    def sampler(self) -> Sampler:
        """The generator alone, as it is now and as it learns on."""
        return Sampler(self.ops, self.generator, self.game.generator.settled, self.game.prior, self.data)

    def sample(self, n_samples: int = 1, seed: int = 0) -> np.ndarray:
        """Draws from p_g: (n_samples, features) floats in the data's own units, as `Sampler.sample` has it."""
        return self.sampler().sample(n_samples, seed)

    def discriminate(self, x: np.ndarray) -> np.ndarray:
        """D(x), the probability that x came from the data: x of n examples to (n,) float64.

        Where the loss makes no logit of what D's last layer makes, it is that itself (`minigan.game.losses.belief`).

        x  whole numbers are scaled as those trained on; floats are in the units that `sample` has

        Raises DataError for another kind or shape of data than D was trained on, and for NaN.
        """
        return belief(self.game.loss, self.score_samples(x))

    def gradients(self, x: np.ndarray, z: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """The plain gradient of each player's own loss by its weights: {"generator.0.W": (I, O) array, ...}.

        x  m examples, any m, as `discriminate` takes them
        z  (m, latent), or None: drawn as the coming iteration begins to

        Dropout is that of the coming iteration's first step, at the present weights, for both players.  Nothing moves.
        Raises as `discriminate`, and ConfigError where z does not fit.
        """
        game, dtype = self.game, self.recipe.dtype
        x = rows_of("x", scaled_as(self.data, x, dtype), self.discriminator.n_in, dtype)
        z = None if z is None else rows_of("z", z, self.recipe.latent, dtype)
        if z is not None and len(z) != len(x):
            raise ConfigError(f"x of {len(x)} rows and z of {len(z)}: expected as many")
        return gradients(game, x, z)

    # ---- Checkpoints -------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write a checkpoint (`minigan.files.checkpoint`).  Raises OSError where the disk refuses."""
        self.snapshot().write(Path(path))

    def snapshot(self) -> Snapshot:
        """What a checkpoint holds, as it is now: weights and optimiser state; and recipe, networks and iteration."""
        header = {
            "recipe": asdict(self.recipe) | {"loss": kept_loss.to_json(self.recipe.loss)},
            "generator": models.to_json(self.generator),
            "discriminator": models.to_json(self.discriminator),
            "iteration": self.iteration,
            "iterations_per_epoch": self.iterations_per_epoch,
            "backend": self.ops.name,
            "threads": self.ops.threads,
            "data": self.data,
        }
        return Snapshot(self.ops.snapshot(self._tensors()), header)

    @classmethod
    def load(
        cls, path: str | Path, backend="numpy", threads: int | None = None, device: int = 0, layers=(), loss=None
    ) -> GAN:
        """The GAN of a checkpoint file, or of the newest one in a run's folder.

        layers, loss  the classes of layers and of the loss of your own in it

        Raises CheckpointError for a file that cannot be trusted, ConfigError for a backend that cannot be had.
        """
        path, tensors, header = checkpoint.find(Path(path))
        recipe, generator, data = from_header(path, header, layers)
        with what_a_header_asks_for(path):
            recipe = replace(recipe, loss=kept_loss.from_json(header["recipe"].get("loss", recipe.loss), loss))
            networks = [generator, models.from_json(header["discriminator"], layers)]
            check_players(*networks, recipe)
            weights = {
                f"{role}.{name}": (shape, recipe.dtype)
                for role, network in zip(("generator", "discriminator"), networks)
                for name, shape in network.shapes().items()
            }
            # Before memory is taken for them.
            checkpoint.check_tensors(weights, {name: tensors[name] for name in weights if name in tensors}, path)
        gan = cls(*networks, recipe, backend, threads, device)
        with what_a_header_asks_for(path):
            gan.begin(header["iterations_per_epoch"] * recipe.k, data)
        gan.restore(path, tensors, header)
        return gan

    def restore(self, path: Path, tensors: dict[str, np.ndarray], header: dict) -> None:
        """Take over a checkpoint's weights, optimiser state and iteration.  Raises CheckpointError if they misfit."""
        checkpoint.fill(self.ops, self._tensors(), tensors, path)
        self.iteration = header["iteration"]
        self.ops.set_clock(self.game.clock, self.iteration)

    def not_finite(self) -> str | None:
        """The first layer of D, then of G, with NaN or infinity in a weight or in what the optimiser remembers of it.

        As checkpoints name it, "discriminator.velocity.1.W (Maxout)"; None where all is finite.  Waits for the device.
        """
        for role, player in (("discriminator", self.game.discriminator), ("generator", self.game.generator)):
            for kind, params in {"": player.params, **player.optimiser.state}.items():
                if np.isfinite(self.ops.norm(params.flat)):
                    continue
                for name, view in params.items():
                    if not np.isfinite(self.ops.to_host(view)).all():
                        layer = player.network.layers[int(name.split(".")[0])]
                        return f"{'.'.join(filter(None, (role, kind, name)))} ({type(layer).__name__})"
        return None

    def _tensors(self) -> dict:
        """{"generator.0.W": view, "generator.velocity.0.W": view, ...} of both players."""
        views = {}
        for player, role in ((self.game.generator, "generator"), (self.game.discriminator, "discriminator")):
            views |= {f"{role}.{name}": view for name, view in player.params.items()}
            kept = player.optimiser.state | ({} if player.mean is None else {"mean": player.mean})
            for kind, state in kept.items():
                views |= {f"{role}.{kind}.{name}": view for name, view in state.items()}
        return views


def check_players(generator: Sequential, discriminator: Sequential, recipe: Recipe) -> None:
    """Raise ConfigError unless these are a recipe and two networks that can be saved, D ending in a logit."""
    if not isinstance(recipe, Recipe):
        raise ConfigError(f"the recipe is {shortened(repr(recipe))}, expected a Recipe")
    kept_loss.check_loadable(recipe.checked.loss)
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, Sequential):
            raise ConfigError(f"the {name} is {shortened(repr(network))}, expected a Sequential of layers")
        models.check_loadable(name, network)
    if not discriminator.layers[-1].shapes():
        last = type(discriminator.layers[-1]).__name__
        raise ConfigError(f"the discriminator ends in {last}, expected Linear: it makes the logit of D(x)")


@contextmanager
def what_a_header_asks_for(path: Path):
    """While it is open, what cannot be made is the file's fault: CheckpointError."""
    try:
        yield
    except CheckpointError:
        raise
    except (ValueError, MemoryError) as error:
        raise CheckpointError(f"{path}: its header describes no GAN ({one_line(error)})") from None
