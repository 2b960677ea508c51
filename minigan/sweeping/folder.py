"""A sweep's folder: one sweep at a time in it, and its record of what it was asked.

OUT/  sweep.json  table.md  table.json  curves.png
      SETTING/seed-3/  an ordinary run;  SETTING/seed-3.log  what its process said
"""

from __future__ import annotations

import json
import shlex
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minigan.errors import ConfigError, shortened
from minigan.files.run_folder import RunFolder
from minigan.files.whole_file import replace_text
from minigan.locks import locked, unlock
from minigan.options.config import Config
from minigan.sweeping.jobs import Job, flags

RECORD = "sweep.json"


class SweepFolder:
    """The folder at `path`, locked against other sweeps from `claim` until `release`, or the end of the process."""

    def __init__(self, path: Path):
        self.path, self.record = path, path / RECORD
        self.table, self.numbers, self.picture = path / "table.md", path / "table.json", path / "curves.png"

    def claim(self, base: Config, jobs: Sequence[Job]) -> None:
        """Make the folder if need be, and keep what was asked; further seeds and settings are added to it.

        base  the options without those that the settings change

        Raises ConfigError, having changed nothing, where other things are there, or a sweep of other options, or one
        that is under way.
        """
        asked = {"options": in_words(base), "runs": {name_of(self.path, job): in_words(job.config) for job in jobs}}
        self._check(asked)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--out {self.path}: {error.strerror}, expected a place for a folder") from None
        try:
            self.release = weakref.finalize(self, unlock, locked(self.path, wait=False))
        except BlockingIOError:
            raise ConfigError(f"--out {self.path}: a sweep is under way there, expected another folder") from None
        before = self._check(asked)
        record = {"options": asked["options"], "runs": before.get("runs", {}) | asked["runs"]}
        if record != before:
            replace_text(self.record, json.dumps(record, indent=1) + "\n")

    def _check(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What the folder's record has; {} where there is none."""
        path = self.path
        if path.exists() and not path.is_dir():
            raise ConfigError(f"--out {path}: a file is there, expected a folder or nothing")
        if not self.record.exists():
            if path.is_dir() and any(not entry.name.startswith(".") for entry in path.iterdir()):
                raise ConfigError(f"--out {path}: no sweep is there (no {RECORD}), expected one, or an empty folder")
            return {}
        try:
            before = json.loads(self.record.read_text(encoding="utf-8"))
            there, runs = str(before["options"]), dict(before["runs"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ConfigError(f"{self.record}: no record of a sweep ({shortened(str(error))})") from None
        if there != asked["options"]:
            raise ConfigError(f"--out {path}: a sweep of other options is there ({differing(there, asked['options'])})")
        for name, options in asked["runs"].items():
            if name in runs and runs[name] != options:
                raise ConfigError(f"--out {path}: {name} is there with {differing(runs[name], options)}")
        return before


def name_of(out: Path, job: Job) -> str:
    """A run within its sweep: "lr=.05/seed-3"."""
    return job.folder.path.relative_to(out).as_posix()


def in_words(config: Config) -> str:
    """All that is not as `Config` has it by default, the preset's own choices too: a preset may change."""
    return shlex.join(["--preset", config.preset, *flags(config, Config())])


def differing(there: str, asked: str) -> str:
    """What a record has that was not asked for, or the other way round: "--lr 0.1, asked for --lr 0.2"."""
    before, now = (flag_by_flag(text) for text in (there, asked))
    had, wanted = (", ".join(sorted(a - b)) or "nothing" for a, b in ((before, now), (now, before)))
    return f"{shortened(had)}; asked for {shortened(wanted)}"


def flag_by_flag(text: str) -> set[str]:
    """Each flag of a command line with its values."""
    found: list[str] = []
    for word in shlex.split(text):
        if word.startswith("--"):
            found.append(word)
        else:
            found[-1] += f" {word}"
    return set(found)


def is_taken(folder: RunFolder) -> bool:
    """Whether some process is writing to this run just now."""
    if not folder.path.is_dir():
        return False
    try:
        unlock(locked(folder.path, wait=False))
    except BlockingIOError:
        return True
    return False
