"""Seeds and settings, as they are written and as flags."""

from dataclasses import replace
from pathlib import Path

import pytest

from minigan.errors import ConfigError
from minigan.options.config import preset, shipped_presets
from minigan.sweeping.grid import grid_of, seeds_of
from minigan.sweeping.jobs import flags, folder_name, jobs_of
from minigan.train import options


@pytest.mark.parametrize(
    "text, seeds", [("0-3", [0, 1, 2, 3]), ("1,2,5", [1, 2, 5]), ("7", [7]), ("0-2,9,1", [0, 1, 2, 9]), ("4-4", [4])]
)
def test_seeds(text, seeds):
    assert seeds_of(text) == seeds


@pytest.mark.parametrize("text", ["", "3-1", "a", "1-", "-1", "1,,2", "0-1000000000000", str(2**64)])
def test_what_are_no_seeds(text):
    with pytest.raises(ConfigError, match="^seeds .*: expected"):
        seeds_of(text)


def test_a_grid_is_every_combination():
    assert grid_of(["lr=.05,.1", "batch_size=8,9"]) == {
        "lr=.05,batch-size=8": ["--lr", ".05", "--batch-size", "8"],
        "lr=.05,batch-size=9": ["--lr", ".05", "--batch-size", "9"],
        "lr=.1,batch-size=8": ["--lr", ".1", "--batch-size", "8"],
        "lr=.1,batch-size=9": ["--lr", ".1", "--batch-size", "9"],
    }
    assert grid_of([]) == {"": []}


@pytest.mark.parametrize(
    "texts, message",
    [
        (["lr"], "lr: expected OPTION=VALUE"),
        (["lr=.1,"], "lr=.1,: expected OPTION=VALUE"),
        (["lrr=1"], "lrr=1: unknown option lrr; did you mean lr?"),
        (["seed=1,2"], "seed=1,2: unknown option seed"),
        (["out=a,b"], "out=a,b: unknown option out"),
        (["generator=a,b"], "generator=a,b: expected an option with one value"),
        (["phases=a,b"], "phases=a,b: unknown option phases"),
        (["standardise=true"], "standardise=true: expected an option with one value"),
        (["k=1", "k=2"], "k: given twice"),
        ([f"k={','.join(map(str, range(200)))}", f"latent={','.join(map(str, range(200)))}"], "more than 10,000"),
    ],
)
def test_what_is_no_grid(texts, message):
    with pytest.raises(ConfigError) as error:
        grid_of(texts)
    assert message in str(error.value)


CHANGES = [
    {},
    {"lr": 1e-5, "lr_d": 0.3, "k": 3, "optimizer": "adam"},
    {"generator": ("relu 8 uniform=.5", "linear"), "standardise": True, "backend": "numpy"},
    {"validate_every": 7, "keep_last": 2, "iterations": 9, "threads": 1, "data": "ring"},
    {"average": None, "contrast": None, "lr_floor": 0.0},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
@pytest.mark.parametrize("name", shipped_presets())
def test_flags_make_the_options_again(name, change):
    wanted = replace(preset(name), **change)
    assert options(["--preset", name, *flags(wanted, preset(name))]) == wanted


def test_flags_take_back_what_a_preset_has(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('preset = "ring"\nstandardise = true\naverage = 9\niterations = 8\n')
    base = preset(str(own))
    wanted = replace(base, standardise=False, average=None, iterations=None, epochs=3)
    assert options(["--preset", str(own), *flags(wanted, base)]) == wanted


def test_a_settings_folder_keeps_its_letters():
    assert folder_name("lr=.05,k=1") == "lr=.05,k=1" and folder_name("D's W / wide") == "D-s-W-wide"
    config = replace(preset("ring"), backend="numpy", threads=2)
    jobs = jobs_of(Path("x"), {"a b": config, "c": config}, [3, 4])
    assert [str(job.folder.path) for job in jobs] == ["x/a-b/seed-3", "x/c/seed-3", "x/a-b/seed-4", "x/c/seed-4"]
    assert str(jobs[0].log) == "x/a-b/seed-3.log" and jobs[0].total == 10000
    with pytest.raises(ConfigError, match="named alike"):
        jobs_of(Path("x"), {"a b": config, "a/b": config}, [3])


def test_jobs_have_one_thread_unless_told_and_none_on_a_gpu():
    config = replace(preset("ring"), backend="numpy")
    for changed, threads in ((config, 1), (replace(config, threads=2), 2), (replace(config, backend="cupy"), None)):
        (job,) = jobs_of(Path("x"), {"": changed}, [0], here=False)
        assert job.config.threads == threads
    assert [*job.arguments[:4], *job.arguments[-4:]] == [
        *("--preset", "ring", "--backend", "cupy", "--out", "x/seed-0", "--resume", "auto")
    ]
