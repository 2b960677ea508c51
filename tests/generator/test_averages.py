"""docs/averaging.py: the means that a run had, from those of its checkpoints."""

import sys
from pathlib import Path

import numpy as np
import pytest
from small_run import SMALL

from minigan.files import checkpoint
from minigan.generator.sampler import Sampler
from minigan.train import main

DOCS = Path(__file__).parents[2] / "docs"
STEPS = 60


@pytest.fixture
def averaging(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    monkeypatch.delitem(sys.modules, "averaging", raising=False)
    import averaging

    return averaging


def test_the_means_are_those_of_the_run(averaging, tmp_path):
    """Every weight is kept, so that the means can be added up by hand."""
    every = ["--average", "1000", "--iterations", str(STEPS), "--checkpoint-every", "1", "--backend", "numba"]
    assert main([*SMALL, *every, "--out", str(tmp_path)]) == 0
    averages, last = averaging.averages(tmp_path), Sampler.load(tmp_path, "numba")
    names = [name for name, _ in last.params.items()]
    kept = [checkpoint.read(path)[0] for path in checkpoint.numbered(tmp_path / "checkpoints")]
    sums = {
        "**mean over all 60, the t-th with weight t**": np.arange(1, STEPS + 1),
        "mean over all, with equal weights": np.ones(STEPS),
        "the last weights, as in the paper": np.arange(STEPS) == STEPS - 1,
    }
    for what, weights in sums.items():
        last.params.flat[...] = averages[what]
        for name in names:
            theta = np.array([tensors[f"generator.{name}"] for tensors in kept], np.float64)
            expected = np.tensordot(weights / weights.sum(), theta, 1)
            np.testing.assert_allclose(last.ops.to_host(last.params[name]), expected, rtol=1e-4, atol=1e-6)
