"""Both calls of benchmarks/gpu.sh rehearsed without a GPU, and then killed at each of their parts.

    python tests/campaigns/gpu_rehearsal.py OUT [--python PYTHON] [--calls first,second] [--runs whole,processes,script]

On the stand-in of tests/backends, with toys for recipes, a toy for MNIST, an `nvidia-smi` and an `ncu` of two lines,
and without tyro and pooch.  First each call as it is.  Then each again with the process of every part killed as it
begins: all parts have to be on the page, those as failed.  Then each again once for every part, in the middle of which
the script itself is killed: page and JSON have to be whole and have all parts before.  (Where something is killed
PyTorch, JAX and pytest are not installed either, to save their time.)  OUT gets the pages.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.gpu.parts import CALLS

MACHINE = Path(__file__).with_name("gpu_machine")
ENDED = ("done", "failed", "left out")
PROGRAMS = {
    "nvidia-smi": 'echo "GPU 0: a stand-in"',
    "ncu": """while [ "${1#*python}" = "$1" ]; do shift; done; "$@" || exit
echo '"ID","Kernel Name","Block Size","Grid Size","Metric Name","Metric Unit","Metric Value"'
echo '"0","a stand-in","(128, 1, 1)","(7, 1, 1)","gpu__time_duration.sum","ns","1,234"'""",
}


def prepared(folder: Path) -> dict[str, str]:
    """What a call is told by its environment; the programs and the data lie in the folder."""
    programs, data = folder / "bin", folder / "mnist"
    for made in (programs, data):
        made.mkdir(parents=True)
    for name, body in PROGRAMS.items():
        (programs / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
        (programs / name).chmod(0o755)
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    for name, n in (("train-images-idx3-ubyte", 50_100), ("t10k-images-idx3-ubyte", 100)):
        with gzip.open(data / f"{name}.gz", "wb", compresslevel=1) as file:
            file.write(struct.pack(">HBBIII", 0, 8, 3, n, 28, 28) + np.resize(images, (n, 28, 28)).tobytes())
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "PYTHONPATH": str(MACHINE), "MINIGAN_REHEARSAL": "1", "DATA": str(data)}


class Rehearsal:
    """A call under way, its files in `out`."""

    def __init__(self, call: str, out: Path, environment: dict[str, str], python: str):
        self.out, environment = out, os.environ | environment | {"OUT": str(out), "PYTHON": python}
        command = ["bash", "benchmarks/gpu.sh", call, environment["DATA"]]
        self.call, quiet = call, subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet, start_new_session=True
        )

    def parts(self) -> list[dict]:
        """The parts as gpu.json has them now; none before it is there."""
        path = self.out / "gpu.json"
        return json.loads(path.read_text())["calls"][self.call]["parts"] if path.exists() else []

    def running(self) -> bool:
        return self.process.poll() is None

    def scripts(self) -> list[int]:
        """The Python that runs the call, and the programs that it runs."""
        found = [pid for pid in children(self.process.pid) if "call.py" in command_of(pid)]
        return found + [pid for script in found for pid in children(script)]

    def kill(self) -> None:
        """The script itself, shell and all, by SIGKILL."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def whole(rehearsal: Rehearsal, n: int | None = None) -> None:
    """Raise AssertionError unless page and JSON are whole and have the first n parts, or all."""
    parts, page = rehearsal.parts(), (rehearsal.out / "gpu.md").read_text()
    assert parts, "no part in gpu.json"
    n = len(parts) if n is None else n
    assert all(part["state"] in ENDED for part in parts[:n]), [part["state"] for part in parts]
    for part in parts:
        assert f"| {part['name']} | " in page, part["name"]
    for part in parts[:n]:
        assert f"| {part['name']} | {part['state']} | " in page, part["name"]
        for row in part.get("cases", ()):
            assert f"| {row['case']} | {row['name']} | {row['precision']} | {row['median_ms']:.4f} |" in page
    assert not list(rehearsal.out.glob("*.part")) or n < len(parts)


def killing_each_process(rehearsal: Rehearsal) -> int:
    """Kill the first process of every part as soon as it is there, but for a needed one's; how many were."""
    killed: set[int] = set()
    while rehearsal.running():
        states = [part["state"] for part in rehearsal.parts()]
        needed = "under way" in states and CALLS[rehearsal.call].parts[states.index("under way")].needed
        for pid in () if needed else rehearsal.scripts()[1:]:
            if pid not in killed and "nvidia-smi" not in command_of(pid) and command_of(pid):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        time.sleep(0.05)
    return len(killed)


def killing_the_script_in(rehearsal: Rehearsal, n: int, seconds: float) -> None:
    """Kill the script so many seconds after part n has begun."""
    while rehearsal.running():
        parts = rehearsal.parts()
        if len(parts) > n and parts[n]["state"] != "not begun":
            time.sleep(seconds)
            break
        time.sleep(0.05)
    rehearsal.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--calls", default=["first", "second"], type=lambda text: text.split(","))
    parser.add_argument("--runs", default=["whole", "processes", "script"], type=lambda text: text.split(","))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = prepared(Path(folder))

        def begin(call: str, what: str, without: str = "torch jax pytest") -> Rehearsal:
            out = options.out / f"{call}-{what}"
            shutil.rmtree(out, ignore_errors=True)
            return Rehearsal(call, out, environment | {"NOT_INSTALLED": without}, options.python)

        for call in options.calls:
            if "whole" in options.runs:
                start, rehearsal = time.monotonic(), begin(call, "whole", without="")
                code = rehearsal.process.wait()
                whole(rehearsal)
                print(f"{call}: exit code {code} after {time.monotonic() - start:.0f} s; {told(rehearsal)}", flush=True)
            if "processes" in options.runs:
                rehearsal = begin(call, "each-process-killed")
                killed = killing_each_process(rehearsal)
                whole(rehearsal)
                print(f"{call}: {killed} processes killed; {told(rehearsal)}", flush=True)
            for n in range(len(CALLS[call].parts)) if "script" in options.runs else ():
                rehearsal = begin(call, f"killed-in-part-{n + 1:02}")
                killing_the_script_in(rehearsal, n, 0.3)
                whole(rehearsal, n)
                print(f"{call}: killed in {rehearsal.parts()[n]['name']}; {told(rehearsal)}", flush=True)


def told(rehearsal: Rehearsal) -> str:
    """How many parts are in which state."""
    states = [part["state"] for part in rehearsal.parts()]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


if __name__ == "__main__":
    main()
