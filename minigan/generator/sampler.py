"""A trained generator to draw from: all that samples, evaluation and figures need of a run."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from minigan import backends
from minigan.backends import Array, Ops
from minigan.data.describe import Description, classes_of, standard_of
from minigan.data.labels import Classes, beside
from minigan.errors import CheckpointError, ConfigError, did_you_mean, one_line
from minigan.files import checkpoint
from minigan.game.priors import Prior
from minigan.layers import Sequential, models
from minigan.layers.models import Layers
from minigan.layers.params import Params
from minigan.options.config import recipe_from
from minigan.options.recipe import Recipe, check_sample
from minigan.rng import Draw, Stream

FIRST_ROWS, ROWS_AT_ONCE = 100, 1000
PREFIX, MEAN = "generator.", "generator.mean."


class Sampler:
    """G: z (B, latent) -> x (B, n), its weights and its prior.  With --condition labels z and y -> x.

    data    what it was trained on, as `minigan.data.describe` says it
    """

    def __init__(self, ops: Ops, generator: Sequential, params: Params, prior: Prior, data: Description):
        self.ops, self.generator, self.params, self.prior, self.data = ops, generator, params, prior, data

    @property
    def classes(self) -> Classes | None:
        """Those that G is told, or None."""
        return classes_of(self.data)

    def sample(self, n_samples: int = 1, seed: int = 0, labels: ArrayLike | None = None) -> NDArray[np.floating]:
        """Draws from p_g: (n_samples, features) float array, in the data's own units.

        labels  where G is told classes: (n_samples,), or one for all; None: drawn, each class as often as in the data

        The same seed gives the same samples to the last bit, however many (`runs`), on one machine, backend and number
        of threads.  Raises ConfigError for a wrong number, seed or label.
        """
        return self.in_own_units(self.scaled_sample(n_samples, seed, labels))

    def scaled_sample(self, n_samples: int = 1, seed: int = 0, labels: ArrayLike | None = None) -> NDArray[np.floating]:
        """The same, scaled as trained on."""
        z = self.draw_z(n_samples, seed)
        return self.forward(z, self.draw_labels(n_samples, seed) if labels is None else labels)

    def draw_labels(self, n_samples: int = 1, seed: int = 0) -> NDArray[np.generic] | None:
        """Labels of samples, (n_samples,), each class as often as in the data; None where G is told none."""
        return None if self.classes is None else np.array(self.classes.names)[self.classes.draw(n_samples, seed)]

    def draw_z(self, n_samples: int = 1, seed: int = 0) -> NDArray[np.floating]:
        """Draws from the prior: (n_samples, latent) NumPy array of the parameters' dtype.

        Raises ConfigError for an invalid number or seed.
        """
        check_sample(n_samples, seed)
        z = np.empty((n_samples, self.prior.n), self.params.dtype)
        for batch in runs(n_samples):
            rows = self.ops.asarray(np.arange(batch.start, batch.stop, dtype=np.uint32))
            drawn = self.ops.empty((len(rows), self.prior.n), z.dtype)
            self.prior.draw(self.ops, Draw(seed, iteration=0, substep=0, stream=Stream.SAMPLE, rows=rows), drawn)
            z[batch] = self.ops.to_host(drawn)[: n_samples - batch.start]  # the last batch may be longer than the rest
        return z

    def generate(self, z: ArrayLike, labels: ArrayLike | None = None) -> NDArray[np.floating]:
        """G(z), or G(z|y): z (n, latent) to (n, features), in the data's own units.

        labels  (n,), or one for all, where G is told classes

        Raises ConfigError for another z, for NaN, and for labels that are missing or unknown.
        """
        return self.in_own_units(self.forward(z, labels))

    def forward(self, z: ArrayLike, labels: ArrayLike | None = None) -> NDArray[np.floating]:
        """What G's last layer makes of z (n, latent), and of labels: (n, features), scaled as trained on."""
        rows = beside(self.classes, rows_of("z", z, self.prior.n, self.params.dtype), labels)
        return forward_in_batches(self.ops, self.generator, self.params, rows, "z")

    def in_own_units(self, x: NDArray[np.floating]) -> NDArray[np.floating]:
        """What `forward` gives, (n, features), with features that were standardised as they were before."""
        standard = standard_of(self.data)
        return x if standard is None else standard.undone(x)

    def tensors(self) -> dict[str, Array]:
        """{"generator.0.W": view, ...}"""
        return {PREFIX + name: view for name, view in self.params.items()}

    def __getstate__(self) -> dict[str, Any]:
        """For `copy` and `pickle`: the weights as they are now, and the name of what computes."""
        weights = self.ops.snapshot(self.tensors())()
        return vars(self) | {"ops": self.ops.name, "params": (self.params.dtype, weights)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """On as many threads as the backend finds good here, or on the first GPU."""
        ops, (dtype, weights) = backends.get(state["ops"]), state["params"]
        vars(self).update(state | {"ops": ops, "params": Params(ops, state["generator"].shapes(), dtype)})
        checkpoint.fill(ops, self.tensors(), weights, Path("a pickled Sampler"))

    @classmethod
    def load(
        cls, path: str | Path, backend: str = "numpy", threads: int | None = None, device: int = 0, layers: Layers = ()
    ) -> Sampler:
        """The generator of a run's folder (its newest checkpoint), of a checkpoint, or of a generator's own file.

        layers  the classes of layers of your own in it

        Raises CheckpointError for a file that cannot be trusted, ConfigError for a backend that cannot be had.
        """
        return cls.of(backends.get(backend, threads, device), *checkpoint.find(Path(path)), layers)

    @classmethod
    def pretrained(
        cls, name: str = "mnist", backend: str = "numpy", threads: int | None = None, device: int = 0
    ) -> Sampler:
        """A generator that ships with the package.  Raises ConfigError for another name, or backend, than there is."""
        return cls.load(pretrained(name), backend, threads, device)

    @classmethod
    def of(
        cls, ops: Ops, path: Path, tensors: dict[str, np.ndarray], header: checkpoint.Header, layers: Layers = ()
    ) -> Sampler:
        """The generator in what was read from a checkpoint.  Raises CheckpointError where it holds none."""
        recipe, network, data = from_header(path, header, layers)
        prefix = MEAN if any(name.startswith(MEAN) for name in tensors) else PREFIX
        own = {
            PREFIX + name.removeprefix(prefix): tensor
            for name, tensor in tensors.items()
            if name.removeprefix(prefix)[:1].isdigit()
        }
        shapes = network.shapes()
        # Before memory is taken for them.
        checkpoint.check_tensors({PREFIX + name: (shape, recipe.dtype) for name, shape in shapes.items()}, own, path)
        sampler = cls(ops, network, Params(ops, shapes, recipe.dtype), Prior(recipe.prior, recipe.latent), data)
        checkpoint.fill(ops, sampler.tensors(), own, path)
        return sampler


def from_header(path: Path, header: checkpoint.Header, layers: Layers = ()) -> tuple[Recipe, Sequential, Description]:
    """The recipe, the generator without its weights and the data that a header speaks of.  Raises CheckpointError."""
    try:
        # A loss of one's own is a list, and it is `GAN.load` that needs it.
        options = {name: value for name, value in header["recipe"].items() if (name, type(value)) != ("loss", list)}
        recipe, network = recipe_from(options), models.from_json(header["generator"], layers)
    except CheckpointError:
        raise
    except ValueError as error:
        raise CheckpointError(f"{path}: its header describes no generator ({one_line(error)})") from None
    data: Description = header["data"]
    standardised = len(data["standard"]["mean"]) if "standard" in data else network.n_out
    widths = prod(data.get("image_shape") or [network.n_out]), standardised
    told = len(data["labels"]["classes"]) if "labels" in data else 0
    if bool(recipe.condition) != bool(told):
        raise CheckpointError(f"{path}: its header describes no generator (its condition contradicts its labels)")
    if network.n_in != recipe.latent + told or widths != (network.n_out, network.n_out):
        raise CheckpointError(f"{path}: its header describes no generator (its widths contradict each other)")
    return recipe, network, data


def pretrained(name: str) -> Path:
    """The file of a generator that ships with the package.  Raises ConfigError for another name."""
    folder = resources.files("minigan") / "pretrained"
    names = sorted(p.name.removesuffix(".safetensors") for p in folder.iterdir() if p.name.endswith(".safetensors"))
    if name not in names:
        raise ConfigError(f"--pretrained {name}: expected {' or '.join(names)}{did_you_mean(name, names)}")
    return Path(str(folder / f"{name}.safetensors"))


def chosen(run: str | None, name: str | None) -> Path:
    """What --run or --pretrained names.  Raises ConfigError unless it is one of the two."""
    if (run is None) == (name is None):
        raise ConfigError("expected --run (a run's folder or a checkpoint) or --pretrained, one of the two")
    if run == "":
        raise ConfigError("--run '': expected a run's folder or a checkpoint file")
    return Path(run) if run is not None else pretrained(str(name))


def forward_in_batches(ops: Ops, network: Sequential, params: Params, x: ArrayLike, name: str = "x") -> np.ndarray:
    """A pass without dropout, some rows at a time: x (n, n_in) to (n, n_out); a row's bits do not depend on n.

    Raises ConfigError, which calls x by `name`, for other widths and for NaN.
    """
    return passes(ops, network, params, x, name)


def hidden_units(ops: Ops, network: Sequential, params: Params, x: ArrayLike) -> np.ndarray:
    """What all layers with weights but the last make of x (n, n_in), side by side: (n, units).

    Raises as above, and ConfigError for a network with one such layer.
    """
    stages = [i for i, stage in enumerate(network.stages) if network.layers[stage.index].shapes()][:-1]
    if not stages:
        raise ConfigError("a network of one layer, expected one with hidden units")
    return np.concatenate([passes(ops, network, params, x, "x", i) for i in stages], axis=1)


def passes(ops: Ops, network: Sequential, params: Params, x: ArrayLike, name: str, stage: int = -1) -> np.ndarray:
    """What a stage of the network makes in a pass without dropout: (n, its units)."""
    x = rows_of(name, x, network.n_in, params.dtype)
    tape = network.tape(ops, FIRST_ROWS if len(x) <= FIRST_ROWS else ROWS_AT_ONCE, x.dtype)
    y = np.empty((len(x), tape.layers[stage].y.shape[1]), x.dtype)
    with ops.session():
        for run in runs(len(x)):
            part = np.zeros((run.stop - run.start, network.n_in), x.dtype)
            part[: len(x) - run.start] = x[run]
            here = tape[: len(part)]
            network.forward(ops, params, ops.asarray(part), here)
            y[run] = ops.to_host(here.layers[stage].y)[: len(x) - run.start]
    return y


def rows_of(name: str, x: ArrayLike, width: int, dtype: DTypeLike) -> np.ndarray:
    """x (n, width) in this dtype.  Raises ConfigError, which calls x by `name`, for other widths and for NaN."""
    try:
        x = np.asarray(x, dtype)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name}: no array ({one_line(error)}), expected numbers of shape (n, {width})") from None
    if x.ndim != 2 or x.shape[1] != width:
        raise ConfigError(f"{name} of shape {x.shape}: expected (n, {width})")
    if not (finite := np.isfinite(x).all(axis=1)).all():
        raise ConfigError(f"{name} with NaN or infinity in row {finite.argmin()}: expected finite numbers")
    return x


def runs(n: int) -> Iterator[slice]:
    """The rows 0 to n - 1 in runs that do not depend on n: 100, then 900, then 1,000 each, the last perhaps past n.

    A BLAS may add up a row's products in another order where the matrix has another number of rows.
    """
    start, stop = 0, FIRST_ROWS
    while start < n:
        yield slice(start, stop)
        start, stop = stop, (stop // ROWS_AT_ONCE + 1) * ROWS_AT_ONCE
