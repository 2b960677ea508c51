"""`minigan.explain` writes one page that holds an iteration of a run; opened in a browser, where there is one."""

import json
import os
import re
import time
from pathlib import Path

import pytest

from minigan import explain
from minigan.explaining.step import Step

ITERATION = 30
MNIST = Path(os.environ.get("MINIGAN_DATA", Path(__file__).parents[3] / "shared" / "data"))
OPEN = """return JSON.stringify({
  text: arguments[0].querySelector(".entry").innerText,
  verdict: arguments[0].querySelector(".agreement span").className,
})"""


def held(page: Path) -> dict:
    """What a page holds."""
    return json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1])


@pytest.fixture(scope="module")
def page(digits_run, tmp_path_factory) -> Path:
    """The page of an iteration between two checkpoints."""
    out = tmp_path_factory.mktemp("pages") / "step.html"
    assert explain.main(["--run", str(digits_run), "--iteration", str(ITERATION), "--out", str(out)]) == 0
    return out


def test_every_number_of_the_file_is_that_of_a_replay(digits_run, page):
    data, step = held(page), Step.of_run(digits_run, ITERATION)
    assert data["graph"] == step.graph() and data["tensors"].keys() == step.tensors.keys()
    for name, tensor in step.tensors.items():
        assert data["tensors"][name] == step.tensor(name)
        entries = data["entries"].get(name, [])
        assert entries == step.chosen(name) and bool(entries) == (tensor.gradient is not None)
        assert all(entry["value"] == tensor.array[tuple(entry["index"])] for entry in entries)
    assert sum(len(entries) for entries in data["entries"].values()) > 700


def test_it_is_one_file_of_little_size_that_asks_for_nothing(page):
    text = re.sub(r"<script.*?</script>", "", page.read_text(), flags=re.DOTALL)
    assert page.stat().st_size < 5_000_000
    urls = ["".join(found) for found in re.findall(r"(?:src|href)=\"([^\"]*)\"|url\(([^)]*)\)", text)]
    assert len(urls) > 5 and all(url.startswith("data:") for url in urls)
    assert "@import" not in text and '<html lang="en">' in text


def test_wrong_options_are_one_line_and_nothing_is_overwritten(digits_run, page, tmp_path, said):
    out, before = tmp_path / "step.html", page.read_bytes()
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.toml").write_bytes((digits_run / "config.toml").read_bytes())
    run = ["--run", digits_run]
    for arguments, message in (
        ([*run, "--iteration", 41, "--out", out], "--iteration 41: expected 1 to 40, the last that "),
        ([*run, "--iteration", 0, "--out", out], "--iteration 0: expected 1 to 40"),
        ([*run, "--iteration", "x", "--out", out], "--iteration x: expected a whole number"),
        ([*run, "--iteration", 3, "--out", page], "exists already, and nothing is overwritten"),
        ([*run, "--iteration", 3, "--out", tmp_path / "step.pdf"], "expected a name ending in .html"),
        ([*run, "--iteration", 3, "--out", tmp_path / "no" / "step.html"], "expected an existing folder"),
        (["--run", tmp_path, "--iteration", 3, "--out", out], "no run there (expected config.toml)"),
        (
            ["--run", tmp_path / "empty", "--iteration", 3, "--out", out],
            "no checkpoint (iteration-*.safetensors) there",
        ),
        (["--run", "", "--iteration", 3, "--out", out], "--run '': expected a run's folder"),
        (["--rnu", "x"], "--rnu: unknown; did you mean --run?"),
    ):
        code, printed, error = said(explain.main, *arguments)
        assert code == 2 and message in error and error.count("\n") == 1 and printed == "", arguments
    assert not out.exists() and page.read_bytes() == before


# ---- In a browser -------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(browser):
    """Open a page, and wait until all of it is drawn: the seconds that it took."""

    def of(page: Path) -> float:
        start = time.perf_counter()
        browser.get(page.as_uri())
        while not browser.execute_script("return document.querySelector('#step').dataset.drawn"):
            assert time.perf_counter() - start < 60, browser.get_log("browser")
            time.sleep(0.02)
        return time.perf_counter() - start

    return of


def read_entry(browser, node: str, tensor: str) -> tuple[str, str]:
    """Open a box and the first entry of one of its arrays: what the page says of it, and its verdict."""
    browser.find_element("css selector", f'.node[data-id="{node}"]').click()
    array = browser.find_element("css selector", f'[data-name="{node}/{tensor}"]')
    array.find_element("css selector", "button.at").click()
    told = json.loads(browser.execute_script(OPEN, array))
    return told["text"], told["verdict"]


def test_a_box_and_an_entry_are_opened_and_agree(page, browser, opened):
    from selenium.webdriver.common.keys import Keys

    opened(page)
    data = held(page)
    assert len(browser.find_elements("css selector", ".node")) == len(data["graph"]["nodes"])
    assert browser.execute_script("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")
    node = "0.d.discriminator.1"
    for letter in ("dW", "db"):
        said, verdict = read_entry(browser, node, letter)
        entry = data["entries"][f"{node}/{letter}"][0]
        assert verdict == ("kink" if entry["agrees"] is None else "holds") and "by finite difference" in said
        assert "together" in said and f"[{', '.join(map(str, entry['index']))}]" in said
    # What the file does not hold is said, and what it does is found by its index.
    array = browser.find_element("css selector", f'[data-name="{node}/db"]')
    field, index = array.find_element("css selector", ".ask input"), data["entries"][f"{node}/db"][1]["index"][0]
    for asked, words in ((index, f"[{index}]"), (10**6, "is not among those that this file holds")):
        browser.execute_script("arguments[0].max = ''; arguments[0].value = arguments[1]", field, asked)
        field.send_keys(Keys.ENTER)
        assert words in array.find_element("css selector", "[aria-live]").text
    # By keyboard alone.
    first = browser.find_element("css selector", '.node[data-id="0.z"]')
    browser.execute_script("arguments[0].focus()", browser.find_element("css selector", f'.node[data-id="{node}"]'))
    browser.switch_to.active_element.send_keys(Keys.HOME)
    assert browser.switch_to.active_element == first
    *_, before, last = data["graph"]["nodes"]
    for key, node in ((Keys.ARROW_RIGHT, "0.generator.0"), (Keys.END, last["id"]), (Keys.PAGE_UP, before["id"])):
        browser.switch_to.active_element.send_keys(key)
        assert browser.switch_to.active_element.get_attribute("data-id") == node
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.find_element("css selector", ".panel h2").text == before["label"]
    inputs = "[...document.querySelectorAll('.node, .ask input')].every(e => e.getAttribute('aria-label'))"
    assert browser.execute_script(f"return {inputs} && document.documentElement.scrollWidth <= window.innerWidth")
    assert not browser.execute_script("return document.querySelectorAll('.katex-error').length")
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("m", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_the_page_of_the_recipe_for_mnist(tmp_path, browser, opened, m):
    """Two iterations are played, and the second is opened: with the recipe's own m of 100 a minute."""
    from minigan.run.trainer import Trainer
    from minigan.train import options

    if not (MNIST / "mnist").is_dir():
        pytest.skip("no MNIST in MINIGAN_DATA or ../shared/data")
    run, out = tmp_path / "run", tmp_path / "step.html"
    given = f"--preset mnist --batch-size {m} --iterations 2 --checkpoint-every 1 --backend numpy".split()
    Trainer(options([*given, "--data", str(MNIST / "mnist"), "--out", str(run)])).run()
    assert explain.main(["--run", str(run), "--iteration", "2", "--out", str(out)]) == 0
    assert out.stat().st_size < 5_000_000
    data = held(out)
    for entry in (entry for entries in data["entries"].values() for entry in entries):
        assert entry["crossed"] or entry["agrees"] and entry["error"] <= entry["allowed"], entry
    assert opened(out) < 10  # < 2 s where nothing else runs
    for node, letters in (
        ("0.d.discriminator.3", ("dW", "db", "dx")),
        ("0.d.discriminator.2", ("dW", "db", "dx")),
        ("0.g.generator.1", ("dW", "db", "dx")),
    ):
        for letter in letters:
            said, verdict = read_entry(browser, node, letter)
            assert verdict == "kink" or verdict == "holds" and "gradcheck allows" in said
    assert browser.get_log("browser") == []
