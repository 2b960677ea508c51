"""The command: runs side by side, one table and one picture; stopped, killed and gone on with; what it refuses."""

import json
import random
import re
import signal
import sys
from datetime import datetime
from pathlib import Path

import pytest
from sweeps import TOY, begun, content, last_of, logged, until

sys.path.append(str(Path(__file__).parents[1] / "campaigns"))
from sweep_kills import killed

from minigan.evaluate import main as evaluate
from minigan.files.run_folder import RunFolder
from minigan.locks import locked, unlock
from minigan.sweep import for_runs, main
from minigan.sweeping.folder import is_taken

SEEDS = ["--iterations", "400", "--seeds", "0-1", "--jobs", "2"]
RUNS = ["seed-0", "seed-1"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a sweep of two seeds that was never stopped, and what it said."""
    out = tmp_path_factory.mktemp("sweep") / "whole"
    process = begun(*SEEDS, out=out)
    said, told = process.communicate()
    assert process.returncode == 0, told
    return out, said, told


def test_a_sweep_leaves_runs_a_table_and_a_picture(whole, tmp_path, said):
    out, text, told = whole
    assert all(f"{run}: done" in told for run in RUNS) and told.startswith("2 runs, 0 of them ended; 2 at once")
    table = (out / "table.md").read_text()
    assert text.startswith(table) and table.splitlines()[2].startswith("| ring | 2 |")
    assert (out / "curves.png").read_bytes()[:4] == b"\x89PNG"
    found = json.loads((out / "table.json").read_text())
    assert {run["folder"]: run["end"] for run in found["runs"]} == {str(out / run): "done" for run in RUNS}
    for run in found["runs"]:
        last = logged(Path(run["folder"]))[-1]
        assert last["iteration"] == 400 and last["value"] == run["measures"]["value"]
    assert said(evaluate, "--run", run["folder"], "--json", tmp_path / "modes.json")[0] == 0
    row = json.loads((tmp_path / "modes.json").read_text())["rows"][0]
    assert (row["captured"], row["high_quality"]) == (run["measures"]["modes"], run["measures"]["high_quality"])


def test_runs_overlap_in_time_and_have_one_thread(whole):
    out, _, _ = whole
    spans = []
    for record in out.rglob("record.jsonl"):
        (begin,) = map(json.loads, record.read_text().splitlines())
        assert " 1 thread" in begin["place"]
        spans.append((begin["time"], logged(record.parent)[-1]["time"]))
    spans.sort()
    assert datetime.fromisoformat(spans[1][0]) <= datetime.fromisoformat(spans[0][1])


def test_the_same_command_again_changes_nothing_and_another_is_refused(whole, said):
    out, text, _ = whole
    before = content(out), {path: path.read_bytes() for path in out.rglob("*.jsonl")}
    assert said(main, *TOY, *SEEDS, "--out", out)[:2] == (0, text)
    assert (content(out), {path: path.read_bytes() for path in out.rglob("*.jsonl")}) == before
    for change, message in (
        (["--lr", ".2"], "a sweep of other options is there (--lr 0.001; asked for --lr 0.2)"),
        (["--iterations", "500"], "a sweep of other options is there (--iterations 400; asked for --iterations 500)"),
        (["--threads", "2"], "a sweep of other options is there (nothing; asked for --threads 2)"),
    ):
        code, _, told = said(main, *TOY, *SEEDS, "--out", out, *change)
        assert (code, told) == (2, f"minigan.sweep: --out {out}: {message}\n")
    assert (content(out), {path: path.read_bytes() for path in out.rglob("*.jsonl")}) == before


def test_a_run_is_one_that_its_command_makes_by_hand(whole, tmp_path, said):
    from minigan.train import main as train

    out, _, _ = whole
    assert said(train, *TOY, "--iterations", 400, "--seed", 1, "--threads", 1, "--out", tmp_path / "a")[0] == 0
    name = "checkpoints/iteration-00000400.safetensors"
    assert (tmp_path / "a" / name).read_bytes() == (out / "seed-1" / name).read_bytes()


def test_ctrl_c_saves_all_and_the_same_command_goes_on_to_the_same_table(whole, tmp_path, said):
    out = tmp_path / "whole"
    process = begun(*SEEDS, out=out)
    until(lambda: all(logged(out / run) for run in RUNS))
    process.send_signal(signal.SIGINT)
    text, told = process.communicate()
    assert process.returncode == 0 and "Traceback" not in told and not (out / "table.md").exists()
    assert re.match(r"\d of 2 runs have ended, the others are saved; go on with python -m minigan.sweep .*\n$", text)
    assert all(list((out / run / "checkpoints").glob("iter*")) for run in RUNS)
    assert said(main, *TOY, *SEEDS, "--out", out)[0] == 0
    assert last_of(content(out)) == last_of(content(whole[0]))


def test_a_sweep_that_is_killed_goes_on_to_the_same_table(tmp_path):
    """`tests/campaigns/sweep_kills.py` in short."""
    assert killed(tmp_path, 2, (1, 2), random.Random(1))["lost"] == []


def test_one_sweep_at_a_time_and_the_runs_of_one_that_is_killed_save_and_end(tmp_path, said):
    process = begun("--iterations", "1000000", "--checkpoint-every", "1000000", out=tmp_path)
    until(lambda: logged(tmp_path / "seed-0"))
    code, _, told = said(main, *TOY, "--iterations", 1000000, "--out", tmp_path, "--checkpoint-every", 1000000)
    assert (code, told) == (
        2,
        f"minigan.sweep: --out {tmp_path}: a sweep is under way there, expected another folder\n",
    )
    assert is_taken(RunFolder(tmp_path / "seed-0"))
    process.kill()
    process.communicate()
    until(lambda: not is_taken(RunFolder(tmp_path / "seed-0")))
    (saved,) = (tmp_path / "seed-0" / "checkpoints").glob("iter*")
    assert f"stopped at iteration {int(saved.stem[10:])} of 1000000" in (tmp_path / "seed-0.log").read_text()


def test_a_run_that_another_process_writes_is_waited_for(tmp_path, said):
    assert said(main, *TOY, "--iterations", 10, "--out", tmp_path)[0] == 0
    (tmp_path / "seed-1").mkdir()
    handle = locked(tmp_path / "seed-1", wait=False)
    process = begun("--iterations", "10", "--seeds", "0-2", "--jobs", "1", out=tmp_path)
    until((tmp_path / "seed-2" / "checkpoints" / "iteration-00000010.safetensors").exists)
    assert process.poll() is None and not list((tmp_path / "seed-1").iterdir())
    unlock(handle)
    told = process.communicate()[1]
    assert told.count("seed-1: another process is writing there") == 1 and "seed-1: done" in told
    assert process.returncode == 0


def test_failures_are_named_and_a_crashed_run_is_tried_again(tmp_path, said):
    wild = [*TOY, "--iterations", 10, "--optimizer", "sgd", "--grid", "lr=.001,1e30", "--out", tmp_path]
    code, text, _ = said(main, *wild, "--seeds", "0")
    assert (
        code == 0 and "| lr=.001 | 1 |" in text and re.search(r"\| lr=1e30 \| 0 \|.* 1 of 1: diverged \(seed 0\)", text)
    )
    diverged = tmp_path / "lr=1e30" / "seed-0" / "record.jsonl"
    assert json.loads(diverged.read_text().splitlines()[-1])["diverged"].startswith("not finite since iteration ")
    before, blocked = diverged.read_bytes(), tmp_path / "lr=.001" / "seed-1"
    blocked.write_text("in the way")
    code, text, told = said(main, *wild, "--seeds", "0-1")
    assert code == 1 and re.search(r"\| lr=.001 \| 1 \|.* 1 of 2: crashed \(seed 1\)", text)
    assert f"crashed: {blocked}: minigan.train: --out {blocked}: a file is there" in told
    blocked.unlink()
    code, text, told = said(main, *wild, "--seeds", "0-1")
    assert code == 0 and told.startswith("4 runs, 3 of them ended") and re.search(r"\| lr=.001 \| 2 \|.* 0 of 2", text)
    assert "2 of 2: diverged (seeds 0, 1)" in text and diverged.read_bytes() == before


@pytest.mark.parametrize(
    "args, message",
    [
        (["--seeds", "3-1"], "--seeds 3-1: expected such as 0-9 or 1,2,5"),
        (["--seed", "3"], "--seed: not of a sweep, expected --seeds"),
        (["--resume"], "--resume: not of a sweep"),
        (["--dry-run"], "--dry-run: not of a sweep"),
        (["--jobs", "0"], "--jobs 0: expected at least 1"),
        (["--submit"], "--submit: expected --slurm too"),
        (["--sedes", "1"], "--sedes: unknown; did you mean --seeds?"),
        (["--grid", "lr=.1,x"], "--lr x: expected a number"),
        (["--grid", "batch-size=0"], "--batch-size 0: expected 1 to 2^30 - 1"),
        (["--grid", "latent=2,3", "lrr=1"], "--grid lrr=1: unknown option lrr; did you mean lr?"),
        (["--data", "nowhere.npy"], "--data nowhere.npy: not found"),
        (["--generator", "linear x"], "--generator: "),
        (["--preset", "rung"], "--preset rung: expected one of"),
        (["--slurm", "--submit"], "--submit: no sbatch here"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(tmp_path, said, args, message, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    code, text, told = said(main, *TOY, "--iterations", 5, "--out", tmp_path / "a" / "b", *args)
    assert (code, text, told.count("\n")) == (2, "", 1) and told.startswith(f"minigan.sweep: {message}")
    assert not list(tmp_path.iterdir())


def test_without_a_folder_or_with_one_of_others_it_is_refused(tmp_path, said):
    assert said(main, *TOY)[::2] == (2, "minigan.sweep: --out: missing, expected the sweep's folder\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.txt").write_text("mine")
    code, _, told = said(main, *TOY, "--out", tmp_path / "a")
    assert code == 2 and "no sweep is there (no sweep.json), expected one, or an empty folder" in told
    code, _, told = said(main, *TOY, "--out", tmp_path / "a" / "thesis.txt")
    assert code == 2 and "a file is there, expected a folder or nothing" in told


def test_flags_of_the_sweep_are_no_runs():
    args = ["--lr", ".1", "--seeds", "0-3", "--grid", "k=1", "lr=2,3", "--slurm", "--generator", "a", "b", "--out=x"]
    assert for_runs([*args, "--no-submit", "--k", "2"]) == ["--lr", ".1", "--generator", "a", "b", "--k", "2"]
