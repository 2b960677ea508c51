"""What tests of the commands and of pages share, and on which kernels all of them run."""

from __future__ import annotations

import shutil
from pathlib import Path

import processors
import pytest
from small_run import SMALL


def pytest_sessionstart() -> None:
    """Refuse to test on other kernels than the environment asks for."""
    if wrong := processors.not_as_asked():
        raise pytest.UsageError(wrong)


def pytest_report_header() -> str:
    return f"kernels: {processors.in_words()}"


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory) -> Path:
    """The folder of a short run on the embedded digits."""
    from minigan.run.trainer import Trainer
    from minigan.train import options

    out = tmp_path_factory.mktemp("runs") / "digits"
    Trainer(options([*SMALL, "--out", str(out), "--iterations", "40"])).run()
    return out


@pytest.fixture
def said(capsys):
    """Call a command's main with arguments: (exit code, standard output, standard error)."""

    def call(main, *args) -> tuple[int, str, str]:
        code = main([str(a) for a in args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def browser():
    """Headless Chromium, driven by Selenium, that finds no other host."""
    selenium = pytest.importorskip("selenium.webdriver", reason="Selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no chromium and chromedriver on this machine")
    options = selenium.ChromeOptions()
    options.binary_location = chromium
    flags = ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "disable-background-networking")
    for flag in (*flags, "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = selenium.Chrome(options=options, service=selenium.ChromeService(driver))
    yield running
    running.quit()
