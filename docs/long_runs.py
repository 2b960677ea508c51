"""The authors' setting to 1,000 epochs with several seeds, and what means of G's weights give.

    python benchmarks/gpu/side_by_side.py runs runs/long FOLDER 450 long.json --curve 10000 > long.jsonl
    python docs/long_runs.py long.jsonl --out docs/results/recipe

where long.json is

    {"authors": {"preset": "mnist", "seeds": [0, 2, 3, 4], "epochs": 1000, "average": 1000000},
     "mnist-averaged": {"preset": "mnist-averaged", "seeds": [1, 2, 3], "epochs": 240}}

Writes long.md, means.md and long.png.  Nats on the way are those of the first 1,000 validation images, one draw of
samples; at the end those of Table 1, on all test images, the mean of three draws.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from minigan.files.colours import IN_TURN
from minigan.sweeping.table import mean_and_error

EPOCH = 500
"""iterations"""
AT = (15_000, 50_000, 100_000, 250_000, 500_000)
KINDS = {
    "last": "the last weights, as in the paper",
    "mean, eta 1": "mean over all, the t-th with weight t",
    "mean, eta 0.5": "mean over all, the t-th with weight √t",
    "mean, eta 0": "mean over all, with equal weights",
}


def plus_minus(values: Sequence[float]) -> str:
    """ "213.4 ± 0.7": mean and standard error"""
    return "{:.1f} ± {:.1f}".format(*mean_and_error(values))


def long_table(rows: list[dict]) -> str:
    """A line for each seed."""
    heads = ["seed", *(f"{at // EPOCH:,} epochs" for at in AT), "test images, ± from draw to draw"]
    lines, columns = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"], []
    for row in rows:
        nats = {point["iteration"]: point["last"] for point in row["curve"]}
        end = row["test"]["last"]
        columns.append([*(nats[at] for at in AT), end["mean"]])
        cells = [f"{value:.1f}" for value in columns[-1]]
        lines.append(f"| {row['seed']} | {' | '.join(cells)} ± {end['spread']:.1f} |")
    return "\n".join([*lines, f"| mean | {' | '.join(map(plus_minus, map(list, zip(*columns))))} |"])


def means_table(*groups: list[dict]) -> str:
    """A line for each way to take G: nats on test images, mean over seeds, and with the finer grid of sigma."""
    heads = ["G's weights", *(f"{group[0]['of'] // EPOCH:,} epochs of `{group[0]['preset']}`" for group in groups)]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for kind, words in KINDS.items():
        ends = [[row["test"][kind] for row in group] for group in groups]
        cells = ["{} ({})".format(*(plus_minus([end[key] for end in of]) for key in ("mean", "finer"))) for of in ends]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(rows: list[dict], path: Path) -> None:
    """Nats over epochs of each seed: G's last weights, and two means of them."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for kind, colour in zip(("mean, eta 0", "mean, eta 1", "last"), IN_TURN):
        for row in rows:
            points = [(point["iteration"] / EPOCH, point[kind]) for point in row["curve"]]
            axes.plot(*zip(*points), color=colour, linewidth=1, label=KINDS[kind] if row is rows[0] else None)
    axes.axhline(225, color="black", linestyle=":", linewidth=1, label="the paper's 225, on test images")
    axes.set(xlabel="epoch", ylabel="log-likelihood of validation images, nats", ylim=(75, 260))
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=110, metadata={"Software": "minigan"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rows = [row for row in map(json.loads, options.rows.read_text().splitlines()) if "test" in row]
    averaged = [row | {"preset": "mnist-averaged"} for row in rows if row["setting"] == "mnist-averaged"]
    authors = [row | {"preset": "mnist"} for row in rows if row["setting"] != "mnist-averaged"]
    (options.out / "long.md").write_text(long_table(authors) + "\n")
    (options.out / "means.md").write_text(means_table(authors, averaged) + "\n")
    draw(authors, options.out / "long.png")


if __name__ == "__main__":
    main()
