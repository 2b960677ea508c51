"""What makes Algorithm 1 as printed differ from the authors' code, each by itself.

    python docs/factors.py --out runs/factors --data FOLDER > docs/results/factors.md

Preset `mnist` in all eight combinations of the order of play, the factor before D's loss, and momentum, with several
seeds, measured as docs/ablation.py does.  D's factor is a factor before D's rate, exactly so with momentum; D's loss
has 1/2 itself where both move at once.  Runs that are there are not made again, and one that was stopped goes on.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

from ablation import made, score

from minigan.data import load
from minigan.options.config import preset
from minigan.sweeping.ends import DIVERGED, end_of, lines_of, symptoms_at_end
from minigan.sweeping.grid import seeds_of
from minigan.sweeping.jobs import Job
from minigan.sweeping.table import mean_and_error

ORDERS = {"simultaneous": 0.5, "alternating": 1.0}
"""{updates: the factor that D's loss has there}"""
FACTORS = {"1/2": 0.5, "1": 1.0}
MOMENTA = {"momentum .5 to .7": [], "momentum .7": ["--momentum", ".7"]}
"""the authors' ramp over 250 epochs, and its end from the first iteration on"""


def settings() -> dict[str, list[str]]:
    """{setting: its options}"""
    found = {}
    for order, factor, momentum in product(ORDERS, FACTORS, MOMENTA):
        rate = preset("mnist").recipe.lr * FACTORS[factor] / ORDERS[order]
        options = ["--updates", order, "--lr-d", f"{rate:g}", *MOMENTA[momentum]]
        found[f"{order}, D's loss times {factor}, {momentum}"] = options
    return found


def cell(job: Job, data) -> tuple[str, float | None]:
    """What a run says in its column, and its nats where it has not failed."""
    if end_of(job) == DIVERGED:
        return DIVERGED, None
    nats = score(job, data)["mean"]
    failed = symptoms_at_end([line for line in lines_of(job.folder) if line["iteration"] <= job.total])
    return (f"{nats:.1f}, {', '.join(failed)}", None) if failed else (f"{nats:.1f}", nats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=seeds_of, default=seeds_of("1-3"))
    parser.add_argument("--threads", type=int, default=1, help="of each run")
    options = parser.parse_args()
    data = load(options.data)
    jobs = made(options.out, settings(), options.seeds, options.epochs, options.data, options.threads)
    columns = [f"seed {seed}" for seed in options.seeds]
    heads = [f"preset mnist, {options.epochs} epochs", *columns, "mean of those that did not fail"]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for name in settings():
        said, nats = zip(*(cell(job, data) for job in jobs if job.setting == name))
        left = [value for value in nats if value is not None]
        mean = "{:.1f} ± {:.1f}".format(*mean_and_error(left)) if len(left) > 1 else ""
        print(f"| {name} | {' | '.join(said)} | {mean} |", flush=True)


if __name__ == "__main__":
    main()
