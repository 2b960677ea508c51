"""Every format's loader against damaged files: `tests/campaigns/fuzz.py` in short, and every length of a cut file."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigan.data import DataError, load

sys.path.append(str(Path(__file__).parents[1] / "campaigns"))

import fuzz
from fuzz_formats import FORMATS, Format

pytestmark = pytest.mark.filterwarnings("ignore")
NAMES = [form.name for form in FORMATS]
NUMBERS = st.integers(0, 2**32).map(lambda number: number * len(FORMATS))
CUTS = 250


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where one input after the other is written; its path is in every error."""
    return tmp_path_factory.mktemp("fuzz") / "case"


def passes(case: fuzz.Case, folder: Path) -> None:
    """Refused in one line that names the file, or loaded and right; within bounds of memory."""
    found = fuzz.verdict(case, folder)
    assert found["end"] in ("refused", "right"), found
    assert not found["over"], found


def whole(form: Format, seed: int) -> fuzz.Case:
    files, source, target = form.make(Random(seed))
    return fuzz.Case(form, files, source, target, "nothing", files[target])


@pytest.mark.parametrize("index", range(len(FORMATS)), ids=NAMES)
def test_damage(folder, index):
    passes(whole(FORMATS[index], 0), folder)

    @settings(deadline=None, derandomize=True, max_examples=150, database=None)
    @given(NUMBERS)
    def check(number):
        # To see it alone: python tests/campaigns/fuzz.py --only NUMBER
        passes(fuzz.case(0, number + index), folder)

    check()


@pytest.mark.parametrize("form", FORMATS, ids=NAMES)
def test_every_truncation(folder, form):
    case = whole(form, 1)
    lengths = range(0, len(case.before), max(1, len(case.before) // CUTS))
    for length in [*lengths, len(case.before) - 1]:
        passes(
            fuzz.Case(**vars(case) | {"files": case.files | {case.target: case.before[:length]}, "how": "cut"}), folder
        )


@pytest.mark.parametrize("form", FORMATS, ids=NAMES)
@pytest.mark.parametrize("repeats", [1, 3073])
def test_a_web_page_is_named_as_such(folder, form, repeats):
    page = b"<!DOCTYPE html><html><body>Sign in</body></html>".ljust(50) * repeats
    case = whole(form, 0)
    fuzz.write(folder, case.files | {case.target: page})
    _, error, _, _ = fuzz.measured(form, folder / case.source)
    assert "a web page (HTML)" in str(error) and Path(case.target).name in str(error)


@pytest.mark.parametrize(
    "name",
    ["a.npy", "a.npz", "TFD_48x48.npz", "cifar-10-python.tar.gz", "data_batch_1", "train-images-idx3-ubyte", "a.png"],
)
def test_any_bytes_are_refused(tmp_path, name):
    path = tmp_path / name
    source = path if path.suffix in (".npy", ".npz", ".gz") else tmp_path

    @settings(deadline=None, derandomize=True, max_examples=200, database=None)
    @given(st.binary(max_size=300))
    def check(content):
        path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            load(str(source))
        assert name in str(caught.value) and "\n" not in str(caught.value)

    check()
