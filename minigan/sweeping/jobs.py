"""A job: one run of a sweep, in a folder and a process of its own, by a command that can be given by hand as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from minigan.errors import ConfigError
from minigan.files.run_folder import RunFolder
from minigan.options.config import THIS_CALL, Config, preset
from minigan.run.start import Start

MOST = 10_000
"""Runs of one sweep."""


@dataclass(frozen=True)
class Job:
    """One run.

    setting  what the setting is called in the table
    config   all its options, with `out`, its folder, and `threads`
    total    iterations
    """

    setting: str
    config: Config
    total: int

    @property
    def folder(self) -> RunFolder:
        return RunFolder(Path(str(self.config.out)))

    @property
    def log(self) -> Path:
        """What its process says goes there, beside its folder."""
        return self.folder.path.with_name(f"{self.folder.path.name}.log")

    @property
    def arguments(self) -> list[str]:
        """Of `python -m minigan.train`: it begins the run, or goes on with it."""
        base = self.config.preset
        options = flags(self.config, preset(base))
        return ["--preset", base, *options, "--out", str(self.config.out), "--resume", "auto"]


def jobs_of(out: Path, settings: Mapping[str, Config], seeds: Iterable[int], here: bool = True) -> list[Job]:
    """A job for each setting and seed, the first seed of all settings first.

    settings  {name: options}; a name's letters are those of its folder, and "" is the sweep's own folder
    here      the runs are made on this machine, and not on another that may have a GPU

    Raises ConfigError or DataError for options that no run could begin with.
    """
    folders = {name: out / folder_name(name) for name in settings}
    if len(set(folders.values())) < len(folders):
        raise ConfigError(f"--grid: settings named alike ({', '.join(settings)}), expected names that differ")
    alone = {name: replace(config, out=None, threads=threads_of(config)) for name, config in settings.items()}
    totals = {name: Start(config if here else anywhere(config)).total for name, config in alone.items()}
    return [
        Job(name, replace(config, seed=seed, out=str(folders[name] / f"seed-{seed}")), totals[name])
        for seed in seeds
        for name, config in alone.items()
    ]


def threads_of(config: Config) -> int | None:
    """One thread unless told: many runs side by side lose nothing by it.  None where a GPU is asked for."""
    on_a_gpu = config.backend == "cupy" or config.precision == "tf32" or config.device != 0
    return 1 if config.threads is None and not on_a_gpu else config.threads


def anywhere(config: Config) -> Config:
    """The same run on the backend that every machine has, to check all else."""
    precision = "float32" if config.precision == "tf32" else config.precision
    return replace(config, backend="numpy", threads=None, device=0, precision=precision)


def folder_name(setting: str) -> str:
    """A setting's folder: its letters, digits and "=.,_+-", and one dash for all between them."""
    return "-".join("".join(c if c.isalnum() or c in "=.,_+-" else " " for c in setting).split())


def flags(config: Config, base: Config) -> list[str]:
    """The flags that make `config` of `base`, but for those of one call (`out`) and the preset's name."""
    found: list[str] = []
    for field in fields(Config):
        name, value = field.name, getattr(config, field.name)
        if name in (*THIS_CALL, "preset") or value == getattr(base, name):
            continue
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            found.append(flag if value else f"--no-{flag[2:]}")
        else:
            found += [flag, *(value if isinstance(value, tuple) else (str(value),))]
    return found
