"""The table: means over seeds, their errors, and the failures by name; the rule by which a run has failed."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from minigan.files.run_folder import RunFolder
from minigan.loop.symptoms import ITERATIONS
from minigan.options.config import preset
from minigan.sweeping.ends import OF_A_LINE, end_of, iteration_of, lines_of, measures, symptoms_at_end
from minigan.sweeping.jobs import Job
from minigan.sweeping.picture import curve, mean
from minigan.sweeping.scheduler import reason
from minigan.sweeping.table import markdown, mean_and_error, row
from minigan.train import options

WELL = {"value": -1.2, "d_real": 0.6, "d_fake": 0.4, "g_gradient": 1.0, "dead_units": 0.1, "diversity": 0.9}
WON, COLLAPSED = WELL | {"value": -0.001, "d_real": 1.0, "d_fake": 0.0}, WELL | {"diversity": 0.01}


def played(*kinds):
    """Lines every 100 iterations, twice as many of each kind as make a symptom."""
    lines = [kind for kind in kinds for _ in range(2 * ITERATIONS // 100)]
    return [line | {"iteration": 100 * (i + 1)} for i, line in enumerate(lines)]


@pytest.mark.parametrize(
    "kinds, failures",
    [
        ([WELL], []),
        ([WELL, WON], ["D has won"]),
        ([WON, WELL], []),
        ([WELL, COLLAPSED], ["collapsed"]),
        ([COLLAPSED, WON], ["D has won"]),
        ([WON | COLLAPSED | {"value": -0.001}], ["D has won", "collapsed"]),
    ],
)
def test_a_symptom_that_stands_at_the_end_is_a_failure_and_one_that_has_gone_is_none(kinds, failures):
    assert symptoms_at_end(played(*kinds)) == failures


def test_a_last_line_alone_is_no_failure():
    assert symptoms_at_end([*played(WELL), WON | {"iteration": 700}]) == []


def test_a_run_of_images_has_its_last_validation_and_its_last_line(digits_run, tmp_path):
    shutil.copytree(digits_run, tmp_path / "run")
    job = Job("", replace(options(["--out", str(digits_run), "--resume"]), out=str(tmp_path / "run")), 40)
    lines = lines_of(job.folder)
    lines[1]["validation"], lines[2]["validation"] = 5.0, 7.0
    job.folder.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = measures(job)
    assert found.pop("validation") == 7 and list(found) == list(OF_A_LINE)[1:]
    assert found == {name: lines[-1][name] for name in found} and lines[-1]["iteration"] == 40


def test_a_run_has_ended_where_its_last_checkpoint_verifies_or_its_record_says_that_it_diverged(digits_run, tmp_path):
    shutil.copytree(digits_run, tmp_path / "run")
    config = replace(options(["--out", str(digits_run), "--resume"]), out=str(tmp_path / "run"))
    job = Job("", config, 40)
    assert (end_of(job), end_of(replace(job, total=41))) == ("done", "unfinished")
    job.folder.remember({"iteration": 40, "diverged": "not finite since iteration 3"})
    assert end_of(job) == "diverged"
    job.folder.remember({"iteration": 40, "versions": {}})
    assert end_of(job) == "done"
    job.folder.checkpoint(40).write_bytes(job.folder.checkpoint(40).read_bytes()[:-1])
    assert end_of(job) == "unfinished"


def test_why_a_process_failed(tmp_path):
    job = Job("", replace(preset("ring"), out=str(tmp_path / "run")), 40)
    job.log.write_text("Traceback\nMemoryError: 9 GiB\n\n")
    assert (reason(job, -9), reason(job, 1)) == ("killed by SIGKILL", "MemoryError: 9 GiB")
    job.log.write_text("")
    assert reason(job, 3) == "exit code 3"


def run(seed, end="done", failures=(), **measures):
    return {"setting": "", "seed": seed, "end": end, "failures": list(failures), "measures": measures}


def test_mean_and_standard_error():
    assert mean_and_error([3.0]) == (3, 0)
    assert mean_and_error([1, 2, 4]) == (pytest.approx(7 / 3), pytest.approx(np.std([1, 2, 4], ddof=1) / np.sqrt(3)))


def test_a_row_counts_runs_that_ended_and_names_those_that_failed():
    runs = [run(0, modes=8.0), run(1, modes=6.0, failures=["collapsed"]), run(2, "diverged", ["diverged"])]
    runs += [run(3, "crashed", ["crashed"]), run(4, "diverged", ["diverged"])]
    found = row(runs)
    assert (found["runs"], found["n"]) == (5, 2)
    assert found["measures"] == {"modes": {"mean": 7, "standard_error": 1, "n": 2}}
    assert found["failures"] == {"collapsed": [1], "diverged": [2, 4], "crashed": [3]}
    text = markdown({"settings": {"": found, "k=2": row([run(7, modes=5.0)]), "k=3": row([run(0, "crashed")])}}, "ring")
    assert text.splitlines() == [
        "| setting | n | modes | failures |",
        "| --- | --- | --- | --- |",
        "| ring | 2 | 7.0 ± 1.0 | 4 of 5: collapsed (seed 1), diverged (seeds 2, 4), crashed (seed 3) |",
        "| k=2 | 1 | 5.0 | 0 of 1 |",
        "| k=3 | 0 |  | 0 of 1 |",
    ]


def test_the_mean_curve_is_of_the_runs_that_are_there():
    a = curve(
        [{"iteration": 1, "value": 1.0}, {"iteration": 2, "value": 3.0}, {"iteration": 3, "value": None}], "value"
    )
    b = curve([{"iteration": 2, "value": 5.0}, {"iteration": 4, "value": 7.0}], "value")
    x, y = mean([a, b, curve([], "value")])
    assert list(x) == [1, 2, 4] and list(y) == [1, 4, 7]


def test_the_lines_of_a_run_under_way_are_read_without_one_cut_short(tmp_path):
    folder = RunFolder(tmp_path)
    assert lines_of(folder) == [] and iteration_of(folder) == 0
    whole = [{"iteration": i, "value": -1.0} for i in range(1, 1001)]
    folder.metrics.write_text("".join(json.dumps(line) + "\n" for line in whole) + '{"iteration": 10')
    assert lines_of(folder) == whole and iteration_of(folder) == 1000
