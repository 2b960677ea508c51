"""The command: folders for students and teachers, their marks, and options that it refuses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minigan
from minigan.homework import main
from minigan.teaching.handout import Homework, read
from minigan.teaching.lessons import LESSONS
from minigan.teaching.marking import Mark
from minigan.teaching.report import text

FULL = {"backward": 30, "algorithm1": 18, "find-the-bug": 21}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def made(said):
    """Make a folder: the lesson's, or its solution."""

    def make(action: str, lesson: str, *options: str, out: str = "hw"):
        code, _, error = said(main, action, "--lesson", lesson, "--out", out, *options)
        assert code == 0, error
        return out

    return make


@pytest.fixture
def marks(said):
    """The marks of a folder, as a teacher collects them: the JSON, and {what: its mark}."""

    def graded(folder: str, *options: str) -> tuple[dict, dict]:
        code, out, error = said(main, "grade", folder, "--json", *options)
        assert (code, error, out.count("\n")) == (0, "", 1)
        found = json.loads(out)
        return found, {mark["what"]: mark for mark in found["marks"]}

    return graded


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_solution_has_full_marks(lesson, made, marks):
    found, each = marks(made("solve", lesson))
    assert [mark["reason"] for mark in each.values()] == [""] * len(each)
    assert found["points"] == found["of"] == FULL[lesson]


@pytest.mark.parametrize("lesson", LESSONS)
def test_an_untouched_folder_has_none(lesson, made, marks):
    found, each = marks(made("new", lesson))
    assert found["points"] == 0 and all(mark["reason"] for mark in each.values())


@pytest.mark.parametrize("lesson", LESSONS)
def test_what_is_to_be_written_is_cut_out_and_all_else_is_there(lesson):
    homework = Homework(LESSONS[lesson])
    cut = [name for names in LESSONS[lesson].written.values() for name in names]
    given = "\n".join(homework.for_students.values())
    assert re.findall(r'NotImplementedError\("(\w+): to be written"\)', given) == cut
    assert "minigan.teaching" not in given and "minigan.teaching" not in "\n".join(homework.solved.values())
    for name, right in homework.right.items():
        compile(homework.begun[name], name, "exec")
        assert (homework.begun[name] != right) == (
            lesson == "find-the-bug" or any(f in right for f in cut_in(lesson, name))
        )


def cut_in(lesson: str, name: str) -> tuple[str, ...]:
    return LESSONS[lesson].written.get(name.removesuffix(".py"), ())


def test_the_marks_are_said_in_lines():
    marks = [Mark("game.d_step", 3, 4, "k = 3: v_d[0] is nothing"), Mark("quiet", 1, 1)]
    assert text(marks).splitlines() == [
        "game.d_step  3 of 4   k = 3: v_d[0] is nothing",
        "quiet        1 of 1",
        "4 of 5 points",
    ]


def test_lessons_are_listed(said):
    code, out, _ = said(main, "list")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == list(LESSONS)


def test_nothing_is_overwritten(made, said, tmp_path):
    (tmp_path / "hw").mkdir()
    (tmp_path / "hw" / "layers.py").write_text("mine")
    for action in ("new", "solve"):
        code, out, error = said(main, action, "--lesson", "backward", "--out", "hw")
        assert (code, out) == (2, "")
        assert error == "minigan.homework: --out hw: exists already, and nothing is overwritten\n"
    assert [path.read_text() for path in (tmp_path / "hw").iterdir()] == ["mine"]


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["grad", "hw"], "'grad': expected one of list, new, grade, solve; did you mean grade?"),
        (["list", "all"], "all: expected nothing after list"),
        (["new", "--lesson", "bakward", "--out", "hw"], "--lesson bakward: expected one of backward, algorithm1"),
        (["new", "--lesson", "backward"], "--out"),
        (["new", "--lesson", "backward", "--out", "no/hw"], "--out no/hw: expected an existing folder around it"),
        (["new", "--lesson", "backward", "--out", ""], "--out '': expected a folder"),
        (["new", "--lesson", "backward", "--seed", "1", "--out", "hw"], "--seed: expected with --lesson find-the-bug"),
        (["new", "--lesson", "backward", "--key", "a", "--out", "hw"], "--key: expected with --lesson find-the-bug"),
        (["new", "--lesson", "find-the-bug", "--seed", "x", "--out", "hw"], "--seed x: expected a whole number"),
        (["grade"], "Missing from minigan.homework grade"),
        (["grade", "nowhere"], "nowhere: expected a folder that minigan.homework made"),
        (["grade", "."], ".: expected a folder that minigan.homework made, with its homework.toml"),
        (["grade", ".", "--seconds", "0"], "--seconds 0: expected .05 to 3600"),
        (["grade", ".", "--memory", "1"], "--memory 1: expected 256 to"),
        (["grade", ".", "--memmory", "1"], "--memmory: unknown; did you mean --memory?"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments, expected, said, tmp_path):
    code, out, error = said(main, *arguments)
    assert (code, out, error.count("\n")) == (2, "", 1) and expected in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "label", ["", "lesson = 3", "lesson = 'cooking'", "lesson", "lesson = 'find-the-bug'\nseed = 'a'"]
)
def test_a_label_that_says_nothing(label, made, said, tmp_path):
    made("new", "find-the-bug")
    (tmp_path / "hw" / "homework.toml").write_text(label)
    code, _, error = said(main, "grade", "hw")
    assert code == 2 and error.count("\n") == 1 and "homework.toml" in error


def test_a_key_hides_which_bugs_a_seed_plants(made, said):
    hw = made("new", "find-the-bug", "--seed", "7", "--key", "maple")
    assert "maple" not in (label := Path("hw/homework.toml").read_text()) and "seed = 7" in label
    assert read(hw, key="maple").bugs != Homework(LESSONS["find-the-bug"], 7).bugs
    code, _, error = said(main, "grade", hw)
    assert code == 2 and "seed 7 plants other bugs than it was made with; expected its own --key" in error
    solved = made("solve", "find-the-bug", "--seed", "7", "--key", "maple", out="solved")
    assert said(main, "grade", solved, "--key", "maple")[1].endswith("\n21 of 21 points\n")


@pytest.mark.parametrize(
    "lesson, program, expected",
    [
        ("backward", ["test_gradients.py"], "g_slope            right"),
        ("backward", ["train.py", "2"], "samples.png"),
        ("algorithm1", ["play.py", "2"], "samples.png"),
    ],
)
def test_the_programs_of_a_solved_folder_run(lesson, program, expected, made, tmp_path):
    folder = made("solve", lesson)
    paths = os.environ | {"PYTHONPATH": str(Path(minigan.__file__).parents[1])}
    done = subprocess.run([sys.executable, *program], cwd=folder, env=paths, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == expected
    assert expected != "samples.png" or (tmp_path / folder / expected).read_bytes()[:4] == b"\x89PNG"


def test_the_gradients_of_an_untouched_folder_are_all_missing(made):
    folder = made("new", "backward")
    done = subprocess.run([sys.executable, "test_gradients.py"], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.count("to be written") == len(done.stdout.splitlines()) == 7
