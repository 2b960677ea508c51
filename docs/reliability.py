"""The figures of docs/reliability.md, by one command:      python docs/reliability.py [--only faults sweeps]

Runs the measurements, some two hours on one core, and writes docs/reliability-tables.md; parts not asked for stay.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE / "reliability-tables.md"
PARTS = {
    "faults": ("Runs and checkpoints", "tests/campaigns/faults.py --kills 1000 --flips 100000 --stops 100"),
    "sweeps": ("Sweeps", "tests/campaigns/sweep_kills.py --kills 50"),
    "ranks": ("Ranks", "tests/campaigns/ranks.py --times 20"),
    "fuzz": ("Damaged files", "tests/campaigns/fuzz.py --files 20000"),
    "mutation": ("Changes to the mathematics", "tests/campaigns/mutation.py --sample 300"),
}


def kept() -> dict[str, str]:
    """The parts of the page as it is, by their titles."""
    parts = PAGE.read_text().split("## ")[1:] if PAGE.exists() else []
    return {part.split("\n", 1)[0]: part.split("\n", 1)[1].strip() for part in parts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    parts = kept()
    for name in options.only:
        title, command = PARTS[name]
        print(title, file=sys.stderr)
        done = subprocess.run([sys.executable, *command.split()], cwd=HERE.parent, stdout=subprocess.PIPE, text=True)
        parts[title] = f"`python {command}`, exit code {done.returncode}:\n\n{done.stdout.strip()}"
        made = [f"## {title}\n\n{parts[title]}\n" for title, _ in PARTS.values() if title in parts]
        PAGE.write_text("\n".join(made))


if __name__ == "__main__":
    main()
