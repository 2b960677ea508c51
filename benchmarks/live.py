"""What the live page costs: iterations a second with a page open in Chromium, over those without, in alternating
rounds; how long the page takes to its first paint; and a change of lr to the picture of an iteration played by it.

python benchmarks/live.py --preset ring --rounds 7 --seconds 5
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import uvicorn
from selenium import webdriver

from minigan.live import bound
from minigan.living.server import application
from minigan.living.training import Training
from minigan.options.config import preset

SETTLE = 1.5
"""seconds after a page came or went"""


def browser() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "disable-background-networking"):
        options.add_argument(f"--{flag}")
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def first_paint(page: webdriver.Chrome) -> float:
    """Milliseconds."""
    return page.execute_script("return performance.getEntriesByName('first-contentful-paint')[0].startTime")


def effect_of(page: webdriver.Chrome, name: str, value: float) -> float:
    """Milliseconds from a change on the page, to a value that was not there before, to a picture of what it does."""
    return page.execute_async_script(
        """
        const [name, value, done] = arguments, field = document.getElementById(name), began = performance.now();
        field.value = value;
        field.dispatchEvent(new Event("change"));
        const program = document.getElementById("program"), played = `change(${name}=${value})\\nrun.play(`;
        const look = () => program.textContent.includes(played) ? done(performance.now() - began) : setTimeout(look, 5);
        look();
        """,
        name,
        value,
    )


def rate(training: Training, seconds: float) -> float:
    """Iterations a second."""
    time.sleep(SETTLE)
    begun, done = time.perf_counter(), training.session.gan.iteration
    time.sleep(seconds)
    return (training.session.gan.iteration - done) / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="ring")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=5)
    asked = parser.parse_args()
    training = Training(replace(preset(asked.preset), threads=asked.threads))
    listening = bound(0)
    port = listening.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(application(training, port, "token"), log_level="critical", ws="none"))
    threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
    training.start()
    page = browser()
    training.ask("play").result()
    ratios, paints, effects = [], [], []
    for _ in range(asked.rounds):
        page.get("about:blank")
        without = rate(training, asked.seconds)
        page.get(f"http://127.0.0.1:{port}/token/")
        before = training.newest.picture.number
        beside = rate(training, asked.seconds)
        pictures = (training.newest.picture.number - before) / (asked.seconds + SETTLE)
        ratios.append(beside / without)
        paints.append(first_paint(page))
        effects.append(effect_of(page, "lr", round(0.002 + 0.0001 * len(effects), 4)))
        print(
            f"{without:7.1f} without, {beside:7.1f} with, ratio {ratios[-1]:.3f}, {pictures:.1f} pictures/s", flush=True
        )
    ratio, paint, effect = map(statistics.median, (ratios, paints, effects))
    print(f"{asked.preset} on {training.session.gan.ops.name}: medians: ratio {ratio:.3f}, ", end="")
    print(f"first paint {paint:.0f} ms, effect of a change {effect:.0f} ms (at most {max(effects):.0f})")
    page.quit()
    training.stop()


if __name__ == "__main__":
    main()
