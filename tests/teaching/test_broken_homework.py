"""Homework that is wrong, or worse: it has its reason, never full marks, and the marking ends."""

import json
import os
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

from minigan.homework import main
from minigan.teaching.handout import Homework
from minigan.teaching.lessons import LESSONS

RIGHT = Homework(LESSONS["backward"]).solved

WRONG = {
    "linear_backward": ("db = dy.sum(axis=0)", "db = dy.sum(axis=0); x *= 0"),
    "relu_backward": ("return dy * (y > 0)", "return dy * (y > 0) / 0 * 0"),
    "sigmoid_backward": ("return dy * y * (1 - y)", "return (dy * y * (1 - y)).T"),
    "maxout_backward": ("won = winner == np.arange(piece.shape[1])[:, None]", "won = piece == piece.max(1)[:, None]"),
    "dropout_backward": ("return dy * kept / keep", "return (dy * kept / keep).astype('f4').astype(dy.dtype)"),
    "d_slope": ("dl[:m] -= 1", "dl = dl - np.repeat([[1], [0]], m, axis=0)"),
    "g_slope": ("if saturating:", "if not saturating:"),
}
"""{the function: (a line of it, what stands there now)}"""
SAID = {
    "linear_backward": (0, "changes its argument 2"),
    "relu_backward": (0, "dx is not finite"),
    "sigmoid_backward": (0, "dx has shape (3, 5), expected (5, 3)"),
    "maxout_backward": (3, "at a tie: dz"),
    "dropout_backward": (0, "by finite difference"),
    "d_slope": (3, "dl is float64, expected float32"),
    "g_slope": (0, "by finite difference"),
}
"""{the function: its points of 4, and what the reason says}"""
WORSE = {
    "linear_backward": ("dx = dy @ W.T", "\n    while True: pass"),
    "relu_backward": ("return dy * (y > 0)", "raise SystemExit(0)"),
    "sigmoid_backward": ("return dy * y * (1 - y)", "__import__('os')._exit(0)"),
    "maxout_backward": (
        "return (dy[:, None] * won).reshape(z.shape)",
        "return np.zeros(1 << 28)",
    ),
    "dropout_backward": ("return dy * kept / keep", "__import__('ctypes').string_at(0)"),
    "d_slope": ("return dl / m", "return {'dl': dl / m}"),
    "g_slope": ("if saturating:", "return np.zeros(1 << 20)\n    if saturating:"),
}
SAID_OF_WORSE = {
    "linear_backward": "no answer within 2 s",
    "relu_backward": "SystemExit: 0 (layers.py, line",
    "sigmoid_backward": "ended its process, exit code 0",
    "maxout_backward": "out of memory",
    "dropout_backward": "ended its process by SIGSEGV",
    "d_slope": "TypeError: a dict, expected arrays of numbers",
    "g_slope": "returned far more than was asked for",
}
FILES = {
    "prints, patches NumPy and writes a report": (
        "print('30 of 30')\nnp.allclose = lambda *_: True\nopen('marks.json', 'w').write('{\"points\": 30}')",
        "changed numpy.allclose; printed '30 of 30'; wrote the file marks.json",
    ),
    "ends": ("raise SystemExit(0)", "SystemExit: 0 (layers.py, line"),
    "ends at once": ("__import__('os').kill(__import__('os').getpid(), 40)", "ended its process by signal 40"),
    "closes its pipes": ("__import__('os').closerange(3, 99)\n__import__('time').sleep(99)", "answers no more"),
    "gets at minigan": ("__import__('minigan.layers')", "ModuleNotFoundError: No module named 'minigan.layers'"),
    "hangs": ("while True: pass", "no answer within 2 s"),
    "answers by itself": (
        "for i in range(3, 99):\n    try: __import__('os').write(i, b'x' * 8)\n    except OSError: pass",
        "returned far more than was asked for",
    ),
    "imports the answers": ("from minigan.teaching.course.layers import *", "imports minigan.teaching.course.layers"),
    "imports the system": ("import os", "layers.py, line 67: imports os, expected numpy alone; it was not run"),
    "is no Python": ("def", "layers.py, line 67: invalid syntax"),
    "does not decode": ("\udcff", "layers.py cannot be read: UnicodeDecodeError"),
}
"""{what layers.py does: (a line at its end, what the reasons say)}"""


def edited(edits: dict[str, tuple[str, str]]) -> dict[str, str]:
    """The right files with these lines instead."""
    files = dict(RIGHT)
    for function, (line, wrong) in edits.items():
        (file,) = (name for name, text in files.items() if f"def {function}(" in text and name != "test_gradients.py")
        head, body = files[file].split(f"def {function}(")
        assert line in body
        files[file] = f"{head}def {function}({body.replace(line, wrong, 1)}"
    return files


@pytest.fixture
def graded(tmp_path, said):
    """The marks of a folder with these files, {what: its mark}, which are never full."""

    def grade(files: dict[str, str]) -> dict:
        folder = tmp_path / "hw"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, errors="surrogateescape")
        code, out, error = said(main, "grade", folder, "--json", "--seconds", "2")
        assert code == 0 and error == ""
        found = json.loads(out)
        assert found["points"] < found["of"] == 30
        assert {path.name: path.read_text(errors="surrogateescape") for path in folder.iterdir()} == files
        return {mark["what"].split(".")[-1]: mark for mark in found["marks"]}

    return grade


def test_each_mistake_has_its_reason(graded):
    marks = graded(edited(WRONG))
    for function, (points, reason) in SAID.items():
        assert marks[function]["points"] == points and reason in marks[function]["reason"], function
    assert marks["together"]["points"] == 0 and marks["quiet"]["points"] == 1


def test_what_ends_hangs_or_eats_is_marked_and_the_marking_goes_on(graded):
    begun = monotonic()
    marks = graded(edited(WORSE))
    assert monotonic() - begun < 120
    for function, reason in SAID_OF_WORSE.items():
        assert marks[function]["points"] == 0 and reason in marks[function]["reason"], function
    assert marks["quiet"]["points"] == 0


@pytest.mark.parametrize("way", FILES)
def test_a_file_that_does_something_else(way, graded):
    code, reason = FILES[way]
    marks = graded(RIGHT | {"layers.py": f"{RIGHT['layers.py']}{code}\n"})
    assert any(reason in mark["reason"] for mark in marks.values()), marks
    assert marks["quiet"]["points"] == 0 or marks["relu_backward"]["points"] == 0
    assert marks["d_slope"]["points"] == 4, "one file's fault costs the other nothing"


def test_a_file_that_is_missing_or_no_file(graded, tmp_path):
    marks = graded({name: text for name, text in RIGHT.items() if name != "losses.py"})
    assert marks["g_slope"]["reason"] == "losses.py is missing" and marks["relu_backward"]["points"] == 4


def test_a_pipe_for_a_file_is_not_waited_for(said, tmp_path):
    folder = tmp_path / "hw"
    folder.mkdir()
    for name, text in RIGHT.items():
        (folder / name).write_text(text)
    (folder / "layers.py").unlink()
    os.mkfifo(folder / "layers.py")
    code, out, _ = said(main, "grade", folder)
    assert code == 0 and "layers.py is missing" in out and "13 of" not in out


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc to look for processes in")
def test_no_process_is_left(graded):
    """Not even one that a student's file has started beside itself."""
    spawned = "__import__('subprocess').Popen(['sleep', '86417'])"
    graded(edited({"relu_backward": ("return dy * (y > 0)", f"{spawned}; return -dy")}))
    running = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # of one that has just ended
            running.append(path.read_bytes())
    assert any(b"pytest" in command for command in running) and not any(b"86417" in command for command in running)
