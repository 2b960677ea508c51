"""Small runs, in this process or by a command, and what they leave."""

import json
import os
import subprocess
import sys
from pathlib import Path

from small_run import SMALL

from minigan.run.trainer import Trainer
from minigan.train import options


def train(*args: str) -> Trainer:
    trainer = Trainer(options([*SMALL, *args]))
    trainer.run()
    return trainer


def command(*args: str, cwd=None) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run([sys.executable, "-m", *args], capture_output=True, text=True, cwd=cwd, env=environment)


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def final(out: Path, iteration: int) -> bytes:
    return (out / "checkpoints" / f"iteration-{iteration:08d}.safetensors").read_bytes()
