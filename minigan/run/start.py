"""What a run begins or goes on with: its data, both networks around them, its phases, how many iterations it has."""

from __future__ import annotations

import warnings
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np

from minigan import data as datasets
from minigan.data import Dataset, Mixture, PictureOptions
from minigan.data.describe import nameless
from minigan.data.ranges import far_apart, out_of_reach
from minigan.distributed.ranks import check_alike, ranks_of
from minigan.errors import CheckpointError, ConfigError, DataError, DataWarning
from minigan.files import checkpoint
from minigan.files.run_folder import RunFolder
from minigan.game.state import buffers
from minigan.gan import GAN
from minigan.layers.activations import ACTIVATIONS
from minigan.layers.models import build
from minigan.loop.fitting import made_of
from minigan.loop.loop import source_of
from minigan.loop.tensorboard import writer_class
from minigan.loop.validation import Measure
from minigan.options.config import Config, recipe_from
from minigan.options.phases import Phase, recipe_before, with_phase
from minigan.options.recipe import Recipe
from minigan.run.second_stage import end_in


class Start:
    """A run that is ready to be played, of which nothing has been written yet.

    there   the folder of the run that it goes on with, from a checkpoint; None if it begins
    total   iterations in all
    phases  those that it has, and those to come

    Raises ConfigError, DataError or CheckpointError for what it cannot begin with.
    """

    def __init__(self, config: Config):
        self.config = config.checked
        if config.tensorboard:
            writer_class("--tensorboard")
        self.phases = phases_of(config)
        self.ranks = ranks_of(config.distributed)
        there = RunFolder(Path(config.out)) if config.resume and config.out and self.ranks.rank == 0 else None
        self.there = there if there and there.begun else None
        self.saved = self.ranks.agreed(self.there.saved_config() if self.there else config)
        self._first = recipe_before(self.saved.recipe, phases_of(self.saved))
        self.data = self.ranks.in_turn(partial(loaded, with_recipe(config, self._first)))
        self.gan = make_gan(with_recipe(config, self._first), self.data)
        self.source = source_of(self.gan, self.data)
        self.batches_per_epoch = self.source.batches_per_epoch
        self.gan.begin(self.batches_per_epoch, datasets.describe(self.data))
        for recipe in (self._first, config.recipe):
            self._check_minibatches(recipe)
        self.total = iterations_of(config, self.gan)
        if config.validate_every is not None:
            Measure(self.data, "--validate-every")
        if self.there is None and config.generator_from is not None:
            end_in(self.gan, config.generator_from)
        check_alike(self.ranks, lambda: made_of(self.gan) | {"data": self.gan.data})

    def _check_minibatches(self, recipe: Recipe) -> None:
        """Raise DataError where the data have no such minibatches, ConfigError where the ranks cannot share them."""
        self.ranks.share(recipe.batch_size)
        source = self.source
        if recipe.batch_size != self._first.batch_size:
            source = datasets.minibatches(self.gan.ops, self.data, recipe.batch_size, recipe.seed, recipe.dtype)
        source.prepare(0, recipe.k)

    def go_on(self, folder: RunFolder) -> Path:
        """Take over the folder's newest checkpoint that verifies, if it is of this run; which one it is.

        Another recipe than the run's own begins a phase.
        """
        path, tensors, header = checkpoint.newest(folder.checkpoints)
        self._kept("contrast", header["data"].get("contrast"), self.config.contrast)
        self._kept("standardise", "standard" in header["data"], self.config.standardise)
        self._kept("condition", recipe_in(path, header).condition, self.config.condition)
        self._kept("generator_from", self.saved.generator_from, self.config.generator_from)
        if nameless(header["data"]) != nameless(self.gan.data):
            raise CheckpointError(f"{path}: trained on other data ({header['data']['name']}, by SHA-256)")
        recipe, done = recipe_in(path, header), header["iteration"]
        repeated = recipe == recipe_before(self.saved.recipe, self.phases, done)
        if not repeated or self.config.recipe != self.saved.recipe:
            self.phases = with_phase(phases_in(path, header), done, recipe, self.config.recipe)
        self.take(path, tensors, header)
        if done > self.total:
            raise ConfigError(f"{path}: {done} iterations are done, more than the {self.total} asked for")
        return path

    def go_back(self, folder: RunFolder) -> None:
        """To the newest checkpoint, or to the beginning."""
        if folder.begun:
            self.take(*checkpoint.newest(folder.checkpoints))
            return
        self.gan.begin(self.batches_per_epoch, self.gan.data, self._first)
        self.source = source_of(self.gan, self.data)
        if self.config.generator_from is not None:
            end_in(self.gan, self.config.generator_from)

    def agree(self) -> None:
        """Every rank goes on with what rank 0 has."""
        gan, ranks = self.gan, self.ranks
        recipe, begun, done, self.phases = ranks.agreed((gan.recipe, gan.phases, gan.iteration, self.phases))
        if (recipe, begun) != (gan.recipe, gan.phases):
            gan.begin(gan.iterations_per_epoch * recipe.k, gan.data, recipe, begun)
            self.source = source_of(gan, self.data)
        for vector in buffers(gan.game):
            ranks.spread(gan.ops, vector)
        gan.iteration = done
        gan.game.set_clock(done)

    def take(self, path: Path, tensors: dict[str, np.ndarray], header: checkpoint.Header) -> None:
        """The GAN as a checkpoint of this run has it."""
        done, recipe = header["iteration"], recipe_in(path, header)
        begun = [phase for phase in self.phases if phase.iteration < done]
        if (recipe, begun) != (self.gan.recipe, list(self.gan.phases)):
            self.gan.begin(self.gan.iterations_per_epoch * recipe.k, self.gan.data, recipe, begun)
            self.source = source_of(self.gan, self.data)
        self.gan.restore(path, tensors, header)

    def changes(self) -> dict[int, Recipe]:
        """{iteration: the recipe from there on} of the phases to come."""
        to_come = [phase.iteration for phase in self.phases if phase.iteration >= self.gan.iteration]
        return {at: recipe_before(self.config.recipe, self.phases, at + 1) for at in to_come}

    def _kept(self, name: str, saved: object, asked: object) -> None:
        """Raise ConfigError where a resumed run is asked for other data."""
        if saved != asked:
            raise ConfigError(
                f"--{name.replace('_', '-')} {asked}: the run in {self.config.out} has {saved}, "
                "and a resumed run keeps what decides its numbers"
            )


def with_recipe(config: Config, recipe: Recipe) -> Config:
    """The options with another recipe."""
    return config if recipe == config.recipe else replace(config, **asdict(recipe))


def phases_of(config: Config) -> tuple[Phase, ...]:
    """The phases of a run's options."""
    return tuple(map(Phase.read, config.phases or ()))


def recipe_in(path: Path, header: checkpoint.Header) -> Recipe:
    """The recipe of a checkpoint of a run.  Raises CheckpointError where it cannot be one."""
    try:
        return recipe_from(header["recipe"])
    except ConfigError as error:
        raise CheckpointError(f"{path}: its header describes no recipe ({error})") from None


def phases_in(path: Path, header: checkpoint.Header) -> tuple[Phase, ...]:
    """The phases of a checkpoint of a run.  Raises CheckpointError where there can be no such."""
    try:
        return tuple(map(Phase.read, header.get("phases", ())))
    except ConfigError as error:
        raise CheckpointError(f"{path}: its header describes no phases ({error})") from None


def loaded(config: Config) -> Dataset | Mixture:
    """The data of --data.  Raises DataError, which says of a run that goes on that its data may have moved."""
    try:
        return datasets.load(
            config.data, config.contrast, config.standardise, PictureOptions.of(config), config.condition == "labels"
        )
    except DataError as error:
        if config.resume:
            raise DataError(f"{error}; the run was trained on it, and --data says where it is now") from None
        raise


def make_gan(config: Config, data: Dataset | Mixture) -> GAN:
    """The networks of --generator and --discriminator around the data.  Raises ConfigError, naming the option."""
    last = "".join(config.generator[-1:]).strip().partition(" ")[0]
    if outside := out_of_reach(data, ACTIVATIONS.get(last)):
        culprit = f"--data {config.data}" if config.contrast is None else f"--contrast {config.contrast}"
        culprit = "--standardise" if config.standardise else culprit
        raise ConfigError(f"{culprit}: {outside}")
    labels = data.labels if isinstance(data, Dataset) else None
    told = 0 if labels is None else len(labels.classes.names)
    try:
        means = data.means() if isinstance(data, Dataset) and data.in_unit_interval else None
        generator = build(config.generator, config.latent + told, data.n_features, means)
    except ValueError as error:
        raise ConfigError(f"--generator: {error}") from None
    try:
        discriminator = build(config.discriminator, data.n_features + told, 1)
    except ValueError as error:
        raise ConfigError(f"--discriminator: {error}") from None
    if apart := far_apart(data):
        warnings.warn(f"--data {config.data}: {apart}", DataWarning, stacklevel=2)
    what_computes = config.backend, config.threads, config.device, config.distributed
    return GAN(generator, discriminator, config.recipe, *what_computes)


def iterations_of(config: Config, gan: GAN) -> int:
    """How many iterations the run has in all.  Raises ConfigError for too many to count, or too few to validate."""
    total = config.iterations or gan.iterations_in(config.epochs)
    if total >= 2**32:
        raise ConfigError(f"--epochs {config.epochs}: {total} iterations, expected fewer than 2^32")
    if config.validate_every is not None and config.validate_every > total:
        raise ConfigError(f"--validate-every {config.validate_every}: expected at most the run's {total} iterations")
    return total
