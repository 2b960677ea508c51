"""Planted bugs: each is caught by its row, and gone afterwards."""

import importlib.util
import re
from pathlib import Path

import pytest

from minigan import gradcheck
from minigan.backends import get
from minigan.checks import gradients, planted_bugs
from minigan.checks.planted_bugs import BUGS, planted
from minigan.checks.table import all_checks, caught_by

DOCS = Path(__file__).parents[2] / "docs"
OPS = get("numpy")


@pytest.fixture(scope="module")
def program():
    """docs/planted_bugs.py as a module."""
    spec = importlib.util.spec_from_file_location("program_of_the_bugs", DOCS / "planted_bugs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def attributes():
    return {name: vars(bug.owner)[bug.attribute] for name, bug in BUGS.items()}


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_a_bug_is_caught_by_a_wide_margin_and_gone_afterwards(bug):
    before = attributes()
    row = caught_by(OPS, bug)
    assert row is not None and row.name == bug.row
    assert not row.worst < 1e-3  # an error as large as this, infinite or no number at all
    assert attributes() == before


def test_a_bug_is_gone_after_an_error_too():
    bug, before = BUGS["sign-relu"], attributes()
    with pytest.raises(KeyboardInterrupt), planted(bug):
        assert attributes() != before
        raise KeyboardInterrupt
    assert attributes() == before


def test_a_bug_that_does_nothing_is_missed(monkeypatch):
    harmless = planted_bugs.Bug(**vars(BUGS["sign-relu"]) | {"wrong": lambda right: right})
    assert caught_by(OPS, harmless) is None
    monkeypatch.setattr(gradcheck, "BUGS", {"sign-relu": BUGS["sign-relu"], "harmless": harmless})
    assert gradcheck.plant_all(OPS) == 1


def test_a_row_that_fails_anyway_catches_nothing():
    with planted(BUGS["sign-relu"]):
        assert caught_by(OPS, BUGS["relu-lets-all-through"]) is None


def test_the_bugs_are_many_and_each_is_described():
    assert len(BUGS) >= 25
    assert len({bug.what for bug in BUGS.values()}) == len({bug.seen for bug in BUGS.values()}) == len(BUGS)
    for name, bug in BUGS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name) and "|" not in bug.what + bug.seen
        assert bug.row.split(":")[0] in all_checks()
        assert (DOCS.parent / bug.file).is_file()


# ---- A bug in a kernel fails the rows of what uses the kernel, and only those ----------------------------------------

GAME, LOSS = "Algorithm 1, alternating, saturating:", "Loss, saturating: dlogits of"
QUICK = [name for name in gradients.gradient_checks() if name != "a small D" and "non-saturating" not in name]


def failures() -> set[str]:
    """The gradients that fail, without the slowest network: D stands in Algorithm 1 as well."""
    checks = gradients.gradient_checks()
    return {row.name for name in QUICK for row in checks[name](OPS, name) if not row.passed}


@pytest.mark.parametrize(
    "name, rows",
    [
        ("sign-relu", ["ReLU: d0.W", "Linear+ReLU: dx", "a small G: d2.b", f"{GAME} G"]),
        ("relu-lets-all-through", ["ReLU: d0.W", "Linear+ReLU: dx", "a small G: d2.b", f"{GAME} G"]),
        ("half-a-sigmoid-slope", ["Sigmoid: d0.W", "Linear+Sigmoid: dx", "a small G: d4.W", f"{GAME} G"]),
        ("maxout-to-all-pieces", ["Maxout: d0.W", "Maxout: dx", "Maxout+Dropout: d0.b", f"{GAME} D", f"{GAME} G"]),
        ("pieces-interleaved", ["Maxout: d0.W", "Maxout: dx", "Maxout+Dropout: d0.b", f"{GAME} D", f"{GAME} G"]),
        ("lost-1-over-keep", ["Maxout+Dropout: d0.W", "Maxout+Dropout: dx", f"{GAME} D", f"{GAME} G"]),
        ("lost-1-over-m", [f"{LOSS} D", f"{LOSS} G", f"{GAME} D", f"{GAME} G"]),
        ("labels-swapped", [f"{LOSS} D", f"{LOSS} G", f"{GAME} D", f"{GAME} G"]),
        ("mask-not-reapplied", ["Dropout: dx", "Dropout: d1.W", "Dropout: d1.b", f"{GAME} G"]),
        ("mask-drawn-anew", ["Dropout: dx", "Dropout: d1.W", "Dropout: d1.b", f"{GAME} G"]),
        ("transposed-weight", ["Linear: dx", "Maxout: dx", "a small G: dx", f"{GAME} D", f"{GAME} G"]),
        ("transposed-input", ["Linear: d0.W", "Maxout: d0.W", "a small G: d4.W", f"{GAME} D", f"{GAME} G"]),
        ("bias-mean-for-sum", ["Linear: d0.b", "Maxout: d0.b", "a small G: d4.b", f"{GAME} D", f"{GAME} G"]),
    ],
)
def test_a_bug_fails_where_it_was_planted(name, rows):
    with planted(BUGS[name]):
        failed = failures()
    assert set(rows) <= failed
    assert failed & {"Linear: d0.W", "Linear: dx", "Linear: d0.b"} <= set(rows)  # and only there


def test_without_a_bug_nothing_fails():
    assert failures() == set()


# ---- The command -----------------------------------------------------------------------------------------------------


def test_all_are_caught_with_exit_code_0(said):
    code, out, error = said(gradcheck.main, "--plant", "all")
    lines = out.splitlines()
    assert code == 0 and error == ""
    assert lines[-1] == f"{len(BUGS)} bugs planted, none missed"
    assert [line.split()[0] for line in lines[1:-1]] == list(BUGS)
    assert all(bug.row in line for bug, line in zip(BUGS.values(), lines[1:-1]))


def test_one_bug_fails_as_if_somebody_had_written_it(said):
    code, out, _ = said(gradcheck.main, "--plant", "sign-relu")
    failed = {line.split(":")[0] for line in out.splitlines() if line.endswith("FAILED")}
    assert code == 1
    assert {"ReLU", "Linear+ReLU", "a small G"} <= failed and not failed & {"Linear", "Maxout", "a small D"}
    assert said(gradcheck.main)[0] == 0


def test_the_bugs_can_be_listed(said):
    code, out, _ = said(gradcheck.main, "--plant", "list")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == list(BUGS)


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (("--plant", "frog"), "expected all, list, or one of the"),
        (("--plant", "sign-relu", "--backend", "numba"), "numpy"),
        (("--plant",), "plant"),
    ],
)
def test_what_cannot_be_planted_is_said_in_one_line(said, arguments, expected):
    code, out, error = said(gradcheck.main, *arguments)
    assert code == 2 and out == "" and len(error.splitlines()) == 1 and expected in error


# ---- The page --------------------------------------------------------------------------------------------------------


def test_the_page_is_made_from_the_bugs(program):
    assert (DOCS / "planted-bugs.md").read_text(encoding="utf-8") == program.page()


def test_a_run_can_be_trained_with_a_bug_inside(program, tmp_path, capsys):
    before = attributes()
    program.train_with(BUGS["z-frozen"], ["--iterations", "3", "--out", str(tmp_path / "run")])
    assert (tmp_path / "run" / "metrics.jsonl").is_file()
    assert attributes() == before
