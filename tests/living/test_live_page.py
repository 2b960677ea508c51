"""The page in a browser that reaches this machine alone: a lesson from play to a planted bug, and a finished run."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
from rings import RING, newest

from minigan.living.finished import Finished
from minigan.living.training import Training

uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")


@contextmanager
def served(worker):
    """The address of the page of a worker."""
    from minigan.live import bound
    from minigan.living.server import application

    listening = bound(0)
    port = listening.getsockname()[1]
    config = uvicorn.Config(application(worker, port, "token"), log_level="error", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    worker.start()
    thread.start()
    try:
        yield f"http://localhost:{port}/token/"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
        worker.stop()


class Page:
    """A page by its ids."""

    def __init__(self, browser, address: str):
        from selenium.webdriver.support.ui import Select, WebDriverWait

        self.browser, self._select, self._wait = browser, Select, WebDriverWait
        browser.get(address)
        self.wait(lambda: self.drawn > 0)

    @property
    def drawn(self) -> int:
        """The number of the picture that has been drawn last."""
        return int(self.browser.execute_script("return document.documentElement.dataset.number ?? 0"))

    def __getitem__(self, name: str):
        return self.browser.find_element("id", name)

    def text(self, name: str) -> str:
        return self.browser.execute_script("return document.getElementById(arguments[0]).textContent", name)

    def wait(self, holds) -> None:
        self._wait(self.browser, 10, 0.05).until(lambda _: holds())

    def iteration(self) -> int:
        return int(self.text("where").split("iteration ")[1].split(",")[0].split(";")[0])

    def press(self, name: str, comes_to) -> None:
        self[name].click()
        self.wait(comes_to)

    def choose(self, name: str, value: str) -> None:
        self._select(self[name]).select_by_value(value)

    def write(self, name: str, value: str) -> None:
        """Into a field, as at a keyboard: Enter sends it."""
        from selenium.webdriver.common.keys import Keys

        self[name].send_keys(Keys.CONTROL + "a")
        self[name].send_keys(value + Keys.ENTER)

    def pixels(self, name: str) -> str:
        return self.browser.execute_script("return document.getElementById(arguments[0]).toDataURL()", name)


def test_a_lesson(browser):
    training = Training(replace(RING, batch_size=64))
    with served(training) as address:
        page = Page(browser, address)
        moves_and_stands_still(page)
        half_a_step(page)
        assert {*verdicts(page)} <= {"holds", "kink"}
        another_k(page, training)
        drawn_by_hand(page, training)
        a_bug(page, training)
        by_keyboard_alone(page)
        other_presets(page)
        page["play"].click()
        browser.get("about:blank")  # a page that goes away
        done = newest(training)["iteration"]
        training.ask("pause").result(5)
        assert newest(training)["iteration"] > done
        assert browser.get_log("browser") == []
        asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        urls = [e["params"]["request"]["url"] for e in asked if e["method"] == "Network.requestWillBeSent"]
        assert urls and not [url for url in urls if not url.startswith((address, "data:", "about:", "blob:"))]


def moves_and_stands_still(page: Page) -> None:
    left, right = page.pixels("left-canvas"), page.pixels("right-canvas")
    page.press("play", lambda: page.iteration() > 20 and page.text("play") == "Pause")
    assert page.pixels("left-canvas") != left and page.pixels("right-canvas") != right
    page.press("play", lambda: page.text("play") == "Play")
    at = page.iteration(), page.drawn, page.pixels("left-canvas")
    page.browser.execute_async_script("setTimeout(arguments[0], 200)")
    assert (page.iteration(), page.drawn, page.pixels("left-canvas")) == at
    page.press("step", lambda: page.iteration() == at[0] + 1)
    assert f"--iterations {at[0] + 1} " in page.text("command")


def half_a_step(page: Page) -> None:
    at, samples = page.iteration(), page.text("numbers")
    page.press("half-d", lambda: "G has not" in page.text("where"))
    assert page.iteration() == at and page.text("numbers") != samples
    assert "No command can" in page.text("why") and "half_step('d')" in page.text("program")
    page.press("half-g", lambda: page.iteration() == at + 1)
    assert f"--iterations {at + 1} " in page.text("command")


def another_k(page: Page, training: Training) -> None:
    page.press("play", lambda: page.text("play") == "Pause")
    for name, value in (("k", "3"), ("lr", "0.002")):
        page.write(name, value)
        page.wait(lambda: f"change({name}={value})\nrun.play(" in page.text("program"))
    page.press("play", lambda: page.text("play") == "Play")
    assert [phase.changed for phase in training.session.gan.phases] == [{"k": (2, 3)}, {"lr": (0.001, 0.002)}]
    assert '"k": [2, 3]' in page.text("command") and "--k 3" in page.text("command")
    page.write("k", "0")
    page.wait(lambda: page.text("said"))
    assert "expected 1 to" in page.text("said") and training.session.gan.recipe.k == 3


def verdicts(page: Page) -> list[str]:
    """Of an entry of each gradient of three layers of the coming step, opened on the page and shut again."""
    page.press("open-step", lambda: page.browser.find_elements("css selector", "#opened .panel h2"))
    assert f"Iteration {page.iteration() + 1}" in page.text("opened")
    found = []
    for node in page.browser.find_elements("css selector", "#opened .node.g")[:4]:
        title = node.get_attribute("data-id")
        page.browser.execute_script("arguments[0].click()", node)  # the boxes move while their pictures come
        page.wait(lambda: page.browser.find_elements("css selector", f"#opened [data-name^='{title}/']"))
        for form in page.browser.find_elements("css selector", "#opened .tensor form"):
            form.submit()
        told = "return [...document.querySelectorAll('#opened .agreement span')].map(e => e.className)"
        forms = len(page.browser.find_elements("css selector", "#opened .tensor form"))
        page.wait(lambda: len(page.browser.execute_script(told)) == forms)
        found += page.browser.execute_script(told)
    page.press("shut-step", lambda: not page["opened"].is_displayed())
    return found


def drawn_by_hand(page: Page, training: Training) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    page.press("draw", lambda: page["use"].is_displayed())
    hand = (
        ActionChains(page.browser, duration=5).move_to_element_with_offset(page["left-canvas"], -60, 0).click_and_hold()
    )
    for _ in range(10):
        hand.move_by_offset(12, 3)
    hand.release().perform()
    page.press("use", lambda: "drawn-1.npy" in page.text("where"))
    assert page.iteration() == 0 and page["data-file"].get_attribute("href").endswith("/drawn-1.npy")
    page.press("step", lambda: page.iteration() == 1)
    assert "--data drawn-1.npy" in page.text("command")
    width, height = newest(training)["real"].reshape(-1, 2).std(axis=0)
    assert width > 2 * height


def a_bug(page: Page, training: Training) -> None:
    page.choose("bug", "sign-relu")
    assert "dz = -dy [y > 0]" in page.text("about-bug")
    page.press("plant", lambda: "with the bug sign-relu" in page.text("where"))
    assert "fails" in verdicts(page)
    page.press("play", lambda: page.iteration() > 20)
    page.press("play", lambda: page.text("play") == "Play")
    assert "a bug was planted" in page.text("why") and "plant('sign-relu')" in page.text("program")
    page.press("plant", lambda: "bug" not in page.text("where"))


def by_keyboard_alone(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    reached, at = set(), page.iteration()
    page.browser.execute_script("document.activeElement.blur()")
    for _ in range(30):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(page.browser.switch_to.active_element.get_attribute("id"))
    assert {"play", "step", "half-d", "half-g", "k", "lr", "preset", "bug", "draw", "show-mesh"} <= reached
    page["step"].send_keys(Keys.SPACE)
    page.wait(lambda: page.iteration() == at + 1)
    nameless = page.browser.execute_script(
        "return [...document.querySelectorAll('input, select, button, canvas[id], [role=img]')].filter(e => "
        "!(e.labels?.length || e.textContent.trim() || e.getAttribute('aria-label'))).map(e => e.id)"
    )
    assert nameless == []
    page["draw"].send_keys(Keys.ENTER)
    pen = page.browser.switch_to.active_element
    pen.send_keys(" ", Keys.ARROW_LEFT, " ", Keys.ARROW_UP, " ")
    assert page.text("left-caption") == "3 points"
    page.press("draw", lambda: page.text("draw") == "Draw")


def other_presets(page: Page) -> None:
    for preset, seen in (("gaussian", "Figure 1"), ("digits", "how")):
        page.choose("preset", preset)
        page.press("restart", lambda: page.text("where").startswith(f"iteration 0; {preset}"))
        page.press("step", lambda: page.iteration() == 1)
        assert seen in page.text("left-caption") + page.text("right-caption")


def test_a_finished_run(finished_run, browser):
    from selenium.webdriver.common.keys import Keys

    with served(Finished(finished_run)) as address:
        page = Page(browser, address)
        assert page.iteration() == 40 and not page["play"].is_displayed()
        last = page.pixels("left-canvas")
        page["checkpoint"].send_keys(Keys.HOME)
        page.wait(lambda: page.iteration() == 20)
        assert page.pixels("left-canvas") != last
        assert browser.get_log("browser") == []
