"""Command lines with a slip of the pen: one line that names it, and what was meant."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from minigan import (
    __main__,
    compare,
    evaluate,
    explain,
    export,
    figure,
    gradcheck,
    homework,
    live,
    report,
    reproduce,
    sample,
    train,
)

MODULES = (compare, evaluate, explain, export, figure, gradcheck, homework, live, report, reproduce, sample, train)
COMMANDS = {module.PROG: module.main for module in MODULES}


@pytest.mark.parametrize(
    "command, arguments, expected",
    [
        ("train", ["--bacth-size", "3"], "--bacth-size: unknown; did you mean --batch-size?"),
        ("train", ["--bacth_size=3"], "--bacth_size: unknown; did you mean --batch-size?"),
        ("train", ["--lr", ".1", "-iterations", "5"], "-iterations: unknown; did you mean --iterations?"),
        ("train", ["--no-resumee"], "--no-resumee: unknown; did you mean --no-resume?"),
        ("train", ["--no-such-thing-at-all"], "--no-such-thing-at-all: unknown, and --help lists what there is"),
        ("train", ["--optimizer", "sdg"], "--optimizer sdg: expected one of sgd, momentum, adam; did you mean sgd?"),
        ("train", ["--optimizer=ADAM"], "--optimizer ADAM: expected one of sgd, momentum, adam; did you mean adam?"),
        ("train", ["--loss", "hinge"], "--loss hinge: expected one of non-saturating, saturating"),
        ("train", ["--preset", "mnits"], "or a .toml file; did you mean mnist?"),
        ("train", ["--data", "mnits"], "did you mean mnist?"),
        ("train", ["--generator", "rleu 9", "linear"], "did you mean relu?"),
        ("train", ["--generator", "relu 9 unifrom=.1", "linear"], "did you mean uniform?"),
        ("sample", ["--pretraned", "mnist"], "--pretraned: unknown; did you mean --pretrained?"),
        ("sample", ["--pretrained", "mnits", "--out", "x.npy"], "mnist or mnist-conditional; did you mean mnist?"),
        ("sample", ["--pretrained", "mnist", "--backend", "nunba"], "did you mean numba?"),
        ("evaluate", ["--rnu", "x"], "--rnu: unknown; did you mean --run?"),
        ("figure", ["2", "--out", "x.png", "--colums", "3"], "--colums: unknown; did you mean --columns?"),
        ("figure", ["3", "--out", "x.png", "--lines", "strait"], "expected one of linear, spherical, both"),
        ("export", ["--run", "a", "--uot", "b"], "--uot: unknown; did you mean --out?"),
        ("gradcheck", ["--palnt", "all"], "--palnt: unknown; did you mean --plant?"),
        ("gradcheck", ["--plant", "wrong-sgin"], "--plant wrong-sgin: expected all, list, or one of"),
        ("homework", ["graed", "hw"], "'graed': expected one of list, new, grade, solve; did you mean grade?"),
        ("homework", ["new", "--leson", "backward"], "--leson: unknown; did you mean --lesson?"),
        ("reproduce", ["--quik"], "--quik: unknown; did you mean --quick?"),
        ("reproduce", ["--only", "trainign"], "did you mean training?"),
    ],
)
def test_the_nearest_name_is_said(said, command, arguments, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, error = said(COMMANDS[f"minigan.{command}"], *arguments)
    assert code == 2 and expected in error and error.count("\n") == 1 and out == ""
    assert not list(tmp_path.iterdir())


def test_an_unknown_command_has_a_nearest_one(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["minigan", "trian"])
    code = __main__.main()
    error = capsys.readouterr().err
    assert code == 2 and error.count("\n") == 1
    assert "unknown command 'trian'" in error and "did you mean train?" in error


def test_what_is_known_is_read_as_before(said):
    for arguments in (["--batch_size", "7"], ["--batch-size=7"]):
        code, out, _ = said(train.main, *arguments, "--no-resume", "--print-config")
        assert code == 0 and "batch_size = 7\n" in out


@pytest.mark.parametrize("arguments", [["--lr", "abc"], ["--lr"], ["--k", "1.5"], ["extra"], ["--lr", "-inf"]])
def test_a_value_that_cannot_be_read_is_one_line(said, arguments):
    code, _, error = said(train.main, *arguments, "--print-config")
    assert code == 2 and error.count("\n") == 1


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_the_line_is_the_same_in_every_encoding(encoding):
    call = [sys.executable, "-m", "minigan.train", "--resume=maybe"]
    done = subprocess.run(call, capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding}, check=False)
    assert done.stderr == b"minigan.train: --resume maybe: expected nothing, or auto\n"


def test_a_command_says_flags_and_a_program_beside_it_arguments():
    script = (
        "from minigan import Recipe, train\n"
        "try: Recipe(batch_size=0).checked\n"
        "except ValueError as error: print(error)\n"
        "assert train.main(['--batch-size', '0']) == 2\n"
        "try: Recipe(batch_size=0).checked\n"
        "except ValueError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "batch_size 0: expected 1 to 2^30 - 1\n" * 2
    assert done.stderr == "minigan.train: --batch-size 0: expected 1 to 2^30 - 1\n"


@pytest.mark.parametrize(
    "arguments", [["--iterations", "abc"], ["--k", "1.5"], ["--lr", "fast"], ["--k"], ["--threads="]]
)
def test_a_number_that_is_none(said, arguments):
    code, _, error = said(train.main, *arguments)
    assert code == 2 and error.count("\n") == 1 and "expected a" in error and "number" in error
