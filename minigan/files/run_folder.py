"""What a run leaves:

    runs/NAME/  config.toml  metrics.jsonl  samples/*.png  checkpoints/{iteration-00001000,best}.safetensors

A process that is killed may leave a hidden `.NAME.PID.part`; it never counts as anything, and the next one removes it.
"""

from __future__ import annotations

import fcntl
import json
import os
import weakref
from pathlib import Path

from minigan.errors import ConfigError
from minigan.files.whole_file import named_in_errors, replace_file
from minigan.options.config import Config, from_toml, to_toml

LEFTOVERS = ".*.part"


class RunFolder:
    """The files of one run; nothing in it is ever overwritten by another run."""

    def __init__(self, path: Path):
        self.path = path
        self.config = path / "config.toml"
        self.metrics = path / "metrics.jsonl"
        self.samples = path / "samples"
        self.checkpoints = path / "checkpoints"
        self.best = self.checkpoints / "best.safetensors"

    @classmethod
    def create(cls, config: Config) -> RunFolder:
        """A new folder: --out, or the next free runs/PRESET-N.  Raises ConfigError where --out already holds a run."""
        if config.out is None:
            return cls._next_free(Path("runs"), Path(config.preset).stem)
        path = Path(config.out)
        if path.exists() and not path.is_dir():
            raise ConfigError(f"--out {path}: a file is there, expected a folder or nothing")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--out {path}: {error.strerror}, expected a place for a folder") from None
        folder = cls(path).claimed()
        if set(path.iterdir()) > set(path.glob(LEFTOVERS)):
            folder.release()
            raise ConfigError(f"--out {path}: the folder is not empty; --resume goes on with a run, or choose another")
        return folder

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
        """This folder, where nobody else may write until `release`, or until the process ends in whatever way.

        Raises ConfigError where another run is writing there.
        """
        folder = os.open(self.path, os.O_RDONLY)
        self.release = weakref.finalize(self, os.close, folder)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise ConfigError(f"--out {self.path}: a run is writing there just now, expected another folder") from None
        except OSError:
            return self  # a file system without locks
        return self

    def begin(self, config: Config, place: str) -> None:
        """Write config.toml, the first file of a run, with what computes it, in words; and make the folders."""
        replace_file(self.config, f"# {place}\n{to_toml(config)}".encode())
        for folder in (self.samples, self.checkpoints):
            folder.mkdir(exist_ok=True)
        for leftover in (*self.path.glob(LEFTOVERS), *self.path.glob(f"*/{LEFTOVERS}")):
            leftover.unlink()

    def saved_config(self) -> Config:
        """The options that the run was started with.  Raises ConfigError where there is no run."""
        try:
            text = self.config.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"{self.path}: no run there (expected {self.config.name})") from None
        return from_toml(text, str(self.config))

    @property
    def begun(self) -> bool:
        """Whether there is a checkpoint to go on from, whole or damaged."""
        return any(self.checkpoints.glob("iteration-*.safetensors"))

    def checkpoint(self, iteration: int) -> Path:
        return self.checkpoints / f"iteration-{iteration:08d}.safetensors"

    def keep_newest(self, n: int, newest: Path) -> None:
        """Remove all numbered checkpoints before `newest` but n - 1; later ones, which may be damaged, do not count."""
        numbered = self.checkpoints.glob("iteration-*.safetensors")
        for path in sorted(path for path in numbered if path <= newest)[:-n]:
            path.unlink()

    def picture(self, iteration: int) -> Path:
        return self.samples / f"iteration-{iteration:08d}.png"

    def log(self, line: dict) -> None:
        """Append one object to metrics.jsonl."""
        with named_in_errors(self.metrics), open(self.metrics, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def forget_after(self, iteration: int) -> list[dict]:
        """Drop metrics lines of later iterations, and a last one cut short, so that a resumed run logs none twice.

        Returns the lines that stay.
        """
        if not self.metrics.exists():
            return []
        kept = []
        for line in self.metrics.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                logged = json.loads(line)
                if logged["iteration"] > iteration:
                    break
            except (ValueError, KeyError, TypeError):
                break
            kept.append(logged)
        replace_file(self.metrics, "".join(json.dumps(line) + "\n" for line in kept).encode())
        return kept
