"""GAN: two networks and a recipe, with the habits of scikit-learn.

gan = GAN(generator, discriminator, Recipe(batch_size=100))
gan.fit(X, epochs=10).sample(16)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigan.data.describe import Description, classes_of, scaled_as
from minigan.data.labels import beside
from minigan.distributed.ranks import ranks_of
from minigan.errors import CheckpointError, ConfigError, one_line
from minigan.estimator.copies import Copies
from minigan.estimator.fitted import Fitted
from minigan.estimator.parameters import Parameters
from minigan.exchange.from_torch import FromTorch
from minigan.files import checkpoint
from minigan.files.checkpoint import Header, Snapshot
from minigan.game import kept_loss
from minigan.game.algorithm1 import Algorithm1, Minibatches
from minigan.game.check_players import check_players
from minigan.game.gradients import gradients
from minigan.game.losses import belief
from minigan.game.of_recipe import game_of
from minigan.game.state import take_over
from minigan.game.state import tensors as tensors_of
from minigan.game.work import multiplications, ops_for
from minigan.generator.sampler import Sampler, from_header, rows_of
from minigan.layers import Sequential, models
from minigan.layers.models import Layers
from minigan.loop.fitting import Fitting
from minigan.options.phases import Phase, recipe_before, with_phase
from minigan.options.recipe import Loss, Recipe, kept_options


class GAN(Fitting, Fitted, Copies, Parameters, FromTorch):
    """A generator G: z (B, latent) -> x (B, n) and a discriminator D: x (B, n) -> logit (B, 1).

    generator, discriminator  `Sequential` networks
    recipe                    how they play and learn
    backend, threads, device  the name of what computes ("auto": `minigan.game.work` chooses), on how many CPU threads
                              (None: as many as it finds good), or on which GPU
    distributed               "mpi": the processes that mpiexec started, each of which makes the same calls (`ranks`)
    iteration                 iterations done
    phases                    from which iterations on the recipe was changed
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
        distributed: str | None = None,
    ):
        check_players(generator, discriminator, recipe)
        self._generator, self._discriminator, self._recipe = generator, discriminator, recipe.checked
        self._backend, self._threads, self._device, self._distributed = backend, threads, device, distributed
        self.ranks = ranks_of(distributed)
        work = multiplications(generator, discriminator, recipe, self.ranks)
        self.ops = ops_for(work, recipe, backend, threads, device, self.ranks)
        self._game: Algorithm1 | None = None
        self._iterations: dict[tuple[int, bool], Callable[[], None]] = {}
        self.iteration = 0
        self.iterations_per_epoch = 0
        self.phases: tuple[Phase, ...] = ()
        self.data: Description = {}

    @property
    def game(self) -> Algorithm1:
        """Both players and how they play.  Raises ConfigError before they have weights."""
        if self._game is None:
            raise ConfigError("this GAN has no weights yet: call fit, or GAN.load a checkpoint")
        return self._game

    @property
    def has_weights(self) -> bool:
        """Whether it has begun to learn, or has been loaded."""
        return self._game is not None

    # ---- Training ----------------------------------------------------------------------------------------------

    def begin(
        self, batches_per_epoch: int, data: Description, recipe: Recipe | None = None, phases: Sequence[Phase] = ()
    ) -> None:
        """Set up both players with their initial weights, at iteration 0, for data described so.

        recipe, phases  by which a run goes on, whose weights `restore` takes over; None: the recipe at hand
        """
        self._recipe = self._recipe if recipe is None else recipe.checked
        self.iterations_per_epoch = max(1, batches_per_epoch // self._recipe.k)
        self._game, self._iterations = self._new_game(self._recipe, phases), {}
        self.phases, self.iteration, self.history_, self.data = tuple(phases), 0, {}, data

    def _new_game(self, recipe: Recipe, phases: Sequence[Phase]) -> Algorithm1:
        networks = self.generator, self.discriminator
        try:
            return game_of(self.ops, *networks, recipe, self.iterations_per_epoch, phases, self.ranks)
        except ValueError as error:
            raise ConfigError(str(error)) from None

    def change(self, recipe: Recipe) -> None:
        """Play on by another recipe.  On a GAN that has learnt a phase begins (`minigan.options.phases`).

        What the optimisers remember stays; a new optimiser begins with nothing, a new mean of G's weights with G's.  An
        epoch stays as many iterations as it was at the beginning.  Raises ConfigError for a recipe that is out of
        range or does not fit the networks, and for what a run keeps (`FIXED`) once there are weights.
        """
        check_players(self.generator, self.discriminator, recipe)
        if self._game is None:
            self._recipe = recipe.checked
            return
        here = recipe_before(self.recipe, self.phases, self.iteration)
        phases = with_phase(self.phases, self.iteration, here, recipe)
        game = self._new_game(recipe, phases)
        take_over(game, self.game)
        game.set_clock(self.iteration)
        self._recipe, self.phases, self._game, self._iterations = recipe.checked, phases, game, {}

    def step(self, source: Minibatches) -> None:
        """One iteration of Algorithm 1."""
        source.prepare(self.iteration, self._recipe.k, self.game.ahead)
        self._iterate(source)()
        self.iteration += 1

    def _iterate(self, source: Minibatches) -> Callable[[], None]:
        """The game's iteration on this source, recorded where the backend can and no other rank has a share in it.

        A watched iteration runs more kernels than the others, so it has a recording of its own.
        """
        kind = id(source), self.game.generator.watched
        if kind not in self._iterations:
            self._check_batch_size(source)
            iterate = partial(self.game.iterate, source)
            self._iterations[kind] = self.ops.recorded(iterate) if self.ranks.size == 1 else iterate
        return self._iterations[kind]

    def _check_batch_size(self, source: Minibatches) -> None:
        """Raise ConfigError for minibatches that were made before the recipe had another size."""
        m, made = self.recipe.batch_size, getattr(source, "batch_size", self.recipe.batch_size)
        if made != m:
            raise ConfigError(
                f"minibatches of {made}, where --batch-size is {m} by now: expected minibatches made anew"
            )

    def forget_source(self, source: Minibatches) -> None:
        """Let go of a source, and of what was recorded of it."""
        self._iterations = {kind: iterate for kind, iterate in self._iterations.items() if kind[0] != id(source)}

    def iterations_in(self, epochs: int) -> int:
        """Iterations of k minibatches in so many passes over the data."""
        return epochs * self.iterations_per_epoch

    # ---- Use ---------------------------------------------------------------------------------------------------

    def sampler(self) -> Sampler:
        """The generator alone, as it is now and as it learns on."""
        return Sampler(self.ops, self.generator, self.game.generator.settled, self.game.prior, self.data)

    def sample(self, n_samples: int = 1, seed: int = 0, labels: ArrayLike | None = None) -> NDArray[np.floating]:
        """Draws from p_g: (n_samples, features) floats in the data's own units, as `Sampler.sample` has it."""
        return self.sampler().sample(n_samples, seed, labels)

    def discriminate(self, x: ArrayLike, y: ArrayLike | None = None) -> NDArray[np.float64]:
        """D(x), the probability that x came from the data: x of n examples to (n,) float64.

        Where the loss makes no logit of what D's last layer makes, it is that itself (`minigan.game.losses.belief`).

        x  whole numbers are scaled as those trained on; floats are in the units that `sample` has
        y  (n,) labels where D is told them: D(x|y)

        Raises DataError for another kind or shape of data than D was trained on, and for NaN.
        """
        return belief(self.game.loss, self.score_samples(x, y))

    def gradients(
        self, x: ArrayLike, z: ArrayLike | None = None, y: ArrayLike | None = None
    ) -> dict[str, NDArray[np.floating]]:
        """The plain gradient of each player's own loss by its weights: {"generator.0.W": (I, O) array, ...}.

        x  m examples, any m, as `discriminate` takes them
        z  (m, latent), or None: drawn as the coming iteration begins to
        y  (m,) labels where both players are told them

        Dropout is that of the coming iteration's first step, at the present weights, for both players.  Nothing moves.
        Raises as `discriminate`, and ConfigError where z does not fit.
        """
        game, dtype = self.game, self.recipe.dtype
        x = rows_of("x", scaled_as(self.data, x, dtype), self.generator.n_out, dtype)
        z = None if z is None else rows_of("z", z, self.recipe.latent, dtype)
        if z is not None and len(z) != len(x):
            raise ConfigError(f"x of {len(x)} rows and z of {len(z)}: expected as many")
        classes = classes_of(self.data)
        told = None if classes is None else beside(classes, np.empty((len(x), 0), dtype), y)
        return gradients(game, x, z, told)

    # ---- Checkpoints -------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write a checkpoint (`minigan.files.checkpoint`).  Raises OSError where the disk refuses."""
        self.snapshot().write(Path(path))

    def snapshot(self) -> Snapshot:
        """What a checkpoint holds, as it is now: weights and optimiser state; and recipe, networks and iteration."""
        header = {
            "recipe": kept_options(self.recipe) | {"loss": kept_loss.to_json(self.recipe.loss)},
            "generator": models.to_json(self.generator),
            "discriminator": models.to_json(self.discriminator),
            "iteration": self.iteration,
            "iterations_per_epoch": self.iterations_per_epoch,
            "backend": self.ops.name,
            "threads": self.ops.threads,
            "data": self.data,
        }
        if self.phases:
            header["phases"] = list(map(str, self.phases))
        if self.ops.numerics > 1:
            header["numerics"] = self.ops.numerics
        return Snapshot(self.ops.snapshot(tensors_of(self.game)), header)

    @classmethod
    def load(
        cls,
        path: str | Path,
        backend: str = "numpy",
        threads: int | None = None,
        device: int = 0,
        layers: Layers = (),
        loss: type[Loss] | None = None,
        distributed: str | None = None,
    ) -> GAN:
        """The GAN of a checkpoint file, or of the newest one in a run's folder.

        layers, loss  the classes of layers and of the loss of your own in it

        Raises CheckpointError for a file that cannot be trusted, ConfigError for a backend that cannot be had.
        """
        path, tensors, header = checkpoint.find(Path(path))
        recipe, generator, data = from_header(path, header, layers)
        with what_a_header_asks_for(path):
            recipe = replace(recipe, loss=kept_loss.from_json(header["recipe"].get("loss", recipe.loss), loss))
            discriminator = models.from_json(header["discriminator"], layers)
            check_players(generator, discriminator, recipe)
            weights = {
                f"{role}.{name}": (shape, recipe.dtype)
                for role, network in (("generator", generator), ("discriminator", discriminator))
                for name, shape in network.shapes().items()
            }
            # Before memory is taken for them.
            checkpoint.check_tensors(weights, {name: tensors[name] for name in weights if name in tensors}, path)
        gan = cls(generator, discriminator, recipe, backend, threads, device, distributed)
        with what_a_header_asks_for(path):
            phases = [Phase.read(text) for text in header.get("phases", ())]
            gan.begin(header["iterations_per_epoch"] * recipe.k, data, recipe, phases)
        gan.restore(path, tensors, header)
        return gan

    def restore(self, path: Path, tensors: dict[str, np.ndarray], header: Header) -> None:
        """Take over a checkpoint's weights, optimiser state and iteration.  Raises CheckpointError if they misfit."""
        checkpoint.fill(self.ops, tensors_of(self.game), tensors, path)
        checkpoint.check_numerics(self.ops, header, path)
        self.iteration = header["iteration"]
        self.game.set_clock(self.iteration)


@contextmanager
def what_a_header_asks_for(path: Path) -> Iterator[None]:
    """While it is open, what cannot be made is the file's fault: CheckpointError."""
    try:
        yield
    except CheckpointError:
        raise
    except (ValueError, MemoryError) as error:
        raise CheckpointError(f"{path}: its header describes no GAN ({one_line(error)})") from None
