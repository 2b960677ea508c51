"""The notebooks run from top to bottom, without a network, and show the pictures that they are kept with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
SECONDS_A_CELL = 300
"""far more than any takes, for machines that do much else"""


def pictures(cell) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    """What a cell asserts holds, or nbclient raises its error."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
    notebook = nbformat.read(path, as_version=4)
    kept = [pictures(cell) for cell in notebook.cells]
    folder = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=SECONDS_A_CELL, kernel_name="python3", resources=folder).execute()
    assert [pictures(cell) for cell in notebook.cells] == kept and sum(kept) >= 4


def test_there_is_a_notebook():
    assert [path.stem for path in NOTEBOOKS] == ["first-steps"]
