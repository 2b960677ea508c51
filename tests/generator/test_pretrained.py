"""The generators that ship with the package, and the table that quotes one."""

import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest

from minigan import backends
from minigan.data.idx import find_idx_folder, load_mnist
from minigan.files import checkpoint
from minigan.generator.sampler import Sampler, pretrained
from minigan.metrics import parzen
from minigan.sample import main

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results" / "mnist"


@pytest.mark.parametrize("name", ["mnist", "mnist-conditional"])
def test_a_shipped_generator_is_small_and_says_how_it_was_made(name):
    path = pretrained(name)
    tensors, header = checkpoint.read(path)
    assert path.stat().st_size <= 6e6
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype(np.float16)}
    assert header["made_by"]["command"].startswith("python -m minigan.train --preset mnist")
    made_by = header["made_by"]  # one command, or since 0.2.0 each time that it began or went on
    assert all({"minigan", "numpy", "numba"} <= s["versions"].keys() for s in made_by.get("sessions", [made_by]))


def test_the_shipped_generator_draws_digits_at_once(said, tmp_path):
    code, _, error = said(main, "--pretrained", "mnist", "--n", 30, "--out", tmp_path / "digits.npy")
    assert code == 0, error
    x = np.load(tmp_path / "digits.npy")
    assert x.shape == (30, 784) and 0 <= x.min() and x.max() <= 1
    lit = x.reshape(30, 28, 28).mean(axis=0)
    assert lit[8:20, 8:20].mean() > 5 * lit[:4].mean()


def test_the_shipped_conditional_generator_makes_what_it_is_told():
    """A 0 is dark in the middle, and a 1 is lit there alone."""
    sampler = Sampler.load(pretrained("mnist-conditional"))
    zeros, ones = (sampler.sample(100, labels=digit).reshape(100, 28, 28).mean(axis=0) for digit in (0, 1))
    assert zeros[12:16, 13:15].mean() < 0.2 < 0.6 < ones[12:16, 13:15].mean()
    assert ones[8:20, 4:8].mean() < 0.05 < zeros[8:20, 4:10].mean()


def test_the_readmes_table_is_the_one_that_was_measured():
    specification = importlib.util.spec_from_file_location("table1", ROOT / "docs" / "table1.py")
    table1 = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(table1)
    made = table1.table(json.loads((RESULTS / "table.json").read_text()))
    assert made in (ROOT / "README.md").read_text()
    assert made == (ROOT / "docs" / "results" / "table1.md").read_text()


def test_the_shipped_generator_has_the_parzen_estimate_that_the_readme_quotes():
    roots = [os.environ.get("MINIGAN_DATA"), ROOT.parent / "shared" / "data"]
    folder = next((found for root in roots if root and (found := find_idx_folder(root))), None)
    if folder is None:
        pytest.skip("no MNIST files in MINIGAN_DATA or ../shared/data")
    quoted = json.loads((RESULTS / "table.json").read_text())
    row, data = quoted["rows"][0], load_mnist(folder)
    samples = Sampler.load(pretrained("mnist"), "numba").sample(quoted["n"], quoted["seed"])
    test = data.scaled(data.test, np.float64)
    found = parzen.log_likelihood(backends.get("numba"), test, samples, [row["sigma"]])[0]
    assert len(row["draws"]) >= 10 and found.mean() == pytest.approx(row["draws"][0], abs=0.05)
    assert found.std() / np.sqrt(len(found)) == pytest.approx(row["standard_error"], abs=0.05)
