"""An array of a sweep's runs on a Slurm of one node: requeued in the middle, it goes on to the same table."""

import json
import subprocess
import sys

import little_slurm
import pytest
from sweeps import TOY, logged, until

from minigan.sweep import main
from minigan.train import main as train


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    if reason := little_slurm.why_not():
        pytest.skip(reason)
    little = little_slurm.LittleSlurm(tmp_path / "slurm")
    for name in ("PATH", "SLURM_CONF"):
        monkeypatch.setenv(name, little.environment[name])
    yield little
    little.stop()


def test_the_script_has_a_task_for_each_run_that_has_not_ended(tmp_path, said):
    """Read by bash, with a program that prints its arguments as python."""
    grid = ["--iterations", 20, "--seeds", "0-1", "--grid", "k=1,2", "--out", tmp_path / "a b"]
    assert said(main, *TOY, *grid[:3], "0", *grid[4:])[0] == 0
    code, text, _ = said(main, *TOY, *grid, "--slurm", "--jobs", 3, "--threads", "None")
    script = tmp_path / "a b" / "array.sh"
    assert (code, text) == (0, f"2 tasks   {script}\n") and not (tmp_path / "a b" / "k=1" / "seed-1").exists()
    shown = script.read_text().replace(sys.executable, "printf '%s\\n'")
    assert "#SBATCH --array=0-1%3\n" in shown and f"#SBATCH --output='{tmp_path}/a b/slurm-%a.log'\n" in shown
    for task, k in enumerate("12"):
        made = subprocess.run(
            ["bash"], input=shown, env={"SLURM_ARRAY_TASK_ID": str(task)}, capture_output=True, text=True
        )
        words = made.stdout.splitlines()
        assert words[:4] == ["-m", "minigan.train", "--preset", "ring"] and made.returncode == 0, made.stderr
        assert words[-4:] == ["--out", f"{tmp_path}/a b/k={k}/seed-1", "--resume", "auto"]
        assert words[words.index("--seed") + 1] == "1" and "relu 8" in words


def test_a_requeued_task_resumes_its_run(slurm, tmp_path, said):
    args = [*TOY, "--iterations", 4000, "--checkpoint-every", 1_000_000, "--log-every", 100]
    out = tmp_path / "a"
    code, text, _ = said(main, *args, "--seeds", "0-1", "--out", out, "--slurm", "--submit")
    assert code == 0 and "Submitted batch job 1" in text
    until(lambda: logged(out / "seed-0"))
    slurm.said("scontrol", "requeue", "1_0")
    until(lambda: not slurm.said("squeue", "--noheader"))
    first, second = map(json.loads, (out / "seed-0" / "record.jsonl").read_text().splitlines())
    assert first["iteration"] == 0 and second["iteration"] >= 100, "it was not saved, or began anew"
    assert final(out / "seed-0", second["iteration"])
    code, text, told = said(main, *args, "--seeds", "0-1", "--out", out)
    assert code == 0 and told.startswith("2 runs, 2 of them ended") and "| ring | 2 |" in text
    assert said(train, *args, "--threads", 1, "--out", tmp_path / "b")[0] == 0
    assert final(out / "seed-0", 4000) == final(tmp_path / "b", 4000)


def final(run, iteration):
    return (run / "checkpoints" / f"iteration-{iteration:08d}.safetensors").read_bytes()
