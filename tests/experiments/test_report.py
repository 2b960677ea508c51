"""`minigan.reproduce` and the page that it leaves, opened in a browser where there is one."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from minigan import reproduce
from minigan.experiments import ORDER, training
from minigan.experiments.finding import Finding
from minigan.experiments.report import Entry, write
from minigan.files.plots import save_samples


@pytest.fixture
def page(tmp_path) -> Path:
    """A page with a slider of three pictures, a picture of its own, a table, and text that HTML has to escape."""
    frames = []
    for i in range(3):
        frames.append(tmp_path / f"iteration-{i:08d}.png")
        save_samples(frames[-1], np.full((4, 64), i / 2), (8, 8), columns=2)
    save_samples(tmp_path / "alone.png", np.full((1, 64), 0.3), (8, 8))
    finding = Finding(
        "Figure <0>",
        "p < q & r",
        "a \"b\" '$c'",
        True,
        {},
        (tmp_path / "alone.png", *frames),
        (("a", "b"), ("<1>", "2")),
    )
    other = Finding("Other", "claims", "found", False, {})
    path = tmp_path / "report.html"
    write(path, [Entry("first", finding, "python -m x", 3, 12.0), Entry("second", other, "y", 3, 1.0)], "heading")
    return path


def test_the_report_needs_no_network_and_escapes_what_it_shows(page):
    text = page.read_text()
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", text) and "<0>" not in text and "p &lt; q &amp; r" in text
    assert "$c" in text and "does not hold" in text and "seed 3" in text


def test_the_report_opens_in_a_browser_and_its_slider_moves_the_samples(page, browser):
    browser.get(page.as_uri())
    image = browser.find_element("css selector", ".slider img")
    shown = [image.get_attribute("src")]
    for value in (0, 1, 2):
        browser.execute_script(
            "const r = document.querySelector('.slider input'); r.value = arguments[0];"
            "r.dispatchEvent(new Event('input'));",
            value,
        )
        shown.append(image.get_attribute("src"))
        assert browser.find_element("css selector", ".slider figcaption").text == f"iteration {value}"
    assert len(set(shown)) == 3 and shown[0] == shown[3]
    assert browser.execute_script("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert browser.find_elements("css selector", "section h2")[0].text == "Figure <0>"
    assert browser.get_log("browser") == []


def test_every_experiment_has_its_title_and_its_time():
    for name in ORDER:
        assert reproduce.seconds(name, quick=True) <= 60 and reproduce.seconds(name, quick=False) > 0


def test_the_times_announced_for_the_quick_form_are_less_than_five_minutes_in_all():
    assert sum(reproduce.seconds(name, quick=True) for name in ORDER) < 300


def test_reproduce_makes_a_page_and_goes_on_where_it_was(said, tmp_path, monkeypatch):
    short = training.config_of
    monkeypatch.setattr(training, "config_of", lambda *a: _shortened(short(*a)))
    out = tmp_path / "paper"
    code, text, error = said(reproduce.main, "--quick", "--only", "samples", "gradients", "--out", out)
    assert code == 0, error
    assert "3 of 3 experiments to make" in error and str(out / "report.html") in text
    page = (out / "report.html").read_text()
    assert all(title in page for title in ("Algorithm 1", "Figures 2 and 3", "Every gradient by hand"))
    record = json.loads((out / "gradients" / "finding.json").read_text())
    assert record["finding"]["holds"] is True
    before = os.stat(out / "training" / "finding.json").st_mtime_ns
    code, _, error = said(reproduce.main, "--quick", "--only", "samples", "gradients", "--out", out)
    assert code == 0 and "0 of 3 experiments to make" in error
    assert os.stat(out / "training" / "finding.json").st_mtime_ns == before


def _shortened(config):
    from dataclasses import replace

    return replace(config, iterations=30, sample_every=10, checkpoint_every=10, log_every=5)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (["--only", "figure9"], "--only figure9"),
        (["--seed", "-1"], "--seed -1"),
        (["--out", ""], "--out ''"),
    ],
)
def test_wrong_options_of_reproduce_are_one_line(said, wrong, message):
    code, _, error = said(reproduce.main, *wrong)
    assert code == 2 and message in error and error.count("\n") == 1


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(said, tmp_path, monkeypatch):
    short = training.config_of
    monkeypatch.setattr(training, "config_of", lambda *a: _shortened(short(*a)))
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr(training.Trainer, "run", killed)
        reproduce.perform("training", tmp_path / "training", reproduce.Options(quick=True))
    assert (tmp_path / "training" / "run" / "config.toml").exists()
    code, _, error = said(reproduce.main, "--quick", "--only", "training", "--out", tmp_path)
    assert code == 0, error


def killed(trainer):
    trainer.folder.release()
    raise RuntimeError("killed")


@pytest.mark.parametrize(
    "text", ['{"finding": {', "[]", '{"quick": true, "seed": 0, "seconds": 1, "finding": {}}', "\xff"]
)
def test_a_damaged_record_is_named_and_says_what_to_do(said, tmp_path, text):
    path = tmp_path / "gradients" / "finding.json"
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))
    code, _, error = said(reproduce.main, "--quick", "--only", "gradients", "--out", tmp_path)
    assert code == 2 and error.count("\n") == 1
    assert f"{path}: no record of an experiment" in error and "removed, it is made anew" in error


def test_a_folder_made_in_another_form_is_not_mixed(said, tmp_path):
    said(reproduce.main, "--quick", "--only", "gradients", "--out", tmp_path)
    code, _, error = said(reproduce.main, "--only", "gradients", "--out", tmp_path)
    assert code == 2 and "--quick" in error and error.count("\n") == 1
