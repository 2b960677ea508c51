"""`python -m minigan.project`: find z for given images, and walk between two of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from minigan.errors import ConfigError
from minigan.generator.inference import ITERATIONS, Inference
from minigan.generator.projection import STEPS, Descent, fit, nearest_draws
from minigan.generator.sampler import Sampler
from minigan.generator.trained import TrainedOptions
from minigan.options import cli
from minigan.options.console import say, tell

PROG = "minigan.project"
COLUMNS = 10


@dataclass(frozen=True, kw_only=True)
class Options(TrainedOptions):
    """Find the z of which a trained generator makes given images: by a network that predicts it, where there is one,
    and by descent through the generator's backward pass; and walk in z from one image to the next."""

    images: str
    """one picture, or data as --data of minigan.train takes them: a folder of pictures, a file of arrays, mnist, ...;
    their test images, where they have such"""
    out: str
    """FILE.png: images, below them what G makes of their z, and walks between the first two, the next two, ...; or
    FILE.npz: x, z and G(z)"""
    n: int = 20
    """of how many images, the first ones"""
    network: str | None = None
    """FILE.safetensors: the network that predicts z; trained and written where it is not there yet"""
    iterations: int = ITERATIONS
    """for which it is trained"""
    steps: int | None = None
    """of descent; without it 400, or 100 from where the network says"""
    walks: int = 3
    """rows of the picture that are walks"""
    data: str | None = None
    """where the training images are, to compare with the nearest; without it the data that G was trained on"""

    def check(self) -> None:
        """Raise ConfigError for the first option that cannot be used."""
        super().check()
        cli.new_file("--out", self.out, (".png", ".npz"))
        if self.network is not None and not Path(self.network).exists():
            cli.new_file("--network", self.network, (".safetensors",))
        for name, least, most in (("n", 1, 10_000), ("iterations", 1, 2**31), ("steps", 0, 10**6), ("walks", 0, 100)):
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise ConfigError(f"--{name} {value}: expected {least} to {most}")


@cli.command(PROG)
def main(args: list[str]) -> None:
    options = cli.parse(Options, args, PROG)
    options.check()
    from minigan.data import Dataset
    from minigan.generator.reference_data import data_of

    sampler = options.sampler()
    if options.out.endswith(".png") and sampler.data["image_shape"] is None:
        raise ConfigError(f"--out {options.out}: the generator makes no images, expected FILE.npz")
    x = images_of(options, sampler)
    start, steps = begin(options, sampler, x)
    z = Descent(sampler, x, start).run(steps)
    _, data = data_of(sampler, options.run, options.data)
    if isinstance(data, Dataset):
        found = fit(sampler, x, z, data)
        told = f"apart by {found.error:.4g}, the nearest training images by {found.nearest:.4g}"
        say(f"{len(x)} images after {steps} steps: {told}: {found.ratio:.3f} of it")
    write(options, sampler, x, z)
    say(options.out)


def begin(options: Options, sampler: Sampler, x: np.ndarray) -> tuple[np.ndarray, int]:
    """Where descent begins, (n, latent): what the network says, or the nearest of draws; and how many steps it has."""
    steps = options.steps
    if options.network is None:
        return nearest_draws(sampler, x, options.seed), STEPS if steps is None else steps
    path = Path(options.network)
    if path.exists():
        network = Inference.load(path, sampler)
    else:
        network = Inference(sampler, iterations=options.iterations, seed=options.seed)
        tell(f"the network is trained for {options.iterations} iterations")
        network.train(lambda done, error: tell(f"iteration {done}: squared error of z {error:.3f}"))
        network.save(path)
    return network(x), STEPS // 4 if steps is None else steps


def images_of(options: Options, sampler: Sampler) -> np.ndarray:
    """The images, scaled as G's training data: (n, features).  Raises DataError or ConfigError for what are none."""
    from minigan.data import Dataset, load
    from minigan.data.describe import standard_of
    from minigan.data.picture import PictureOptions, formats, read_picture
    from minigan.generator.reference_data import size

    path, name = Path(options.images), options.images
    if path.is_file() and path.suffix.lower() in formats()[0]:
        picture, _ = read_picture(path, PictureOptions())
        data = Dataset(path.name, picture.reshape(1, -1), image_shape=picture.shape)
    else:
        found = load(name)
        if not isinstance(found, Dataset):
            raise ConfigError(f"--images {name}: a density that is drawn from, expected examples")
        data = found
    made = size(sampler.data["image_shape"], sampler.generator.n_out)
    if (given := size(data.image_shape, data.n_features)) != made:
        raise ConfigError(f"--images {name}: {given}, expected {made} as G makes them")
    data = replace(data, contrast=sampler.data.get("contrast"), standard=standard_of(sampler.data))
    part = data.train if data.test is None else data.test
    return data.scaled(part[: options.n], sampler.params.dtype)


def write(options: Options, sampler: Sampler, x: np.ndarray, z: np.ndarray) -> None:
    """What was found, to the file that the suffix asks for."""
    made = sampler.forward(z)
    x, made = sampler.in_own_units(x), sampler.in_own_units(made)
    if options.out.endswith(".npz"):
        np.savez(options.out, x=x, z=z, made=made)
        return
    from minigan.files.plots import save_samples
    from minigan.generator.figures import images_and_walks

    images, outlined = images_and_walks(sampler, x, z, options.walks, COLUMNS)
    shape, contrast = sampler.data["image_shape"], "contrast" in sampler.data
    save_samples(Path(options.out), images, shape, columns=COLUMNS, contrast=contrast, outlined=outlined)


if __name__ == "__main__":
    sys.exit(main())
