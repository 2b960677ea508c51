"""`python -m minigan.homework`: exercises for students, and their marks.

minigan.homework list
minigan.homework new --lesson backward --out hw
minigan.homework grade hw
minigan.homework solve --lesson backward --out solution
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from minigan.errors import ConfigError, did_you_mean
from minigan.options import cli
from minigan.options.console import say

if TYPE_CHECKING:
    from minigan.teaching.handout import Homework

PROG = "minigan.homework"


@dataclass(frozen=True, kw_only=True)
class Handout:
    """Write a folder: for a student, or the solution for the teacher."""

    lesson: str
    """backward, algorithm1 or find-the-bug; `minigan.homework list` says what each is"""
    out: str
    """the new folder"""
    seed: int | None = None
    """of find-the-bug: which bugs; 0 where nothing is said"""
    key: str = ""
    """of find-the-bug: a word of the teacher's, without which the seed does not tell the bugs"""


@dataclass(frozen=True)
class Grade:
    """Mark a student's folder.  Its files run in a process of their own with limits, which is no sandbox."""

    folder: cli.Positional[str]
    """that `minigan.homework new` made"""
    json: bool = False
    """one line of JSON"""
    seed: int | None = None
    """of find-the-bug, where it shall not be what the folder says"""
    key: str = ""
    """of find-the-bug, as it was made with"""
    seconds: float = 10.0
    """that the questions to one function may take together"""
    memory: int = 1024
    """megabytes of the student's process"""

    def check(self) -> None:
        """Raise ConfigError for limits that nothing could keep."""
        if not 0.05 <= self.seconds <= 3600:
            raise ConfigError(f"--seconds {self.seconds:g}: expected .05 to 3600")
        if not 256 <= self.memory <= 1 << 20:
            raise ConfigError(f"--memory {self.memory}: expected 256 to {1 << 20} megabytes, of which NumPy takes 200")
        if os.name != "posix":
            raise ConfigError(
                "grade: expected a POSIX system, which can limit and end the process of a student's files"
            )


@cli.command(PROG)
def main(args: list[str]) -> None:
    name, *rest = args or ["--help"]
    if name in ("-h", "--help"):
        say(f"{__doc__ or ''}\n`{PROG} new --help`, and so on, list the options.")
    elif name not in ACTIONS:
        known = f"expected one of {', '.join(ACTIONS)}{did_you_mean(name, ACTIONS)}"
        raise ConfigError(f"{name!r}: {known}")
    else:
        ACTIONS[name](rest)


def lessons(args: list[str]) -> None:
    """Print what there is to be learnt."""
    from minigan.teaching.lessons import LESSONS

    if args:
        raise ConfigError(f"{args[0]}: expected nothing after list")
    for lesson in LESSONS.values():
        say(f"{lesson.name:14} {lesson.what}")


def new(args: list[str]) -> None:
    """Write a student's folder."""
    from minigan.teaching import handout

    options, homework = _handout(args, "new")
    handout.write(homework.for_students, options.out)
    say(f"{options.out}   begin with {Path(options.out) / 'README.md'}")


def solve(args: list[str]) -> None:
    """Write the solution."""
    from minigan.teaching import handout

    options, homework = _handout(args, "solve")
    handout.write(homework.solved, options.out)
    say(f"{options.out}   the solution, for the teacher")


def grade(args: list[str]) -> None:
    """Print the marks of a folder."""
    from minigan.teaching import handout, marking, report
    from minigan.teaching.asking import Limits

    options = cli.parse(Grade, args, f"{PROG} grade")
    options.check()
    homework = handout.read(options.folder, options.seed, options.key)
    marks = marking.mark(Path(options.folder), homework, Limits(options.seconds, options.memory))
    say(report.as_json(options.folder, homework, marks) if options.json else report.text(marks))


def _handout(args: list[str], action: str) -> tuple[Handout, Homework]:
    from minigan.teaching.handout import Homework
    from minigan.teaching.lessons import named

    options = cli.parse(Handout, args, f"{PROG} {action}")
    lesson = named(options.lesson)
    if not lesson.planted and (options.seed is not None or options.key):
        raise ConfigError(f"--{'key' if options.key else 'seed'}: expected with --lesson find-the-bug alone")
    return options, Homework(lesson, options.seed or 0, options.key)


ACTIONS = {"list": lessons, "new": new, "grade": grade, "solve": solve}

if __name__ == "__main__":
    sys.exit(main())
