"""Small sweeps by the command, in this process or in one of their own, and what they leave."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

# An option and its value side by side.
# fmt: off
TOY = ["--preset", "ring", "--generator", "relu 8", "linear", "--discriminator", "relu 8", "linear", "--k", "1",
       "--batch-size", "16", "--log-every", "10", "--sample-every", "1000000", "--checkpoint-every", "50",
       "--backend", "numpy"]
"""Options of a run on the ring whose iteration takes a fifth of a millisecond."""
# fmt: on


def begun(*args: str, out: Path) -> subprocess.Popen:
    """`python -m minigan.sweep` with these arguments, in a process of its own."""
    command = [sys.executable, "-m", "minigan.sweep", *TOY, "--out", str(out), *args]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def until(holds, seconds: float = 180) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def logged(run: Path) -> list[dict]:
    """The lines of a run's metrics, as far as they are whole; no line of an iteration may be there twice."""
    path = run / "metrics.jsonl"
    texts = path.read_text().splitlines(keepends=True) if path.exists() else []
    lines = [json.loads(text) for text in texts if text.endswith("\n")]
    iterations = [line["iteration"] for line in lines]
    assert iterations == sorted(set(iterations))
    return lines


def content(out: Path) -> dict[str, object]:
    """What a sweep comes to: table, numbers and picture, and of each run its last checkpoint and its metrics."""
    found: dict[str, object] = {}
    for path in sorted(out.rglob("*.*")):
        name = str(path.relative_to(out))
        if path.name == "metrics.jsonl":
            found[name] = [line | {"iterations_per_second": 0, "time": 0} for line in logged(path.parent)]
        elif path.suffix in (".png", ".safetensors", ".md"):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    found["table.json"] = (out / "table.json").read_text().replace(str(out), "OUT")
    return found


def last_of(found: dict[str, object]) -> dict[str, object]:
    """A sweep's content without the checkpoints before its runs' last iteration."""
    return {name: what for name, what in found.items() if ".safetensors" not in name or "00000400" in name}
