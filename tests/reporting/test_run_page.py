"""`minigan.report` makes one page of any run, finished, going on or killed; opened in a browser where there is one."""

import json
import re
import shutil
from pathlib import Path

import pytest

from minigan import report
from minigan.files.run_folder import RunFolder
from minigan.reporting.curves import evenly
from minigan.run.trainer import Trainer
from minigan.train import options

MIXTURE = ["--preset", "ring", "--batch-size", "64", "--iterations", "40", "--log-every", "10", "--sample-every", "20"]


@pytest.fixture(scope="session")
def ring_run(tmp_path_factory) -> Path:
    """A short run on a mixture, that measures itself and had a phase."""
    out = tmp_path_factory.mktemp("runs") / "ring"
    own = [*MIXTURE, "--backend", "numpy", "--checkpoint-every", "20", "--validate-every", "20", "--out", str(out)]
    Trainer(options(own)).run()
    again = ["--out", str(out), "--resume", "--iterations", "60", "--k", "1", "--lr", ".002"]
    Trainer(options(again), "python -m minigan.train --k 1 '<&>'").run()
    return out


@pytest.fixture
def page(said):
    """The text of the page of a run."""

    def of(run: Path, *args) -> str:
        code, out, error = said(report.main, "--run", run, *args)
        assert code == 0, error
        return Path(out.strip()).read_text()

    return of


def words(text: str) -> str:
    """What a page says, without its pictures, as one line."""
    return re.sub(r"\s+", " ", re.sub(r"data:image[^\"'&]*", "", text))


def test_a_run_on_pictures(digits_run, page):
    text = page(digits_run)
    said = words(text)
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", text) and '<html lang="en">' in text
    for title in ("How it fares", "Curves", "Samples as training went on", "Measures", "Record"):
        assert f"<h2>{title}</h2>" in said
    assert "finished, iteration 40 of 40" in said and "All 2 pictures: a grid of samples of G" in said
    last = json.loads((digits_run / "metrics.jsonl").read_text().splitlines()[-1])
    assert "V(D, G) began at" in said and f"is {last['value']:.3f} nats" in said
    assert "<td>latent</td><td>8</td><td>32</td>" in said and "python -m minigan.evaluate --run" in said
    assert "2 checkpoints, iteration-00000020.safetensors to iteration-00000040.safetensors" in said


def test_a_run_on_a_mixture_with_a_phase(ring_run, page):
    said = words(page(ring_run))
    assert "Points of p_g over those of p_data" in said and "Best on validation data at iteration" in said
    assert "Modes that 2500 samples of iteration 60 capture" in said and "of 8</td>" in said
    assert "<td>40</td><td>k 2 to 1, lr 0.001 to 0.002</td>" in said
    assert "--k 1 &#x27;&lt;&amp;&gt;&#x27;" in said and "<&>" not in said


def test_every_picture_has_words_and_every_moving_part_a_name(ring_run, page):
    text = page(ring_run)
    images = re.findall(r"<img [^>]*>", text)
    assert len(images) == 2 and all(re.search(r'alt="[^"]{20,}"', image) for image in images)
    assert text.count("<figcaption") == len(images)
    assert all("aria-label" in made for made in re.findall(r"<input[^>]*>", text))
    assert text.count("<details") == text.count("<summary") >= 5


def test_a_page_is_made_anew_and_another_file_is_not_overwritten(digits_run, tmp_path, page, said):
    first = page(digits_run)
    assert page(digits_run) == first and (digits_run / "report.html").read_text() == first
    elsewhere = tmp_path / "page.html"
    assert page(digits_run, "--out", elsewhere) == first
    code, _, error = said(report.main, "--run", digits_run, "--out", elsewhere)
    assert code == 2 and "exists already, and nothing is overwritten" in error and error.count("\n") == 1


def test_a_run_with_its_page_goes_on(digits_run, tmp_path, page):
    run = tmp_path / "run"
    shutil.copytree(digits_run, run)
    page(run)
    Trainer(options(["--out", str(run), "--resume", "--iterations", "60"])).run()
    assert "finished, iteration 60 of 60" in words(page(run))


def test_a_run_that_is_going_on(digits_run, page):
    writing = RunFolder(digits_run).claimed()
    try:
        assert "going on, at iteration 40 of 40 or further" in words(page(digits_run))
    finally:
        writing.release()


def test_a_run_that_was_killed(digits_run, tmp_path, page):
    run = tmp_path / "run"
    shutil.copytree(digits_run, run)
    (run / "checkpoints" / "iteration-00000040.safetensors").write_bytes(b"cut")
    (run / "checkpoints" / ".iteration-00000060.safetensors.123.part").write_bytes(b"cut")
    lines = (run / "metrics.jsonl").read_text().splitlines()
    (run / "metrics.jsonl").write_text("\n".join(lines[:3]) + '\n{"iteration": 40, "va')
    said = words(page(run))
    assert "stopped at iteration 30 of 40; python -m minigan.train --out" in said
    assert "iteration-00000040.safetensors: no minigan checkpoint" in said and "What its checkpoints say" in said


def test_a_run_that_was_killed_at_its_beginning(digits_run, tmp_path, page):
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(digits_run / "config.toml", run)
    said = words(page(run))
    assert "stopped at iteration 0 of 40" in said and "No line in metrics.jsonl yet." in said
    assert "No picture in samples/ yet." in said and "No checkpoint that can be trusted yet." in said


def test_symptoms_and_numbers_that_are_not_there(digits_run, tmp_path, page):
    run = tmp_path / "run"
    shutil.copytree(digits_run, run)
    line = json.loads((run / "metrics.jsonl").read_text().splitlines()[0])
    won = [line | {"iteration": 100 * i, "value": -0.001, "d_real": 1.0, "d_fake": 0.0} for i in range(1, 6)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in won))
    assert "Iteration 300: D has won: V -0.001" in words(page(run))
    least_squares = [line | {"value": None, "dead_units": None} for line in won]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in least_squares))
    assert "V(D, G) began" not in words(page(run))


def test_wrong_options_are_one_line(tmp_path, said):
    for arguments, message in (
        (["--run", tmp_path], "no run there (expected config.toml)"),
        (["--run", ""], "--run '': expected a run's folder"),
        (["--run", tmp_path, "--out", "page.pdf"], "--out page.pdf: expected a name ending in .html"),
        (["--rnu", tmp_path], "--rnu: unknown; did you mean --run?"),
    ):
        code, out, error = said(report.main, *arguments)
        assert code == 2 and message in error and error.count("\n") == 1 and out == ""
    assert not list(tmp_path.iterdir())


def test_the_first_and_the_last_are_among_those_chosen():
    assert evenly(list(range(100)), 5) == [0, 25, 50, 74, 99] and evenly([1, 2], 5) == [1, 2]


@pytest.mark.parametrize("kind", ["digits_run", "ring_run"])
def test_the_page_opens_in_a_browser_and_is_used_by_keyboard(kind, request, page, browser):
    from selenium.webdriver.common.keys import Keys

    run = request.getfixturevalue(kind)
    page(run)
    browser.get((run / "report.html").as_uri())
    assert browser.execute_script("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")
    reached = set()
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(browser.switch_to.active_element.tag_name)
    assert {"input", "summary", "div"} <= reached
    slider, image = (browser.find_element("css selector", f".slider {tag}") for tag in ("input", "img"))
    caption = browser.find_element("css selector", ".slider figcaption")
    last = caption.text, image.get_attribute("src")
    slider.send_keys(Keys.HOME)
    assert caption.text == "iteration 20" and image.get_attribute("src") != last[1]
    assert image.get_attribute("alt").endswith(", iteration 20")
    assert slider.get_attribute("aria-valuetext") == "iteration 20"
    slider.send_keys(Keys.END)
    assert (caption.text, image.get_attribute("src")) == last
    shut = browser.find_element("css selector", "details:not([open]) summary")
    shut.send_keys(Keys.ENTER)
    assert shut.find_element("xpath", "..").get_attribute("open") is not None
    wide = browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert wide and browser.get_log("browser") == []
