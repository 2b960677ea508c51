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


@pytest.fixture(scope="module")
def kernel():
    """One kernel for all: most of what it takes to begin is imports."""
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("nbformat", reason="nbformat is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    from jupyter_client.manager import KernelManager

    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    manager = KernelManager(kernel_name="python3")
    alone = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}  # threads cost small products more
    manager.start_kernel(env=os.environ | {"PYTHONPATH": paths} | alone)
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, kernel):
    """What a cell asserts holds, or nbclient raises its error."""
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    kept = [pictures(cell) for cell in notebook.cells]
    notebook.cells.insert(0, nbformat.v4.new_code_cell(f"%reset -f\n%cd -q {tmp_path}"))
    nbclient.NotebookClient(notebook, km=kernel, timeout=SECONDS_A_CELL).execute()
    assert [pictures(cell) for cell in notebook.cells[1:]] == kept and sum(kept) >= 4


def test_there_are_notebooks_and_a_page_that_lists_them():
    names = ["first-steps", "from-linear-to-figure-1", "modes", "why-g-saturates", "your-own-data", "your-own-layer"]
    assert [path.stem for path in NOTEBOOKS] == names
    page = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    assert all(f"(notebooks/{name}.ipynb)" in page for name in names)
