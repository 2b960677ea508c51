"""find-the-bug: each seed has bugs of its own, every bug is caught, and other spellings are right."""

import json
import sys
from contextlib import chdir
from functools import cache

import numpy as np
import pytest

from minigan.checks.planted_bugs import BUGS
from minigan.teaching import marking, moves, slopes, worker
from minigan.teaching.asking import Limits
from minigan.teaching.edits import EDITS, SPELLINGS
from minigan.teaching.frames import LENGTHS, packed, unpacked
from minigan.teaching.handout import Homework
from minigan.teaching.lessons import LESSONS
from minigan.teaching.marking import MODULES, Marking
from minigan.teaching.planting import planted

LESSON = LESSONS["find-the-bug"]
RIGHT = Homework(LESSON).right


class Here:
    """A pupil of files that are ours, in this process, for the sake of speed."""

    def __init__(self, folder, modules, limits):
        with chdir(folder):
            self.modules = worker.loaded(list(modules))
        for module in modules:
            del sys.modules[module]

    def ask(self, module, function, arguments, deadline):
        own = worker.own(arguments)
        frame = packed([getattr(self.modules[module], function)(*own), own])
        start = LENGTHS.size + LENGTHS.unpack_from(frame)[0]
        return unpacked(frame[LENGTHS.size : start], frame[start:])

    def changes(self):
        return []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr(marking, "Pupil", Here)


@cache
def all_asked():
    random = np.random.default_rng()
    return [*slopes.questions(random), *moves.questions(random)]


def asked_of(tmp_path, files: dict[str, str], module: str) -> dict[str, str]:
    """{function: the first reason} of what is wrong with a file."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    asked = [question for question in all_asked() if question.module == module]
    found = Marking(tmp_path, Homework(LESSON), Limits()).answers(module, asked)
    return {name: next(iter(answers.wrong.values())) for name, answers in found.items() if answers.wrong}


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: f"{edit.file}-{edit.name}")
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_a_bug_is_caught_where_it_is(edit, tmp_path):
    assert edit.name in BUGS
    files = RIGHT | {edit.file: edit.made_in(RIGHT[edit.file])}
    assert asked_of(tmp_path, files, edit.file.removesuffix(".py"))


def test_other_spellings_are_right(tmp_path):
    files = dict(RIGHT)
    for edit in SPELLINGS:
        assert edit.name == ""
        files[edit.file] = edit.made_in(files[edit.file])
    assert [asked_of(tmp_path, files, module) for module in MODULES] == [{}] * len(MODULES)


def test_seeds_plant_different_bugs_and_a_seed_always_the_same():
    seen = {}
    for seed in range(40):
        files, bugs = planted(RIGHT, seed)
        assert (files, bugs) == planted(RIGHT, seed)
        assert len({bug.file for bug in bugs}) == 3
        for bug in bugs:
            assert files[bug.file].splitlines()[bug.line - 1] in bug.wrong.splitlines()
        seen[tuple((bug.file, bug.name) for bug in bugs)] = files
    assert len(seen) > 35 and len({json.dumps(files) for files in seen.values()}) == len(seen)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_the_files_of_a_seed_are_wrong_where_its_bugs_are_and_nowhere_else(seed, tmp_path):
    files, bugs = planted(RIGHT, seed)
    wrong = {f"{module}.py" for module in MODULES if asked_of(tmp_path, files, module)}
    assert wrong == {bug.file for bug in bugs}
