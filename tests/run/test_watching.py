"""What watches a run costs it nothing: no picture, bar, message, terminal, shell or thread takes a checkpoint."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from small_run import SMALL

from minigan import ConfigError, Recipe
from minigan.backends import get, why_no_numba
from minigan.files.run_folder import RunFolder
from minigan.game.work import backend_for
from minigan.loop import pictures
from minigan.loop.progress import Progress
from minigan.run.trainer import Trainer
from minigan.train import main, options

ROOT = Path(__file__).parents[2]
TRAIN = [sys.executable, "-m", "minigan.train", *SMALL, "--iterations", "40", "--backend", "numpy"]


def environment(**changes: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"} | changes


def shell(command: str, **changes: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, shell=True, capture_output=True, env=environment(**changes), check=False)


def complete(out: Path) -> bool:
    return RunFolder(out).checkpoint(40).is_file() and len((out / "metrics.jsonl").read_text().splitlines()) == 4


def failures(out: Path) -> list[dict]:
    return [line for line in RunFolder(out).remembered() if "failed" in line]


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "nonsense"])
def test_a_backend_of_matplotlib_that_is_not_there(tmp_path, backend):
    out = tmp_path / "run"
    made = shell(shlex.join([*TRAIN, "--out", str(out)]), MPLBACKEND=backend)
    assert made.returncode == 0, made.stderr
    assert complete(out) and RunFolder(out).picture(40).is_file() and not failures(out)


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(tmp_path, closed):
    out = tmp_path / "run"
    made = shell(f"{shlex.join([*TRAIN, '--out', str(out)])} {closed}")
    assert made.returncode == 0, made.stderr
    assert complete(out) and not failures(out)
    assert b"Traceback" not in made.stdout + made.stderr
    if closed == "2>&-":
        assert len(made.stdout.splitlines()) == 3, "what was meant for standard error is not on standard output"


def test_a_pipe_that_ends(tmp_path):
    out = tmp_path / "run"
    made = shell(f"{shlex.join([*TRAIN, '--out', str(out)])} | true")
    assert complete(out) and b"Traceback" not in made.stderr and b"Broken" not in made.stderr


@pytest.mark.skipif(shutil.which("script") is None, reason="no script(1) to make a terminal")
@pytest.mark.parametrize(
    "changes, shown",
    [({}, True), ({"PYTHONIOENCODING": "latin-1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, False)],
    ids=str,
)
def test_a_terminal_shows_pictures_where_it_can(tmp_path, changes, shown):
    out = tmp_path / "run"
    command = shlex.join([*TRAIN, "--out", str(out)])
    made = shell(f"script -qec {shlex.quote(command)} /dev/null", **{"PYTHONIOENCODING": "utf-8"} | changes)
    assert made.returncode == 0 and complete(out) and not failures(out)
    assert (b"\x1b[38;2;" in made.stdout) == shown


def in_a_thread(call) -> list:
    """What the call raised in a thread of its own, if anything."""
    raised = []

    def body() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    return raised


def test_a_thread_that_is_not_the_main_one(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert in_a_thread(lambda: main([*SMALL, "--iterations", "40", "--out", str(first)])) == []
    assert in_a_thread(Trainer(options([*SMALL, "--iterations", "40", "--out", str(second)])).run) == []
    assert complete(first) and complete(second)


def test_a_command_returns_as_a_notebook_expects(tmp_path):
    before = sys.stdout, sys.stderr, signal.getsignal(signal.SIGINT)
    assert main([*SMALL, "--iterations", "40", "--out", str(tmp_path / "run")]) == 0
    assert main(["--out", str(tmp_path / "run")]) == 2 and main(["--help"]) == 0
    assert before == (sys.stdout, sys.stderr, signal.getsignal(signal.SIGINT))


@pytest.mark.parametrize("name", ["pictures", "progress"])
def test_what_fails_is_told_once_and_kept(tmp_path, monkeypatch, capsys, name):
    def refuse(*arguments, **options):
        raise RuntimeError("no such colour")

    if name == "progress":
        monkeypatch.setattr(Progress, "on_iteration_end", refuse)
        monkeypatch.setattr(Progress, "on_fit_end", refuse)
    else:
        monkeypatch.setattr(pictures, "save_samples", refuse)
    out = tmp_path / "run"
    Trainer(options([*SMALL, "--iterations", "40", "--out", str(out)])).run()
    assert complete(out)
    assert capsys.readouterr().err.count(f"{name} failed, and the run goes on without: no such colour") == 1
    (kept,) = failures(out)
    assert kept["failed"] == name and kept["why"] == "no such colour"


def test_a_checkpoint_that_fails_ends_the_run(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("minigan.files.checkpoint.replace_file", refuse)
    with pytest.raises(OSError, match="No space left"):
        Trainer(options([*SMALL, "--iterations", "40", "--out", str(tmp_path / "run")])).run()


HEEDED = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it
"""
AS_PYTHON_M = f"""{HEEDED}
sys.argv[0], sys.orig_argv = "-m", [sys.executable, "-m", "minigan.train"]  # until it has found the module
import minigan
print("begins", flush=True)
runpy.run_module("minigan.train", run_name="__main__", alter_sys=True)
"""
AS_A_SCRIPT = f"""{HEEDED}
sys.argv[1:1] = ["train"]
from minigan.__main__ import main
print("begins", flush=True)
sys.exit(main())
"""


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.2, 0.5, 1, 2])
@pytest.mark.parametrize("way", [AS_PYTHON_M, AS_A_SCRIPT], ids=["python -m minigan.train", "minigan train"])
def test_an_early_interrupt_is_one_line(tmp_path, way, seconds):
    command = [sys.executable, "-c", way, "--backend", "numba", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"begins\n"
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert b"Traceback" not in said and len(said.splitlines()) <= 3


def test_an_interrupt_during_an_import_that_hides_it():
    """NumPy's, in C, makes an ImportError of KeyboardInterrupt."""
    program = """
import os, signal, sys
class Hides:
    def find_spec(self, name, *_):
        if name == "minigan.errors":
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                raise ImportError("an error of its own") from None
sys.meta_path.insert(0, Hides())
"""
    command = [sys.executable, "-c", program + AS_PYTHON_M]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.stderr == "minigan: interrupted\n" and done.returncode == 1


def test_a_program_that_imports_minigan_keeps_its_interrupts():
    """Also where it is itself begun by `python -m`."""
    program = """
sys.argv[0], sys.orig_argv = "-m", [sys.executable, "-m", "theirs", "minigan"]
import minigan
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
    subprocess.run([sys.executable, "-c", HEEDED + program], env=environment(), check=True, capture_output=True)


@pytest.mark.parametrize("value", ["1", "yes"])
def test_a_compiler_that_is_turned_off(tmp_path, value):
    refused = shell(shlex.join([*TRAIN, "--backend", "numba", "--out", str(tmp_path / "a")]), NUMBA_DISABLE_JIT=value)
    assert refused.returncode == 2 and refused.stderr.count(b"\n") == 1
    assert f"NUMBA_DISABLE_JIT={value}".encode() in refused.stderr and not (tmp_path / "a").exists()
    auto = [*TRAIN[:3], "--preset", "mnist", "--data", "digits", "--iterations", "1", "--backend", "auto"]
    made = shell(shlex.join([*auto, "--out", str(tmp_path / "b")]), NUMBA_DISABLE_JIT=value)
    assert made.returncode == 0, made.stderr
    assert b"on numpy" in made.stderr and b"NUMBA_DISABLE_JIT" in made.stderr


def test_a_system_without_fcntl(tmp_path):
    code = f"""
import sys
sys.modules["fcntl"] = None
from minigan.train import main
main({[*SMALL, "--iterations", "40", "--out", str(tmp_path / "run")]!r})
from minigan.sample import main
main(["--run", {str(tmp_path / "run")!r}, "--out", {str(tmp_path / "x.npy")!r}])
"""
    made = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert complete(tmp_path / "run") and (tmp_path / "x.npy").is_file()
    assert made.stderr.count("not locked (no fcntl on this system)") == 1


def test_the_record_says_what_the_run_was_made_with(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main([*SMALL, "--iterations", "20", "--out", "run"])
    main(["--iterations", "40", "--out", "run", "--resume"])
    first, second = RunFolder(Path("run")).remembered()
    assert (first["iteration"], second["iteration"]) == (0, 20)
    assert shlex.split(first["command"])[:3] == ["python", "-m", "minigan.train"] and "--resume" in second["command"]
    assert {"python", "minigan", "numpy"} <= first["versions"].keys()
    assert first["machine"]["processor"] and first["blas"] and first["git"]["here"] is None
    times = [json.loads(line)["time"] for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert times == sorted(times) and first["time"] <= times[0]
    with open("run/record.jsonl", "a") as file:
        file.write('{"cut sho')
    main(["--iterations", "60", "--out", "run", "--resume"])
    assert [line["iteration"] for line in RunFolder(Path("run")).remembered()] == [0, 20, 40]


def test_windows_computes_on_numpy(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert "Windows" in why_no_numba()
    assert backend_for(10**9, Recipe(), threads=1, device=0) == "numpy"
    with pytest.raises(ConfigError, match="backend numba: .*Windows.*backend numpy"):
        get("numba")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, which takes nothing")
def test_an_output_that_takes_no_more(tmp_path):
    made = shell(f"{shlex.join([*TRAIN, '--out', str(tmp_path / 'run')])} > /dev/full")
    assert made.returncode == 0 and complete(tmp_path / "run")
    assert b"standard output takes no more" in made.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminals that hang up here")
def test_a_terminal_that_hangs_up(tmp_path):
    command = [sys.executable, "-m", "minigan.train", *SMALL, "--iterations", "1000000", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not any((tmp_path / "run" / "checkpoints").glob("iter*")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGHUP)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and b"stopped at iteration" in said


def test_tensorboard_of_a_run(tmp_path, said, monkeypatch):
    out = tmp_path / "run"
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    code, _, error = said(main, *SMALL, "--tensorboard", "--out", out)
    assert code == 2 and error.count("\n") == 1 and "--tensorboard: no tensorboardX here" in error
    assert not out.exists()
    monkeypatch.undo()
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    assert said(main, *SMALL, "--tensorboard", "--iterations", "40", "--out", out)[0] == 0
    assert complete(out) and any((out / "tensorboard").iterdir())
