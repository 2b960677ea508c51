"""benchmarks/gpu/call.py: when a part or the whole call fails, what was found before is on disk.

tests/campaigns/gpu_rehearsal.py runs the two calls as they are; here the parts are small ones.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cuda_on_cpu
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.gpu import call as calls
from benchmarks.gpu.parts import CALLS, Call, Part, Paths, rows
from benchmarks.gpu.process import python

ROW = {
    **{"case": "mnist", "name": "minigan", "precision": "float32", "iterations_per_second": 4000.0},
    **{"median_ms": 0.25, "min_ms": 0.2, "max_ms": 0.3, "tflop_per_s": 1.0, "host_core": 0.5},
}
SAYS = f"print({json.dumps(ROW)!r}, flush=True)"


def program(text: str):
    """A part that runs so much Python."""

    def part(paths, seconds):
        printed, failure = python(["-c", text], seconds)
        return {"cases": rows(printed)}, failure

    return part


def played(tmp_path, *parts, limit=60.0):
    """The exit code, the parts as gpu.json has them, and the page."""
    call = Call(limit, parts)
    book = calls.Book(tmp_path, "first", call)
    code = calls.play(call, Paths(tmp_path, None), book)
    return (
        code,
        json.loads((tmp_path / "gpu.json").read_text())["calls"]["first"]["parts"],
        (tmp_path / "gpu.md").read_text(),
    )


def test_a_part_that_fails_says_why_and_the_others_go_on(tmp_path):
    def broken(paths, seconds):
        raise RuntimeError("a part with a bug")

    kill = f"import os, signal; {SAYS}; os.kill(os.getpid(), signal.SIGKILL)"
    code, parts, page = played(
        tmp_path,
        Part("raises", 9, program("raise ValueError('no such thing')")),
        Part("is killed", 9, program(kill)),
        Part("has a bug", 9, broken),
        Part("takes too long", 1.5, program("import time; time.sleep(60)")),
        Part("works", 9, program(SAYS)),
    )
    assert code == 0 and [part["state"] for part in parts] == ["failed"] * 4 + ["done"]
    whys = "ValueError: no such thing", "ended by signal 9", "RuntimeError: a part with a bug", "not done in 2 s"
    for part, why in zip(parts, whys):
        assert why in part["why"] and f"| {part['name']} | failed | {part['seconds']:.1f} |" in page and why in page
    assert parts[1]["cases"] == [ROW], "what it printed before it was killed"
    assert page.count("| mnist | minigan | float32 | 0.2500 |") == 2


def test_what_no_page_can_be_made_of_is_still_in_the_json(tmp_path):
    code, parts, page = played(tmp_path, Part("odd", 9, program("print('{}')")), Part("works", 9, program(SAYS)))
    assert code == 0 and parts[1]["cases"] == [ROW] and "gpu.json has everything" in page


def test_without_the_needed_part_nothing_else_is_tried(tmp_path):
    tried = []
    code, parts, page = played(
        tmp_path,
        Part("smoke test", 9, program("raise SystemExit('no GPU')"), needed=True),
        Part("other", 9, lambda *_: tried.append(1)),
    )
    assert code == 3 and not tried and parts[1]["state"] == "left out"
    assert "| other | left out |  | 9 | the smoke test failed |" in page


def test_time_is_kept_for_a_part_that_reserves_it(tmp_path):
    given = []

    def part(paths, seconds):
        given.append(seconds)
        return {}, None

    _, parts, _ = played(
        tmp_path, Part("a", 30, part), Part("kept", 60, part, reserved=50), Part("b", 30, part), limit=60.0
    )
    assert given == pytest.approx([10, 60, 30], abs=1)
    _, parts, _ = played(tmp_path, Part("a", 30, part), Part("kept", 60, part, reserved=60), limit=60.0)
    assert [part["state"] for part in parts] == ["left out", "done"]


def test_nothing_that_a_part_began_goes_on_after_it(tmp_path):
    begin = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    printed, failure = python(["-c", begin], 20)
    assert failure is None and gone(int(printed))


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether a process ends in this time; what waits for its parent has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


SLOW = """
import json, os, sys, time
from pathlib import Path
from benchmarks.gpu import call
from benchmarks.gpu.parts import Call, Part, Paths
from benchmarks.gpu.process import python

quick = lambda paths, seconds: ({"cases": [json.loads(sys.argv[2])]}, None)
slow = lambda paths, seconds: ({}, python(["-c", "import time; time.sleep(60)"], seconds)[1])
order = [quick, quick, quick]
order[int(sys.argv[3])] = slow
made, out = Call(90, tuple(Part(f"part {i}", 80, run) for i, run in enumerate(order))), Path(sys.argv[1])
call.play(made, Paths(out, None), call.Book(out, "first", made))
"""


@pytest.mark.parametrize("n", [0, 1, 2])
def test_killed_in_the_middle_of_a_part_it_leaves_all_parts_before(tmp_path, n):
    command = [sys.executable, "-c", SLOW, str(tmp_path), json.dumps(ROW), str(n)]
    script = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    path, inside, end = tmp_path / "gpu.json", [], time.monotonic() + 30
    while not inside and time.monotonic() < end:
        began = path.exists() and parts_of(path)[n]["state"] == "under way"
        inside = Path(f"/proc/{script.pid}/task/{script.pid}/children").read_text().split() if began else []
        time.sleep(0.02)
    script.send_signal(signal.SIGKILL)
    script.wait()
    assert inside and gone(int(inside[0])), "the part's own process ends with the script"
    states, page = [part["state"] for part in parts_of(path)], (tmp_path / "gpu.md").read_text()
    assert states == ["done"] * n + ["under way"] + ["not begun"] * (2 - n)
    assert all(f"| part {i} | {state} |" in page for i, state in enumerate(states))
    assert page.count("| mnist | minigan | float32 | 0.2500 |") == n


def parts_of(path: Path) -> list[dict]:
    return json.loads(path.read_text())["calls"]["first"]["parts"]


def test_the_second_call_stands_beside_the_first(tmp_path):
    part = Part("a", 9, lambda paths, seconds: ({}, None))
    for name in ("first", "second", "first"):
        call = Call(9, (part,))
        book = calls.Book(tmp_path, name, call)
        calls.play(call, Paths(tmp_path, None), book)
    assert list(book.result["calls"]) == ["first", "second"]
    page = (tmp_path / "gpu.md").read_text()
    assert "## The first call" in page and "## The second call" in page


def test_the_calls_fit_into_fifteen_minutes_and_a_training_has_its_time():
    for call in CALLS.values():
        names = [part.name for part in call.parts]
        assert len(set(names)) == len(names) and call.parts[0].limit < call.limit
    assert sum(call.limit for call in CALLS.values()) <= 15 * 60 - 2 * 60
    assert CALLS["first"].parts[0].needed
    [training] = [part for part in CALLS["second"].parts if part.name == "training"]
    assert training.reserved >= 150 and training.limit >= training.reserved


def bare_machine(*command: str) -> subprocess.CompletedProcess:
    """A command where CuPy is the stand-in and neither tyro nor pooch is installed, with toys for recipes."""
    machine = str(ROOT / "tests" / "campaigns" / "gpu_machine")
    environment = os.environ | {"PYTHONPATH": machine, "MINIGAN_REHEARSAL": "1"}
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.skipif(cuda_on_cpu.COMPILER is None, reason=cuda_on_cpu.NO_COMPILER)
def test_the_smoke_test_and_a_contender_run_on_a_bare_machine():
    assert bare_machine("-c", "import tyro").returncode == 1
    for command in ("smoke.py",), ("contenders.py", "minigan", "mnist"), ("contenders.py", "matrix rate", "mnist"):
        made = bare_machine(f"benchmarks/gpu/{command[0]}", *command[1:])
        assert made.returncode == 0, made.stderr
        assert rows(made.stdout)


def test_every_test_of_a_gpu_is_collected_on_a_bare_machine():
    made = bare_machine("-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "-m", "gpu", "tests/backends")
    assert made.returncode == 0, made.stdout[-2000:]
    assert "test_a_run_on_the_gpu_leaves_what_one_on_numpy_leaves[gpu]" in made.stdout
