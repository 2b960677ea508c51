"""--dry-run: everything is checked, what the run would take is said, and nothing is written."""

import re
from pathlib import Path

import pytest
from small_run import SMALL

from minigan.train import main


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_says_what_a_run_would_take_and_writes_nothing(tmp_path, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = said(main, *SMALL, "--dry-run", "--iterations", 5000)
    assert code == 0 and not list(tmp_path.iterdir())
    assert "digits, 1500 examples: 5000 iterations of 50 on " in out
    assert "8-24-64, 1,816 parameters" in out and "64-12-1, 2,353 parameters" in out
    assert re.search(r"iteration +[\d.]+ ms, .* for all\n", out) and re.search(r"memory +[\d,]+ MiB", out)


def test_of_a_run_that_goes_on(digits_run, said):
    before = content(digits_run)
    code, out, _ = said(main, "--out", digits_run, "--resume", "--dry-run", "--iterations", 90, "--k", 2)
    assert code == 0 and ": 50 iterations of 50" in out and content(digits_run) == before
    code, _, error = said(main, "--out", digits_run, "--resume", "--dry-run", "--iterations", 30)
    assert code == 2 and "40 iterations are done" in error


def test_of_a_run_that_is_over(digits_run, said):
    code, out, _ = said(main, "--out", digits_run, "--resume", "--dry-run")
    assert code == 0 and ": 0 iterations of 50" in out and " ms" not in out


WRONG = {
    "a folder with a run": ["--out", "taken"],
    "a file": ["--out", "taken/file"],
    "below a file": ["--out", "taken/file/run"],
    "networks": ["--out", "new", "--discriminator", "relu 5", "sigmoid"],
    "data": ["--out", "new", "--data", "nowhere.npy"],
    "a batch": ["--out", "new", "--batch-size", "100000"],
    "validation": ["--out", "new", "--validate-every", "5"],
}


@pytest.mark.parametrize("how", WRONG.values(), ids=WRONG)
def test_what_a_run_would_refuse(how, tmp_path, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    code, out, error = said(main, *how, "--dry-run")
    assert code == 2 and error.count("\n") == 1 and out == ""
    assert content(tmp_path) == {"taken/file": b"mine"} and not (tmp_path / "new").exists()
