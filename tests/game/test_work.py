"""`auto`: one rule for the command and for GAN, and a word when kernels are compiled."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from minigan import GAN, ConfigError, Linear, Recipe, Sequential, backends
from minigan.game.work import WORTH_COMPILING, backend_for, multiplications
from minigan.loop.progress import COMPILING
from minigan.run.trainer import Trainer
from minigan.train import options

ROOT = Path(__file__).parents[2]


def players(width: int) -> tuple[Sequential, Sequential]:
    return Sequential(Linear(10, width)), Sequential(Linear(width, 1))


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(backends, "why_no_gpu", lambda device=0: "there is none")


def test_the_work_is_five_times_the_rows_times_the_weights_with_k_for_d():
    networks = Sequential(Linear(3, 4), Linear(4, 2)), Sequential(Linear(2, 1))
    g, d = 3 * 4 + 4 + 4 * 2 + 2, 2 + 1
    assert multiplications(*networks, Recipe(latent=3, batch_size=7)) == 5 * 7 * (g + d)
    assert multiplications(*networks, Recipe(latent=3, batch_size=7, k=4)) == 5 * 7 * (g + 4 * d)


def test_the_stated_amount_of_work_is_where_numba_begins(no_gpu):
    assert backend_for(WORTH_COMPILING - 1, Recipe(), None, 0) == "numpy"
    assert backend_for(WORTH_COMPILING, Recipe(), None, 0) == "numba"


def test_a_gpu_is_taken_where_there_is_one_and_no_threads_are_asked_for(monkeypatch):
    monkeypatch.setattr(backends, "why_no_gpu", lambda device=0: None)
    assert backend_for(WORTH_COMPILING, Recipe(), None, 0) == "cupy"
    assert backend_for(WORTH_COMPILING, Recipe(), 2, 0) == "numba"
    assert backend_for(WORTH_COMPILING - 1, Recipe(), None, 0) == "numpy"


@pytest.mark.parametrize("recipe, device", [(Recipe(precision="tf32"), 0), (Recipe(), 1)])
def test_what_only_a_gpu_has_asks_for_one(no_gpu, recipe, device):
    assert backend_for(1, recipe, None, device) == "cupy"


@pytest.mark.parametrize("width, taken", [(10, "numpy"), (5000, "numba")])
def test_gan_chooses_and_a_loaded_one_too(no_gpu, tmp_path, width, taken):
    gan = GAN(*players(width), Recipe(latent=10), backend="auto").fit(np.zeros((100, width)), iterations=0)
    gan.save(tmp_path / "gan.safetensors")
    assert gan.ops.name == GAN.load(tmp_path / "gan.safetensors", backend="auto").ops.name == taken


@pytest.mark.parametrize("preset, taken", [("gaussian", "numpy"), ("digits", "numba")])
def test_the_command_chooses_by_the_same_rule(no_gpu, tmp_path, preset, taken):
    gan = Trainer(options(["--preset", preset, "--out", str(tmp_path / "run")])).gan
    work = multiplications(gan.generator, gan.discriminator, gan.recipe)
    assert gan.ops.name == backend_for(work, gan.recipe, None, 0) == taken


def test_another_name_is_refused():
    with pytest.raises(ConfigError, match="backend automatic: expected one of numpy, numba, cupy"):
        GAN(*players(4), Recipe(latent=10), backend="automatic")


def test_it_is_said_once_when_numba_compiles_and_not_again(tmp_path):
    @njit
    def twice(x):
        return 2 * x

    said = []
    ops = backends.get("numba")
    with ops.compiling(lambda: said.append("compiles")):
        twice(1), twice(1.0)
    assert said == ["compiles"]
    with ops.compiling(lambda: said.append("again")):
        twice(1)
    with backends.get("numpy").compiling(lambda: said.append("numpy")):
        twice(1j)
    assert said == ["compiles"]


def test_the_command_says_when_it_compiles(tmp_path):
    command = "-m minigan.train --preset gaussian --backend numba --iterations 2 --generator linear"
    command = [sys.executable, *command.split(), "--discriminator", "linear", "--out"]
    where = {"env": os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}, "cwd": ROOT}
    for run, times in (("first", 1), ("second", 0)):
        made = subprocess.run([*command, tmp_path / run], capture_output=True, text=True, check=True, **where)
        assert made.stderr.count(COMPILING) == times


@pytest.mark.parametrize("page", ["docs/python.md", "README.md"])
def test_the_pages_state_the_amount(page):
    (stated,) = re.findall(r"below\s+(\d+) million\s+multiplications", (ROOT / page).read_text())
    assert int(stated) * 1_000_000 == WORTH_COMPILING
