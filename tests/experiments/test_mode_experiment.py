"""The table of mode coverage: its runs, its rows, and that a run is made once."""

from dataclasses import replace

import numpy as np
import pytest

from minigan.experiments import modes
from minigan.experiments.modes import AS_SHIPPED, CHANGES, Row
from minigan.metrics.modes import Coverage
from minigan.options.config import preset


def row(name, setting, *counts):
    return Row(name, setting, tuple(Coverage(10, count) for count in counts))


def tiny(name, **options):
    """The options of a run of two iterations."""
    networks = {role: ("relu 4", "linear") for role in ("generator", "discriminator")}
    return replace(preset(name), **{"iterations": 2, "k": 1, "backend": "numpy", **networks, **options})


def test_means_and_standard_errors_are_over_seeds():
    ring = row("ring", AS_SHIPPED, (5, 5), (8, 0), (4, 4))
    assert ring.modes == (pytest.approx(5 / 3), pytest.approx(np.std([2, 1, 2], ddof=1) / np.sqrt(3)))
    assert ring.high_quality == (pytest.approx(2.6 / 3), pytest.approx(np.std([1, 0.8, 0.8], ddof=1) / np.sqrt(3)))


@pytest.mark.parametrize(
    "counts, holds", [(((5, 5), (4, 5)), True), (((5, 5), (5, 4), (10, 0)), False), (((5, 4), (5, 4)), False)]
)
def test_the_reach_is_all_modes_with_every_seed_and_95_percent_in_the_mean(counts, holds):
    assert row("ring", AS_SHIPPED, *counts).holds == holds


def test_the_full_form_has_ten_seeds_of_the_presets_and_each_change_once():
    settings = modes.settings(quick=False)
    for name in ("ring", "grid"):
        assert settings[name, AS_SHIPPED] == preset(name)
    assert modes.seeds_of(AS_SHIPPED, 7, quick=False) == range(7, 17)
    assert {setting for _, setting in settings} == {AS_SHIPPED, *CHANGES}
    for (name, setting), config in settings.items():
        assert (config == preset(name)) == (setting == AS_SHIPPED), "a change that changes nothing"
        assert config.checked and (setting == AS_SHIPPED or modes.seeds_of(setting, 7, quick=False) == range(7, 8))
    assert all(" 16" in line for line in settings["grid", "width 16"].discriminator[:-1])


def test_the_quick_form_is_short_and_its_learning_rate_falls_as_far():
    settings = modes.settings(quick=True)
    assert {setting for _, setting in settings} == {AS_SHIPPED} and len(modes.seeds_of(AS_SHIPPED, 0, quick=True)) == 2
    for (name, _), config in settings.items():
        full = preset(name)
        assert config.epochs < full.epochs / 5
        assert config.lr_decay**config.epochs == pytest.approx(full.lr_decay**full.epochs)


def test_the_table_has_the_published_rows_above_ours(tmp_path):
    ours = row("ring", AS_SHIPPED, (5, 5), (5, 4)), row("grid", AS_SHIPPED, (5, 0), (5, 5))
    rows = [*ours, row("ring", "k = 9", (0, 0))]
    found = modes.finding(rows, False, tmp_path / "p.png")
    head, *lines = found.table
    assert len(head) == 5 and all(len(line) == 5 for line in lines)
    assert lines[1] == ("ring", "PacGAN's vanilla GAN", "", "6.3 ± 0.5", "98.2%")
    assert lines[4:] == [
        ("ring", AS_SHIPPED, "2", "2.0 ± 0.0 of 2", "95.0% ± 5.0%"),
        ("grid", AS_SHIPPED, "2", "1.5 ± 0.5 of 2", "75.0% ± 25.0%"),
        ("ring", "k = 9", "1", "0.0 of 2", "0.0%"),
    ]
    assert found.holds is False and modes.finding(rows, True, tmp_path / "p.png").holds is None
    assert found.numbers["ring, k = 9"]["runs"] == [{"n": 10, "counts": (0, 0)}]


def test_runs_are_made_once_each_and_drawn_and_one_that_diverges_captures_nothing(tmp_path):
    runs = {(name, AS_SHIPPED): (tiny(name), range(2)) for name in ("ring", "grid")}
    runs["ring", "wild"] = tiny("ring", optimizer="sgd", lr=1e30, iterations=20), range(1)
    said = []
    rows = modes.compare(tmp_path, runs, said.append)
    assert len(said) == 5 and any(line.startswith("grid, as shipped, seed 1: ") for line in said)
    assert [(row.data, len(row.found), row.found[0].n) for row in rows] == [
        ("ring", 2, 2500),
        ("grid", 2, 2500),
        ("ring", 1, 2500),
    ]
    assert rows[2].found[0].counts == (0,) * 8
    assert (tmp_path / "modes.png").read_bytes()[:4] == b"\x89PNG"
    records = {path: path.read_bytes() for path in tmp_path.rglob("record.jsonl")}
    assert len(records) == 5 and modes.compare(tmp_path, runs, said.append) == rows
    assert all(path.read_bytes() == content for path, content in records.items())
