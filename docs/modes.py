"""Mode coverage over ten seeds, and what fails:      python docs/modes.py --out runs/modes

Trains the presets `ring` and `grid` with ten seeds, and settings varied from them with one seed each, as a sweep;
`--vary` names the mixtures to do the latter for.  A run that is in the folder is not made again, and one that was
stopped goes on.  Writes docs/results/modes.md and .json, and docs/images/modes.png.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path

from minigan.experiments import modes

HERE = Path(__file__).parent
FIRST_SEED = 80
"""The presets were chosen by other seeds."""


def markdown(table: tuple[tuple[str, ...], ...]) -> str:
    """Rows of text, the first its head."""
    head, *rows = ("| " + " | ".join(row) + " |" for row in table)
    return "\n".join([head, "|---" * len(table[0]) + "|", *rows]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vary", nargs="*", choices=modes.MIXTURES, default=modes.MIXTURES)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    runs = {
        (mixture, setting): (config, modes.seeds_of(setting, FIRST_SEED, quick=False))
        for (mixture, setting), config in modes.settings(quick=False).items()
        if setting == modes.AS_SHIPPED or mixture in options.vary
    }

    def say(line: str) -> None:
        print(f"{time.monotonic() - start:6.0f} s  {line}", flush=True)

    rows = modes.compare(options.out, runs, say)
    found = modes.finding(rows, False, options.out / modes.PICTURE)
    (HERE / "results" / "modes.md").write_text(markdown(found.table))
    (HERE / "results" / "modes.json").write_text(json.dumps(found.numbers, indent=1) + "\n")
    shutil.copyfile(found.pictures[0], HERE / "images" / "modes.png")
    print(found.ours)


if __name__ == "__main__":
    main()
