"""How the Parzen estimate grew during a run.

    python docs/learning_curve.py --run runs/mnist-1 --out docs/results/mnist

Every checkpoint of the run, measured on the first 1,000 validation images alone with the authors' grid; writes
learning-curve.json and learning-curve.png, and beside them the run's metrics.jsonl and its config.toml with the data's
name instead of their path.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from minigan.files import checkpoint
from minigan.files.colours import GREEN
from minigan.files.run_folder import RunFolder
from minigan.generator.reference_data import SIGMA_POINTS, data_of
from minigan.generator.sampler import Sampler
from minigan.metrics import parzen
from minigan.options.config import to_toml


def measure(run: Path, source: str | None) -> list[dict]:
    """[{"iteration", "epoch", "mean", "sigma"}, ...], nats on validation images."""
    metrics = {line["iteration"]: line for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines())}
    points, validation = [], None
    for path in checkpoint.numbered(run / "checkpoints"):
        iteration = checkpoint.number(path)
        if iteration not in metrics:  # where it was stopped
            continue
        sampler = Sampler.load(path, "numba")
        if validation is None:
            _, data = data_of(sampler, str(run), source)
            validation = data.scaled(data.validation[:SIGMA_POINTS], np.float64)
        samples = sampler.sample(parzen.SAMPLES)
        means = parzen.log_likelihood(sampler.ops, validation, samples, parzen.SIGMAS).mean(axis=1)
        best = int(means.argmax())
        point = {"iteration": iteration, "epoch": metrics[iteration]["epoch"], "lr": metrics[iteration]["lr"]}
        points.append(point | {"mean": float(means[best]), "sigma": float(parzen.SIGMAS[best])})
        said = f"epoch {point['epoch']:6.1f}  lr {point['lr']:.4f}  {means[best]:7.1f} nats"
        print(said, file=sys.stderr, flush=True)
    return points


def draw(points: list[dict], path: Path) -> None:
    """Nats over epochs, and the learning rate below, since it decides much of the rest."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    epochs = [point["epoch"] for point in points]
    upper.plot(epochs, [point["mean"] for point in points], ".-", color=GREEN)
    upper.axhline(225, color="black", linestyle=":", linewidth=1)
    upper.annotate("paper, test images: 225", (epochs[0], 225), (0, 3), textcoords="offset points", va="bottom")
    upper.margins(y=0.08)
    upper.set(ylabel="log-likelihood of validation images, nats")
    lower.semilogy(epochs, [point["lr"] for point in points], color="grey")
    lower.set(xlabel="epoch", ylabel="learning rate")
    figure.savefig(path, dpi=110, metadata={"Software": "minigan"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    points = measure(options.run, options.data)
    (options.out / "learning-curve.json").write_text(json.dumps(points, indent=1) + "\n")
    draw(points, options.out / "learning-curve.png")
    shutil.copyfile(options.run / "metrics.jsonl", options.out / "metrics.jsonl")
    data = Sampler.load(options.run).data["name"]
    config = replace(RunFolder(options.run).saved_config(), data=data)
    (options.out / "config.toml").write_text(to_toml(config))


if __name__ == "__main__":
    main()
