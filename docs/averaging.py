"""What averaging G's weights does.

    python docs/averaging.py --run runs/averaged --out docs/results/mnist/averaging.md

A run with `--average` larger than its iterations keeps M_t = sum_s s theta_s / sum_s s over all s up to t.  From the
M_t of its checkpoints follow the means between any two of them,

    (t (t + 1) M_t - u (u + 1) M_u) / (t (t + 1) - u (u + 1)),

so one run tells what other averages would have had.  Each is measured as table 1 is, on validation images.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np

from minigan.data import Dataset
from minigan.files import checkpoint
from minigan.generator.parzen_table import DRAWS, measured
from minigan.generator.reference_data import SIGMA_POINTS, data_of
from minigan.generator.sampler import PREFIX, Sampler
from minigan.metrics import parzen

WINDOWS = (5_000, 10_000, 20_000, 40_000)


def means(run: Path) -> dict[int, np.ndarray]:
    """{t: M_t (n,) float64} of the checkpoints, and {0: zeros}."""
    found = {}
    for path in checkpoint.numbered(run / "checkpoints"):
        found[checkpoint.number(path)] = Sampler.load(path, "numba").params.flat.astype(np.float64)
    return {0: np.zeros_like(next(iter(found.values())))} | found


def between(means: dict[int, np.ndarray], u: int, t: int) -> np.ndarray:
    """The mean of theta_s, weighted by s, over u < s <= t."""
    return (t * (t + 1) * means[t] - u * (u + 1) * means[u]) / (t * (t + 1) - u * (u + 1))


def averages(run: Path) -> dict[str, np.ndarray]:
    """G's parameters in the several averages, by what they are."""
    kept = means(run)
    times = sorted(kept)
    last = times[-1]
    path, tensors, _ = checkpoint.find(run)
    sampler = Sampler.load(path, "numba")
    for name, view in sampler.params.items():
        view[...] = tensors[PREFIX + name]
    found = {"the last weights, as in the paper": sampler.params.flat.copy()}
    for window in (n for n in WINDOWS if n < last):
        start = max(t for t in times if t <= last - window)
        found[f"mean over the last {last - start:,} iterations"] = between(kept, start, last)
    found[f"**mean over all {last:,}, the t-th with weight t**"] = kept[last]
    pairs = list(zip(times, times[1:]))
    found["mean over all, with equal weights"] = sum((t - u) * between(kept, u, t) for u, t in pairs) / last
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data")
    options = parser.parse_args()
    sampler = Sampler.load(options.run, "numba")
    _, data = data_of(sampler, str(options.run), options.data)
    assert isinstance(data, Dataset)
    validation = data.scaled(data.validation[:SIGMA_POINTS], np.float64)
    lines = ["| G's weights | validation images, nats | draw to draw | sigma | with a finer grid |"]
    lines.append("|---|---|---|---|---|")
    for what, flat in averages(options.run).items():
        sampler.params.flat[...] = flat
        draws = [partial(sampler.sample, parzen.SAMPLES, seed) for seed in range(DRAWS)]
        row = measured(sampler.ops, what, draws, validation, validation, None)
        finer = f"{row.finer_mean:.1f} ({row.finer_sigma:.3f})"
        lines.append(f"| {what} | {row.mean:.1f} | {row.spread:.1f} | {row.sigma:.3f} | {finer} |")
        print(lines[-1], flush=True)
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
