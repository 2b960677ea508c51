"""How often the authors' recipe for MNIST survives, and what it gives then.

    python -m minigan.sweep --preset mnist --seeds 0-9 --epochs 30 --checkpoint-every 5000 --out runs/seeds
    python docs/recipe.py --sweep runs/seeds > docs/results/recipe/seeds.md

A seed fails by the rule of every sweep (docs/cluster.md).  Nats are those of docs/learning_curve.py: the first 1,000
validation images, one draw of samples.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from learning_curve import measure
from long_runs import plus_minus

from minigan.files.run_folder import RunFolder
from minigan.loop.symptoms import d_has_won
from minigan.sweeping.ends import lines_of, symptoms_at_end


def end(lines: list[dict]) -> str:
    """How a run ended, and since when D has won."""
    failed = symptoms_at_end(lines)
    if not failed:
        return "goes on"
    well = max((line["iteration"] for line in lines if not d_has_won(line)), default=0)
    return ", ".join(failed) + f", since iteration {well:,}" * (well < lines[-1]["iteration"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweep", type=Path, required=True)
    parser.add_argument("--data")
    options = parser.parse_args()
    runs = sorted(options.sweep.glob("seed-*/"), key=lambda run: int(run.name.removeprefix("seed-")))
    curves = [measure(run, options.data) for run in runs]
    epochs = [point["epoch"] for point in curves[0]]
    heads = ["seed", *(f"nats, {epoch:.0f} epochs" for epoch in epochs), "D(x)", "D(G(z))", "at the end"]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    going = []
    for run, curve in zip(runs, curves):
        lines = lines_of(RunFolder(run))
        nats = [point["mean"] for point in curve]
        if (said := end(lines)) == "goes on":
            going.append(nats)
        cells = [*(f"{value:.1f}" for value in nats), *(f"{lines[-1][name]:.3f}" for name in ("d_real", "d_fake"))]
        print(f"| {run.name.removeprefix('seed-')} | {' | '.join(cells)} | {said} |")
    means = [plus_minus(column) for column in zip(*going)]
    print(f"| mean of those that go on | {' | '.join(means)} | | | {len(going)} of {len(runs)} |")


if __name__ == "__main__":
    main()
