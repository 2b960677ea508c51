"""The marks of a student's folder: points, and a reason for each that is missing.

A file is marked beside the right versions of the others, so that one mistake costs once.
"""

from __future__ import annotations

import ast
import re
import tempfile
import warnings
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from minigan.teaching import moves, slopes
from minigan.teaching.asking import Gone, Limits, Pupil, Unanswered, plain
from minigan.teaching.handout import FOUND, Homework, alone
from minigan.teaching.lessons import source
from minigan.teaching.questions import EDGES, FLOAT32, FORMULA, Question, difference

MODULES = ("layers", "losses", "learn", "game")
"""of the course, in the order of their imports"""
IMPORTS = {"numpy", "math", "typing", "dataclasses", "functools", "itertools", "collections", "__future__", *MODULES}
WORTH = {FORMULA: 2, EDGES: 1, FLOAT32: 1}
"""points of a function; without its formula it has none"""
NAMED, MENDED, WHOLE = 2, 4, 2
"""points of a bug whose line is named, of one that is mended, and of everything else being as it was"""
NAMES = re.compile(r"\s*(\w+\.py)\s*:\s*([0-9]{1,6})\b")
NEAR = 3
"""lines: how far a named one may be from the bug"""
LARGEST = 1 << 18
"""bytes of a file of homework"""


@dataclass(frozen=True)
class Mark:
    """Points for one thing, of so many, and why not all."""

    what: str
    points: int
    of: int
    reason: str = ""


@dataclass
class Answers:
    """What became of a function's questions.

    wrong   {what they were about: the first reason}
    asked   what they were about
    """

    wrong: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def mark(self, what: str) -> Mark:
        of = sum(WORTH.values())
        worth = {about: WORTH[about] for about in self.asked}
        worth[FORMULA] = of - sum(points for about, points in worth.items() if about != FORMULA)
        right = 0 if FORMULA in self.wrong else of - sum(worth[about] for about in self.wrong)
        reasons = dict.fromkeys(self.wrong[about] for about in WORTH if about in self.wrong)
        return Mark(what, right, of, "; ".join(reasons))


class Marking:
    """The files of a student's folder, asked one by one.

    texts   {module: its text}, of those that can be run
    unread  {module: why it cannot be}
    manners what the files did besides answering, in words
    """

    def __init__(self, folder: Path, homework: Homework, limits: Limits):
        self.homework, self.limits, self.manners = homework, limits, list[str]()
        self.texts: dict[str, str] = {}
        self.unread: dict[str, str] = {}
        for module in homework.lesson.graded:
            try:
                self.texts[module] = checked(folder / f"{module}.py")
            except Unanswered as why:
                self.unread[module] = str(why)

    def answers(self, module: str, questions: Iterable[Question]) -> dict[str, Answers]:
        """{function: its answers} of one file, beside the right others."""
        if module in self.unread:
            asked = groupby(questions, lambda question: question.function)
            return {name: Answers({FORMULA: self.unread[module]}, {FORMULA}) for name, _ in asked}
        return self._asked({module: self.texts[module]}, questions)

    def together(self, random: np.random.Generator) -> str:
        """What goes wrong where all of the student's files play algorithm 1, "" where nothing does."""
        if self.unread:
            return next(iter(self.unread.values()))
        (found,) = self._asked(self.texts, moves.together(random)).values()
        return next(iter(found.wrong.values()), "")

    def _asked(self, own: dict[str, str], questions: Iterable[Question]) -> dict[str, Answers]:
        found: dict[str, Answers] = {}
        by_function: dict[str, list[Question]] = {}
        for question in questions:
            by_function.setdefault(question.function, []).append(question)
        with (
            tempfile.TemporaryDirectory(prefix="homework-", ignore_cleanup_errors=True) as folder,
            ExitStack() as open_,
        ):
            there = Path(folder) / "files"
            there.mkdir()
            for module in MODULES:
                (there / f"{module}.py").write_text(own.get(module) or alone(source(module)), encoding="utf-8")
            pupil: Pupil | None = None
            for name, asked in by_function.items():
                found[name] = Answers(asked={question.about for question in asked})
                try:
                    pupil = pupil or open_.enter_context(Pupil(there, MODULES, self.limits))
                except Unanswered as why:
                    self.manners.append(str(why))
                    return {name: Answers({FORMULA: str(why)}, {FORMULA}) for name in by_function}
                if not self._function(pupil, asked, found[name]):
                    pupil = None
            if pupil is not None:
                self._behaved(pupil)
            self._left(there)
        return found

    def _function(self, pupil: Pupil, questions: list[Question], found: Answers) -> bool:
        """Ask a function's questions, and say whether the process can be asked more."""
        deadline = monotonic() + self.limits.seconds
        for question in questions:
            try:
                result, left = pupil.ask(question.module, question.function, question.arguments, deadline)
                reason = question.judge(result) or _overwritten(question, left)
            except Unanswered as why:
                reason = str(why)
                if isinstance(why, Gone):
                    self.manners.append(reason)
                    found.wrong[FORMULA] = reason
                    return False
            if reason:
                found.wrong.setdefault(question.about, reason)
        return True

    def _behaved(self, pupil: Pupil) -> None:
        try:
            if names := pupil.changes():
                self.manners.append(f"changed {', '.join(names[:3])}")
        except Unanswered as why:
            self.manners.append(str(why))

    def _left(self, there: Path) -> None:
        printed = there.with_name(f"{there.name}.out")
        if printed.exists() and printed.stat().st_size:
            line = " ".join(printed.read_bytes()[:60].decode("utf-8", "replace").split())
            self.manners.append(f"printed {plain(line)!r}")
        known = {f"{module}.py" for module in MODULES}
        if written := sorted({path.name for path in there.iterdir()} - known):
            self.manners.append(f"wrote the file {plain(written[0])}")


def mark(folder: Path, homework: Homework, limits: Limits = Limits()) -> list[Mark]:
    """All marks of a folder.  Nothing in the folder is changed, and nothing of it runs in this process."""
    random = np.random.default_rng()
    marking = Marking(folder, homework, limits)
    asked = [*slopes.questions(random), *moves.questions(random)]
    marks = (_bugs if homework.lesson.planted else _written)(folder, marking, asked, marking.together(random))
    quiet = "; ".join(list(dict.fromkeys(marking.manners))[:3])
    begun = any(each.points for each in marks)
    return [*marks, Mark("quiet", int(begun and not quiet), 1, quiet or ("" if begun else "nothing is right yet"))]


def _written(folder: Path, marking: Marking, asked: list[Question], together: str) -> list[Mark]:
    """Of what the student has written: each function, and all in one game."""
    marks = []
    for module, functions in marking.homework.lesson.written.items():
        found = marking.answers(module, [question for question in asked if question.function in functions])
        marks += [found[function].mark(f"{module}.{function}") for function in functions]
    return [*marks, Mark("together", int(not together), 1, together)]


def _bugs(folder: Path, marking: Marking, asked: list[Question], together: str) -> list[Mark]:
    """Of what the student has found: each bug, by its line and by what its file computes now, and all the rest.

    What is wrong with a file is told of a bug that has been named: else the marks would find the bugs.
    """
    faults: dict[str, str] = {}
    for module in MODULES:
        found = marking.answers(module, [question for question in asked if question.module == module])
        wrong = [f"{name}: {reason}" for name, answers in found.items() for reason in answers.wrong.values()]
        faults |= {f"{module}.py": reason for reason in wrong[:1]}
    marks, bugs = [], marking.homework.bugs
    named, why = _named(folder / FOUND, len(bugs))
    for i, bug in enumerate(bugs, 1):
        hit = any(file == bug.file and abs(line - bug.line) <= NEAR for file, line in named)
        marks.append(Mark(f"bug {i}: named", NAMED * hit, NAMED, "" if hit else why or f"not in {FOUND}"))
        fault = faults.get(bug.file, "")
        marks.append(Mark(f"bug {i}: mended", 0 if fault else MENDED, MENDED, fault and (fault if hit else "not yet")))
    others = [f"{file}: {fault}" for file, fault in faults.items() if file not in {bug.file for bug in bugs}]
    rest = others[0] if others else "not before every bug is mended" if faults else together
    return [*marks, Mark("all else as it was", 0 if rest else WHOLE, WHOLE, rest)]


def _named(path: Path, most: int) -> tuple[list[tuple[str, int]], str]:
    """The first lines file:line of found.txt, no more than there are bugs; and why there are none."""
    try:
        text = read(path)
    except Unanswered as why:
        return [], str(why)
    named = []
    for line in text.splitlines():
        if named_here := NAMES.match(line):
            named.append((named_here[1], int(named_here[2])))
    return named[:most], ""


def checked(path: Path) -> str:
    """The text of a student's file.  Raises Unanswered for one that is not there or imports what it should not."""
    text = read(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # of a student's escapes, say
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) else ""
        raise Unanswered(f"{path.name}, {line}{getattr(error, 'msg', None) or error}") from None
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom():
                names = [node.module or "."]
            case _:
                continue
        for name in names:
            if name.partition(".")[0] not in IMPORTS:
                raise Unanswered(
                    f"{path.name}, line {node.lineno}: imports {name}, expected numpy alone; it was not run"
                )
    return text


def read(path: Path) -> str:
    """The text of a plain file.  Raises Unanswered for anything else."""
    try:
        if not path.is_file():
            raise Unanswered(f"{path.name} is missing")
        if path.stat().st_size > LARGEST:
            raise Unanswered(f"{path.name} is larger than {LARGEST} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unanswered(f"{path.name} cannot be read: {type(error).__name__}") from None


def _overwritten(question: Question, left: Any) -> str:
    """What is said where a function has changed what it was given."""
    if not isinstance(left, list) or len(left) != len(question.arguments):
        return "its arguments are lost"
    pairs = zip(left, question.arguments)
    changed = [i for i, (now, was) in enumerate(pairs, 1) if difference("", _arrays(now), _arrays(was), 0.0)]
    return f"changes its argument {changed[0]}" if changed else ""


def _arrays(tree: Any) -> Any:
    """Numbers and truths as arrays, to be compared as they are."""
    return [_arrays(part) for part in tree] if isinstance(tree, list | tuple) else np.asarray(tree)
