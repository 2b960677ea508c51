"""The rows of docs/determinism-table.md: the same seed trained in two ways, to the last bit or up to rounding."""

import importlib.util
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "determinism.py"
spec = importlib.util.spec_from_file_location("determinism", PAGE)
determinism = sys.modules["determinism"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(determinism)


@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
@pytest.mark.parametrize("one, other, allowed", determinism.ROWS, ids=str)
def test_two_ways_to_train_agree_as_the_table_says(one, other, allowed, updates):
    if max(one.threads, other.threads) > determinism.cores():
        pytest.skip("fewer cores than threads")
    assert determinism.difference(one.weights(updates), other.weights(updates)) <= allowed


def test_another_seed_is_another_run():
    way = determinism.Way()
    assert determinism.difference(way.weights("alternating"), way.weights("alternating", seed=4)) > 5e-3


def test_the_page_has_a_line_for_every_row():
    table = PAGE.with_name("determinism-table.md").read_text()
    for one, other, _ in determinism.ROWS:
        if "numba, 2 threads" not in str(one):  # as many as the machine that wrote the page had
            assert f"| {one} | {other} |" in table
