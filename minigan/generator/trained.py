"""The options of every command that takes a trained generator: which one, and what computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from minigan.errors import ConfigError
from minigan.options.recipe import check_sample

if TYPE_CHECKING:
    from minigan.generator.sampler import Sampler


@dataclass(frozen=True, kw_only=True)
class TrainedOptions:
    """--run or --pretrained, one of the two; and the seed, the backend and where it computes."""

    run: str | None = None
    """the run's folder, or a checkpoint file"""
    pretrained: str | None = None
    """instead of --run: a generator that ships with minigan: mnist, mnist-conditional"""
    seed: int = 0
    """seed of every random number"""
    backend: Literal["numpy", "numba", "cupy"] = "numpy"
    """what computes"""
    threads: int | None = None
    """CPU threads; without it all cores that are free to use"""
    device: int = 0
    """which GPU, where cupy computes"""

    def check(self) -> None:
        """Raise ConfigError for the first option that cannot be used."""
        check_sample(1, self.seed)
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"--threads {self.threads}: expected at least 1")

    def sampler(self) -> Sampler:
        """The `Sampler` that --run or --pretrained names.

        Raises ConfigError unless it is one of the two, CheckpointError for a file that cannot be trusted.
        """
        from minigan.generator.sampler import Sampler, chosen

        return Sampler.load(chosen(self.run, self.pretrained), self.backend, self.threads, self.device)
