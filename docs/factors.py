"""What makes Algorithm 1 as printed differ from the authors' code, each by itself.

    python docs/factors.py settings > factors.json
    python benchmarks/gpu/side_by_side.py runs runs/factors FOLDER 300 factors.json > factors.jsonl
    python docs/factors.py table factors.jsonl > docs/results/factors.md

Preset `mnist` in all eight combinations of the order of play, the factor before D's loss, and momentum, with several
seeds, measured with G's last weights on the first 1,000 validation images, one draw of samples.  D's factor is a factor
before D's rate, exactly so with momentum; D's loss has 1/2 itself where both move at once.  With "backend": "numba" in
the settings the runs are made on a CPU.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path

from long_runs import plus_minus

from minigan.options.config import preset

ORDERS = {"simultaneous": 0.5, "alternating": 1.0}
"""{updates: the factor that D's loss has there}"""
FACTORS = {"1/2": 0.5, "1": 1.0}
MOMENTA = {"momentum .5 to .7": 0.5, "momentum .7": 0.7}
"""in the first epoch: the authors' ramp over 250 epochs, and its end from the first iteration on"""
SEEDS = range(1, 8)
POINTS = {5_000: "10 epochs", 10_000: "20 epochs"}


def settings() -> dict[str, dict]:
    """{setting: what it asks of side_by_side.py}"""
    found = {}
    for order, factor, momentum in product(ORDERS, FACTORS, MOMENTA):
        rate = preset("mnist").recipe.lr * FACTORS[factor] / ORDERS[order]
        asked = {"preset": "mnist", "seeds": list(SEEDS), "epochs": 20}
        name = f"{order}, D's loss times {factor}, {momentum}"
        found[name] = asked | {"updates": order, "lr_d": rate, "momentum": MOMENTA[momentum]}
    return found


def table(rows: list[dict]) -> str:
    """A line for each setting: how its seeds ended, and the nats of those that go on."""
    points = [f"nats, {epochs}" for epochs in POINTS.values()]
    heads = ["order", "D's loss times", "momentum", "go on", *points, "others"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in settings():
        order, factor, momentum = name.split(", ")
        runs = [row for row in rows if row["setting"] == name and row["seed"] in SEEDS and row["of"] <= 15_000]
        curves = [{p["iteration"]: p["last"] for p in run["curve"]} for run in runs if not run["failed"]]
        nats = [plus_minus([curve[at] for curve in curves]) for at in POINTS]
        failed = [run["failed"][0] for run in runs if run["failed"]]
        ends = ", ".join(f"{failed.count(end)} {end}" for end in dict.fromkeys(failed))
        ends = ends.replace("D has won", "where D has won")
        numbers = f"{len(curves)} of {len(runs)} | {' | '.join(nats)} | {ends}"
        factor, momentum = factor.removeprefix("D's loss times "), momentum.removeprefix("momentum ")
        lines.append(f"| {order} | {factor} | {momentum} | {numbers} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("settings")
    kinds.add_parser("table").add_argument("rows", type=Path)
    options = parser.parse_args()
    if options.kind == "settings":
        print(json.dumps(settings(), indent=1))
    else:
        print(table([json.loads(line) for line in options.rows.read_text().splitlines()]))


if __name__ == "__main__":
    main()
