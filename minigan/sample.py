"""`python -m minigan.sample`: draw samples from a trained generator."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from minigan import cli
from minigan.errors import ConfigError

PROG = "minigan.sample"
KINDS = (".png", ".npy", ".npz")


@dataclass(frozen=True)
class Options:
    """Draw samples from a run's generator."""

    run: str
    """the run's folder, or a checkpoint file"""
    out: str
    """FILE.png (a grid), FILE.npy (float32, (n, features), in the range trained on) or FILE.npz (x and z)"""
    n: int = 100
    """how many"""
    seed: int = 0
    """seed of z"""
    columns: int = 10
    """images in a row of the grid"""
    interpolate: bool = False
    """each row of the grid along a straight line in z, between two draws (figure 3 of the paper)"""
    backend: Literal["numpy", "numba"] = "numpy"
    """what computes"""

    def check(self) -> None:
        """Raise ConfigError for the first option that cannot be used."""
        if not self.run:
            raise ConfigError("--run '': expected a run's folder or a checkpoint file")
        if Path(self.out).suffix not in KINDS:
            raise ConfigError(f"--out {self.out}: expected a name ending in {', '.join(KINDS)}")
        if Path(self.out).exists():
            raise ConfigError(f"--out {self.out}: exists already, and nothing is overwritten")
        if not Path(self.out).absolute().parent.is_dir():
            raise ConfigError(f"--out {self.out}: expected an existing folder")
        if not 1 <= self.n < 2**31:
            raise ConfigError(f"--n {self.n}: expected 1 to 2^31 - 1")
        if self.columns < 2:
            raise ConfigError(f"--columns {self.columns}: expected at least 2")
        if not 0 <= self.seed < 2**64:
            raise ConfigError(f"--seed {self.seed}: expected 0 to 2^64 - 1")
        if self.interpolate and self.n % self.columns:
            raise ConfigError(f"--n {self.n}: expected full rows of {self.columns} images with --interpolate")


def straight_lines(ends: np.ndarray, columns: int) -> np.ndarray:
    """Points from ends[2 i] to ends[2 i + 1], evenly spaced: ends (2 rows, latent) to (rows * columns, latent)."""
    t = np.linspace(0, 1, columns, dtype=ends.dtype)[:, None]
    return np.concatenate([(1 - t) * a + t * b for a, b in zip(ends[0::2], ends[1::2])])


def main(args: list[str] | None = None) -> None:
    args = sys.argv[1:] if args is None else args

    def body() -> None:
        options = cli.parse(Options, args, PROG)
        options.check()
        from minigan.gan import GAN

        gan = GAN.load(options.run, options.backend)
        if options.interpolate:
            z = straight_lines(gan.draw_z(2 * options.n // options.columns, options.seed), options.columns)
        else:
            z = gan.draw_z(options.n, options.seed)
        write(Path(options.out), gan.generate(z).astype(np.float32), z, gan, options.columns)
        print(options.out)

    cli.run(PROG, body)


def write(path: Path, x: np.ndarray, z: np.ndarray, gan, columns: int) -> None:
    """x (n, features) and z (n, latent) to the file that the suffix asks for."""
    match path.suffix:
        case ".npy":
            np.save(path, x)
        case ".npz":
            np.savez(path, x=x, z=z)
        case _:
            from minigan.plots import save_samples

            save_samples(path, x, gan.data["image_shape"], columns=columns)


if __name__ == "__main__":
    main()
