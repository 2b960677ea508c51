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


def tiny(name, seed=0):
    """The options of a run of two iterations."""
    networks = {role: ("relu 4", "linear") for role in ("generator", "discriminator")}
    return replace(preset(name), seed=seed, iterations=2, k=1, backend="numpy", **networks)


def test_means_and_standard_errors_are_over_seeds():
    ring = row("ring", AS_SHIPPED, (5, 5), (8, 0), (4, 4))
    assert ring.modes == (pytest.approx(5 / 3), pytest.approx(np.std([2, 1, 2], ddof=1) / np.sqrt(3)))
    assert ring.high_quality == (pytest.approx(2.6 / 3), pytest.approx(np.std([1, 0.8, 0.8], ddof=1) / np.sqrt(3)))
    assert modes.mean_and_error([3.0]) == (3, 0)


@pytest.mark.parametrize(
    "counts, holds", [(((5, 5), (4, 5)), True), (((5, 5), (5, 4), (10, 0)), False), (((5, 4), (5, 4)), False)]
)
def test_the_reach_is_all_modes_with_every_seed_and_95_percent_in_the_mean(counts, holds):
    assert row("ring", AS_SHIPPED, *counts).holds == holds


def test_the_full_form_has_ten_seeds_of_the_presets_and_each_change_once():
    runs = modes.settings(seed=7, quick=False)
    for name in ("ring", "grid"):
        assert runs[name, AS_SHIPPED] == [replace(preset(name), seed=7 + i) for i in range(10)]
    assert {setting for _, setting in runs} == {AS_SHIPPED, *CHANGES}
    for (name, setting), configs in runs.items():
        assert (configs[0] == replace(preset(name), seed=7)) == (setting == AS_SHIPPED), "a change that changes nothing"
        assert configs[0].checked
    assert all(" 16" in line for line in runs["grid", "width 16"][0].discriminator[:-1])


def test_the_quick_form_is_short_and_its_learning_rate_falls_as_far():
    runs = modes.settings(seed=0, quick=True)
    assert {setting for _, setting in runs} == {AS_SHIPPED}
    for (name, _), (config, *_) in runs.items():
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


def test_runs_are_made_side_by_side_once_each_and_drawn(tmp_path):
    runs = {(name, AS_SHIPPED): [tiny(name), tiny(name, 1)] for name in ("ring", "grid")}
    said = []
    rows = modes.compare(tmp_path, runs, said.append)
    assert len(said) == 4 and any(line.startswith("grid, as shipped, seed 1: ") for line in said)
    assert [(row.data, len(row.found), row.found[0].n) for row in rows] == [("ring", 2, 2500), ("grid", 2, 2500)]
    assert (tmp_path / "modes.png").read_bytes()[:4] == b"\x89PNG"
    assert modes.compare(tmp_path, runs, said.append) == rows and len(said) == 4
    assert modes.kept(tmp_path, tiny("ring")) != modes.kept(tmp_path, replace(tiny("ring"), lr=0.5))


def test_a_run_that_diverges_captures_nothing(tmp_path):
    wild = replace(tiny("ring"), optimizer="sgd", lr=1e30, iterations=20)
    assert modes.measured(tmp_path, wild).counts == (0,) * 8
