"""The rows of docs/determinism-table.md: the same seed trained in two ways, to the last bit or up to rounding."""

import importlib.util
import sys
from pathlib import Path

import processors
import pytest

from minigan import GAN

PAGE = Path(__file__).parents[1] / "docs" / "determinism.py"
spec = importlib.util.spec_from_file_location("determinism", PAGE)
determinism = sys.modules["determinism"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(determinism)
RESUMED = list(dict.fromkeys(way for row in determinism.ROWS for way in row[:2] if way.resumed))

pytestmark = pytest.mark.rounding


@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
@pytest.mark.parametrize("one, other, iterations, allowed", determinism.ROWS, ids=str)
def test_two_ways_to_train_agree_as_the_table_says(one, other, iterations, allowed, updates):
    if max(one.threads, other.threads) > determinism.cores():
        pytest.skip("fewer cores than threads")
    start, *ends = (way.weights(updates, iterations=n) for way, n in ((one, 0), (one, iterations), (other, iterations)))
    assert determinism.difference(*ends, start) <= allowed


@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
def test_an_iteration_less_or_another_seed_would_be_seen(updates):
    way = determinism.Way()
    whole, start = way.weights(updates), way.weights(updates, iterations=0)
    assert determinism.difference(whole, way.weights(updates, iterations=59), start) > 1e-2
    ten, nine = (way.weights(updates, iterations=n) for n in (determinism.BEFORE_A_FLIP, determinism.BEFORE_A_FLIP - 1))
    assert determinism.difference(ten, nine, start) > 0.05
    assert determinism.difference(whole, way.weights(updates, seed=4), start) > 1


@pytest.mark.parametrize("way", RESUMED, ids=str)
def test_what_is_resumed_goes_on_on_its_own_threads(way, monkeypatch):
    if way.threads > determinism.cores():
        pytest.skip("fewer cores than threads")
    step, seen = GAN.step, set()

    def seen_step(gan, source):
        seen.add((gan.ops.name, gan.ops.threads))
        step(gan, source)

    monkeypatch.setattr(GAN, "step", seen_step)
    way.weights("alternating", iterations=determinism.STOPPED_AT + 1)
    assert seen == {(way.backend, way.threads)}


def test_the_page_has_a_line_for_every_row_and_a_column_for_every_kernel():
    head, _, *lines = PAGE.with_name("determinism-table.md").read_text().splitlines()
    for one, other, iterations, allowed in determinism.ROWS:
        if "numba, 2 threads" not in str(one):  # as many as the machine that wrote the page had
            [line] = [line for line in lines if line.startswith(f"| {one} | {other} | {iterations} |")]
            assert allowed or "equal bits" in line and "e-" not in line
    assert not [setting for setting in processors.SETTINGS if setting.kernels not in head]
