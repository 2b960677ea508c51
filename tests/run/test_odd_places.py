"""Commands in a folder whose name is not UTF-8 or that is gone, and in a Python that keeps no docstrings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from runs import command
from small_run import SMALL

ODD = os.fsdecode(b"caf\xe9 %s {x}")
RUN = [*SMALL, "--iterations", "20", "--backend", "numpy"]
COMMANDS = {
    "train": [*RUN, "--resume", "--iterations", "40", "--out", "run"],
    "sweep": [*RUN, "--seeds", "0-1", "--out", "sweep"],
    "slurm": [*RUN, "--seeds", "0-1", "--slurm", "--out", "array"],
    "sample": ["--run", "run", "--out", "samples.png"],
    "report": ["--run", "run", "--out", "page.html"],
    "explain": ["--run", "run", "--iteration", "5", "--out", "step.html"],
    "export": ["--run", "run", "--out", "g.safetensors"],
    "evaluate": ["--run", "run", "--draws", "1", "--json", "table.json"],
    "compare": ["run", "run"],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of that name with a run in it."""
    folder = tmp_path_factory.mktemp("places") / ODD
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system has names in UTF-8 alone")
    assert command("minigan.train", *RUN, "--out", str(folder / "run")).returncode == 0
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_whose_name_is_not_utf_8(place, name):
    written = {"run", "sweep", "array", "samples.png", "page.html", "step.html", "g.safetensors", "table.json"}
    options = [str(place / word) if word in written else word for word in COMMANDS[name]]
    done = command("minigan.sweep" if name == "slurm" else f"minigan.{name}", *options)
    assert done.returncode == 0, done.stderr
    if name == "slurm":
        assert os.fsencode(ODD) in (place / "array" / "array.sh").read_bytes()


@pytest.mark.parametrize("words", [["gradcheck"], ["gradcheck", "--plant", "list"], ["homework"], ["train", *RUN]])
def test_a_python_that_keeps_no_docstrings(tmp_path, monkeypatch, words):
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    name, *options = words
    done = command(f"minigan.{name}", *options, cwd=tmp_path)
    assert done.returncode == 0 and "None" not in done.stdout, done.stderr


def test_a_current_folder_that_is_gone(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    begin = f"import os, sys; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r}); from minigan.train import main; "
    done = subprocess.run(
        [sys.executable, "-c", begin + "sys.exit(main())", *RUN, "--out", str(tmp_path / "run")],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
