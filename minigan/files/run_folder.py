"""What a run leaves:

    runs/NAME/  config.toml  record.jsonl  metrics.jsonl  samples/*.png
                checkpoints/{iteration-00001000,best}.safetensors

A process that is killed may leave a hidden `.NAME.PID.part`; it never counts as anything, and the next one removes it.
"""

from __future__ import annotations

import json
import weakref
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

from minigan.errors import ConfigError
from minigan.files.checkpoint import number, numbered
from minigan.files.whole_file import append_line, replace_text
from minigan.locks import locked, unlock
from minigan.options.config import Config, from_toml, to_toml

LEFTOVERS = ".*.part"


class RunFolder:
    """The files of one run; nothing in it is ever overwritten by another run."""

    def __init__(self, path: Path):
        self.path = path
        self.config = path / "config.toml"
        self.metrics = path / "metrics.jsonl"
        self.record = path / "record.jsonl"
        self.samples = path / "samples"
        self.checkpoints = path / "checkpoints"
        self.best = self.checkpoints / "best.safetensors"

    @classmethod
    def create(cls, config: Config) -> RunFolder:
        """A new folder: --out, or the next free runs/PRESET-N.  Raises ConfigError where --out already holds a run."""
        if config.out is None:
            return cls._next_free(Path("runs"), Path(config.preset).stem)
        folder = cls(Path(config.out))
        if not folder.path.is_dir():
            folder.check_free()
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--out {folder.path}: {error.strerror}, expected a place for a folder") from None
        folder.claimed()
        try:
            folder.check_free()
        except ConfigError:
            folder.release()
            raise
        return folder

    def check_free(self) -> None:
        """Raise ConfigError where a file is, or a folder with something in it."""
        path = self.path
        if path.exists() and not path.is_dir():
            raise ConfigError(f"--out {path}: a file is there, expected a folder or nothing")
        if path.is_dir() and set(path.iterdir()) > set(path.glob(LEFTOVERS)):
            raise ConfigError(f"--out {path}: the folder is not empty; --resume goes on with a run, or choose another")

    @classmethod
    def _next_free(cls, parent: Path, name: str) -> RunFolder:
        try:
            parent.mkdir(exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{parent}: {error.strerror}, expected a place for a folder; or choose --out") from None
        number = 1
        while True:
            path = parent / f"{name}-{number}"
            try:
                path.mkdir()
                return cls(path).claimed()
            except FileExistsError:
                number += 1

    def claimed(self) -> RunFolder:
        """This folder, locked against other runs until `release` or the end of the process, even if killed.

        Raises ConfigError where another run is writing there.
        """
        try:
            self.release = weakref.finalize(self, unlock, locked(self.path, wait=False))
        except BlockingIOError:
            raise ConfigError(f"--out {self.path}: a run is writing there just now, expected another folder") from None
        return self

    def begin(self, config: Config) -> None:
        """Write config.toml, the first file of a run, and make the folders."""
        replace_text(self.config, to_toml(config))
        for folder in (self.samples, self.checkpoints):
            folder.mkdir(exist_ok=True)
        for leftover in (*self.path.glob(LEFTOVERS), *self.path.glob(f"*/{LEFTOVERS}")):
            leftover.unlink()

    def saved_config(self) -> Config:
        """The options that the run was started with.  Raises ConfigError where there is no run."""
        try:
            text = self.config.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"{self.path}: no run there (expected {self.config.name})") from None
        return from_toml(text, str(self.config))

    @property
    def begun(self) -> bool:
        """Whether there is a checkpoint to go on from, whole or damaged."""
        return bool(numbered(self.checkpoints))

    def checkpoint(self, iteration: int) -> Path:
        return self.checkpoints / f"iteration-{iteration:08d}.safetensors"

    def keep_newest(self, n: int, newest: Path) -> None:
        """Remove all numbered checkpoints before `newest` but n - 1; later ones, which may be damaged, do not count."""
        for path in [path for path in numbered(self.checkpoints) if number(path) <= number(newest)][:-n]:
            path.unlink()

    def picture(self, iteration: int) -> Path:
        return self.samples / f"iteration-{iteration:08d}.png"

    def log(self, line: dict[str, Any]) -> None:
        """Append one object to metrics.jsonl."""
        append_line(self.metrics, json.dumps(line))

    def logged(self) -> list[dict[str, Any]]:
        """The objects of metrics.jsonl, up to one that was cut short."""
        found: list[dict[str, Any]] = []
        if not self.metrics.exists():
            return found
        for line in self.metrics.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                logged = json.loads(line)
                if isinstance(logged, dict) and type(logged.get("iteration")) is int:
                    found.append(logged)
                    continue
            break
        return found

    def remember(self, line: dict[str, Any]) -> None:
        """Append one object to record.jsonl (`minigan.files.record`)."""
        append_line(self.record, json.dumps(line))

    def sessions(self, until: int) -> list[dict[str, Any]]:
        """Where and with which versions the run began and went on, up to an iteration: without paths and commands."""
        begun = [line for line in self.remembered() if "versions" in line and line["iteration"] < until]
        return [{name: line[name] for name in ("iteration", "versions", "place", "machine")} for line in begun]

    def remembered(self) -> list[dict[str, Any]]:
        """The objects of record.jsonl, but for lines that were cut short; none for a run of minigan 0.1.0."""
        found = []
        if self.record.exists():
            for line in self.record.read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError):
                    found.append(json.loads(line))
        return found

    def forget_after(self, iteration: int) -> list[dict[str, Any]]:
        """Drop metrics lines of later iterations, and a last one cut short, so that a resumed run logs none twice.

        Returns the lines that stay.
        """
        if not self.metrics.exists():
            return []
        kept = list(takewhile(lambda line: line["iteration"] <= iteration, self.logged()))
        replace_text(self.metrics, "".join(json.dumps(line) + "\n" for line in kept))
        return kept
