"""A folder of homework: the student's, or the solution."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import minigan
from minigan.errors import ConfigError, one_line
from minigan.teaching.lessons import COURSE, Lesson, named, source
from minigan.teaching.planting import Planted, planted

LABEL = "homework.toml"
FOUND = "found.txt"
SOLUTION = "SOLUTION.md"
EMPTY = """\
# One line for each bug that you find: the file, the line in the file as you got it, and what is wrong.  Such as
#     layers.py:12   y has the wrong sign
"""


@dataclass(frozen=True)
class Homework:
    """What decides a student's folder: the lesson, and where bugs are planted a seed and the teacher's key, if any."""

    lesson: Lesson
    seed: int = 0
    key: str = ""

    @property
    def bugs(self) -> tuple[Planted, ...]:
        return self._spoilt[1] if self.lesson.planted else ()

    @property
    def right(self) -> dict[str, str]:
        """{file: text} of what is marked, right and whole."""
        return {f"{file}.py": alone(source(file)) for file in self.lesson.graded}

    @property
    def begun(self) -> dict[str, str]:
        """{file: text} of what is marked, as the student gets it."""
        if self.lesson.planted:
            return self._spoilt[0]
        return {f"{f}.py": without(alone(source(f)), self.lesson.written.get(f, ())) for f in self.lesson.graded}

    @property
    def digest(self) -> str:
        """Of the files as the student gets them: another key or another list of bugs has another one."""
        return hashlib.sha256("\0".join(self.begun.values()).encode()).hexdigest()[:16]

    @cached_property
    def _spoilt(self) -> tuple[dict[str, str], tuple[Planted, ...]]:
        return planted(self.right, self.seed, self.key)

    @property
    def around(self) -> dict[str, str]:
        """{file: text} of what lies beside it in both folders."""
        about: dict[str, Any] = {"lesson": self.lesson.name, "minigan": minigan.__version__}
        about |= {"seed": self.seed, "files": self.digest} if self.lesson.planted else {}
        label = "".join(f"{name} = {json.dumps(value)}\n" for name, value in about.items())
        given = {f"{file}.py": alone(source(file)) for file in self.lesson.given}
        return {LABEL: label, "README.md": self.lesson.task} | given

    @property
    def for_students(self) -> dict[str, str]:
        return self.around | self.begun | ({FOUND: EMPTY} if self.lesson.planted else {})

    @property
    def solved(self) -> dict[str, str]:
        return self.around | self.right | ({FOUND: self._found, SOLUTION: self._told} if self.lesson.planted else {})

    @property
    def _found(self) -> str:
        return EMPTY + "".join(f"{bug.file}:{bug.line}   {bug.what}\n" for bug in self.bugs)

    @property
    def _told(self) -> str:
        """For the teacher: each bug, with what a run of minigan's own looks like that has it."""
        parts = [f"# find-the-bug, seed {self.seed}\n\nLines are those of the student's files.\n"]
        for bug in self.bugs:
            change = f"```python\n{bug.wrong}\n```\n\ninstead of\n\n```python\n{bug.right}\n```\n"
            told = f"{bug.what}\n\n{change}\nIn a run of minigan on digits that has it: {bug.seen}\n"
            parts.append(f"## {bug.name}, {bug.file}, line {bug.line}\n\n{told}")
        return "\n".join(parts)


def alone(text: str) -> str:
    """A file of the course as one of a folder of its own, which imports its neighbours by their names."""
    text = re.sub(rf"from {re.escape(COURSE)} import", "import", text)
    return re.sub(rf"from {re.escape(COURSE)}\.(\w+) import", r"from \1 import", text)


def without(text: str, functions: tuple[str, ...]) -> str:
    """A file without the bodies of these functions; what they are for still stands there."""
    lines = text.splitlines()
    for node in reversed(ast.parse(text).body):
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            docstring = node.body[0]
            lines[docstring.end_lineno : node.end_lineno] = [
                f'    raise NotImplementedError("{node.name}: to be written")'
            ]
    return "\n".join(lines) + "\n"


def write(files: dict[str, str], out: str) -> None:
    """A new folder with these files.  Raises ConfigError where there is something of that name already."""
    path = Path(out)
    if not out or path.is_symlink() or path.exists():
        raise ConfigError(
            f"--out {out}: exists already, and nothing is overwritten" if out else "--out '': expected a folder"
        )
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"--out {out}: expected an existing folder around it")
    try:
        os.mkdir(path)
        for name, text in files.items():
            (path / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--out {out}: {one_line(error)}") from None


def read(folder: str, seed: int | None = None, key: str = "") -> Homework:
    """What a student's folder was made from; `seed` goes over what it says.  Raises ConfigError where it is none."""
    path = Path(folder) / LABEL
    if not path.is_file():
        raise ConfigError(f"{folder}: expected a folder that minigan.homework made, with its {LABEL}")
    try:
        about = tomllib.loads(path.read_text(encoding="utf-8"))
        lesson, said = named(str(about["lesson"])), about.get("seed", 0)
    except (OSError, ValueError, KeyError) as error:
        why = one_line(error) if not isinstance(error, KeyError) else "it names no lesson"
        raise ConfigError(f"{path}: expected what minigan.homework wrote there ({why})") from None
    if type(said) is not int:
        raise ConfigError(f"{path}: seed {said!r}, expected a whole number")
    homework = Homework(lesson, said if seed is None else seed, key)
    if lesson.planted and seed is None and about.get("files") != homework.digest:
        by = "" if about.get("minigan") == minigan.__version__ else f", or minigan {about.get('minigan')}"
        raise ConfigError(f"{folder}: seed {said} plants other bugs than it was made with; expected its own --key{by}")
    return homework
