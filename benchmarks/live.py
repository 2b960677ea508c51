"""What the live page costs: iterations a second with a page open in Chromium, over those without; alternating rounds.

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
    ratios = []
    for _ in range(asked.rounds):
        page.get("about:blank")
        without = rate(training, asked.seconds)
        page.get(f"http://127.0.0.1:{port}/token/")
        before = training.newest.picture.number
        beside = rate(training, asked.seconds)
        pictures = (training.newest.picture.number - before) / (asked.seconds + SETTLE)
        ratios.append(beside / without)
        print(
            f"{without:7.1f} without, {beside:7.1f} with, ratio {ratios[-1]:.3f}, {pictures:.1f} pictures/s", flush=True
        )
    print(f"{asked.preset} on {training.session.gan.ops.name}: median ratio {statistics.median(ratios):.3f}")
    page.quit()
    training.stop()


if __name__ == "__main__":
    main()
