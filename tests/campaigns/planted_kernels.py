"""Bugs in numba's compiled kernels, planted one at a time in a copy of their source: the checks find each.

    python -m pytest tests/campaigns/planted_kernels.py

All kernels are compiled anew for each, which takes minutes.  A copy's `vectors` is the copy's own, so that a bug there
reaches `sparse` and `tiles`.
"""

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "backends"))

import test_sparse
import test_tiles

from minigan.backends.numba import numba_ops

FOLDER = Path(numba_ops.__file__).parent
MODULES = "vectors", "sparse", "tiles", "kernels"


def sparse_blocks():
    """As `test_sparse.py` has them: a block and a half of rows forward and backward, no whole vector of columns."""
    test_sparse.check(401, 41, 5, 3, 0.5, np.float64)


def tiles_ends():
    """As `test_tiles.py` has them: no whole tile, and no whole vector."""
    test_tiles.check(13, 83, 97, np.float64)


def sigmoid():
    test_tiles.test_sigmoid_is_within_4_ulps_of_its_formula_over_the_whole_range(np.float64, in_place=False)


@dataclass(frozen=True)
class Bug:
    """In the module's source `right` stands once or more, and `wrong` is put there instead; `check` fails then."""

    module: str
    check: object
    right: str
    wrong: str


LAST_COLUMNS = """c = width - n
        weighted_sum_1(x, stride, column + c, rows, weights, start, stop, out, at + c)
        c = width
"""
BUGS = {
    "a row is counted twice where a block of rows begins": Bug(
        "sparse", sparse_blocks, "begins[piece] = ends[piece]", "begins[piece] = max(starts[piece], ends[piece] - 1)"
    ),
    "a dropped unit is computed": Bug(
        "sparse", sparse_blocks, "n += kept[r, o]", "n += np.uint8(1) if o == 2 else kept[r, o]"
    ),
    "a dropped unit passes its derivative back": Bug(
        "sparse", sparse_blocks, "if won[o] >= 0 else pieces", "if won[o] >= 0 else 0"
    ),
    "a piece that is level with the winner takes its place": Bug(
        "sparse", sparse_blocks, "if new > highest", "if new >= highest"
    ),
    "the rows of another piece": Bug(
        "sparse",
        sparse_blocks,
        "piece, row, from_top = o * (pieces + 1) + p,",
        "piece, row, from_top = o * (pieces + 1) + (p + 1) % pieces,",
    ),
    "beta is forgotten": Bug("sparse", sparse_blocks, "keep = beta if top == 0 else one", "keep = one"),
    "beta once more for the second block of rows": Bug(
        "sparse", sparse_blocks, "keep = beta if top == 0 else one", "keep = beta"
    ),
    "beta of a bias is forgotten": Bug("sparse", sparse_blocks, "(beta * db[at] if beta != 0 else zero)", "db[at]"),
    "the scale of dropout is forgotten": Bug("sparse", sparse_blocks, "r, scale * dy_row[o]", "r, dy_row[o]"),
    "the last columns are forgotten": Bug("vectors", sparse_blocks, LAST_COLUMNS, "c = width\n"),
    "the last columns are summed where others stand": Bug("vectors", sparse_blocks, "c = width - n\n", "c -= n\n"),
    "the rest of a sum is forgotten": Bug(
        "vectors",
        tiles_ends,
        "loop(self.builder, whole, end, carried, partial(",
        "loop(self.builder, end, end, carried, partial(",
    ),
    "a rest reads on to the whole vector": Bug(
        "vectors", tiles_ends, "partial(body, load=partial(self.load_first, rest))", "partial(body, load=self.load)"
    ),
    "a lane is added to itself": Bug("vectors", tiles_ends, "[i ^ step for i in range(lanes)]", "range(lanes)"),
    "the last row of y is overwritten by the one before": Bug(
        "tiles",
        tiles_ends,
        "x_rows = [builder.gep(x, [builder.mul(row, width)]) for row in rows]",
        "x_rows = [builder.gep(x, [builder.mul(row, width)])"
        " for row in rows_from(builder, r, builder.sub(last, INDEX(1)), ROWS)]",
    ),
    "units behind the last whole tile are forgotten": Bug(
        "tiles", tiles_ends, "share(-(-units // UNITS)", "share((units // UNITS)"
    ),
    "columns behind the last whole tile are forgotten": Bug(
        "tiles", tiles_ends, "share(-(-width // columns)", "share((width // columns)"
    ),
    "dx lacks the first unit": Bug(
        "tiles", tiles_ends, "loop(builder, INDEX(0), units,", "loop(builder, INDEX(1), units,"
    ),
    "e^x by a series that leaves a term out": Bug("kernels", sigmoid, "((12, 11,", "((11,"),
    "log 2 without its second part": Bug("kernels", sigmoid, "- n * low", "+ n * low"),
}
OF_WIDE_VECTORS = {name for name, bug in BUGS.items() if "dx lacks" in name or name.startswith("columns behind")}
"""bugs of a kernel that needs vectors of 64 bytes"""


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """planted(module, right, wrong): numba's backend with a copy of its kernels in which that is changed."""
    names = {module: f"copied_{module}" for module in MODULES}

    def plant(changed, right, wrong):
        for module, name in names.items():
            source = (FOLDER / f"{module}.py").read_text(encoding="utf-8")
            if module == changed:
                assert right in source
                source = source.replace(right, wrong)
            source = source.replace("minigan.backends.numba.vectors", names["vectors"])
            (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        for module in ("sparse", "tiles", "kernels"):
            monkeypatch.setattr(numba_ops, module, importlib.import_module(names[module]))
        test_sparse.spare_all(monkeypatch)
        test_tiles.tile_all(monkeypatch)

    yield plant
    for name in names.values():
        sys.modules.pop(name, None)


def test_a_copy_without_a_bug_passes(planted):
    planted("vectors", "", "")
    for check in (sparse_blocks, tiles_ends, sigmoid):
        check()


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_found(name, planted):
    bug = BUGS[name]
    if name in OF_WIDE_VECTORS and test_tiles.tiles.BYTES == 32:
        pytest.skip("this processor's vectors are too short for the kernel")
    planted(bug.module, bug.right, bug.wrong)
    with pytest.raises(AssertionError):
        bug.check()
