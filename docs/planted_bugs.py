"""The page of planted bugs, and a training run with one of them inside.

    python docs/planted_bugs.py                                              writes docs/planted-bugs.md
    python docs/planted_bugs.py z-reused --epochs 120 --out runs/z-reused    trains with the bug

Such a run has the options with which the bug shows, on the numpy backend; options of `minigan.train` may follow.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from minigan import train
from minigan.checks.planted_bugs import BUGS, KINDS, Bug, find, planted
from minigan.errors import ConfigError
from minigan.options import cli

PAGE = Path(__file__).parent / "planted-bugs.md"

BEGINNING = f"""# Planted bugs

A check that cannot fail proves nothing. `python -m minigan.gradcheck --plant NAME` puts one of {len(BUGS)} bugs into
the library while it runs, and prints the table of all checks. The rows that fail say where the bug is, and the exit
code is 1, as with a bug in the files. `--plant all` plants each in turn and prints the row that is there to catch it;
`--plant list` names them. The files of the library stay as they are.

Each is an easy slip in a GAN written by hand, and beside it stands what it does to a run. The lesson is how often it
cannot be seen: many of these runs look like a healthy one, or like a healthy one with another seed. So look at the
checks before you look at the pictures.

What is said of a run was seen on the numpy backend with the preset `digits`, seed 0 and half its epochs, 1,800
iterations, and with the options that are named; $V$ and other numbers are means of the last 500. A healthy run has by
then $V$ between -1.05 and -1.2, $D(x)$ near .6, $D(G(z))$ near .37, a diversity of .95, gradients of lengths 1.4 (D)
and .66 (G), and makes readable digits. Rounding sets a run on its way as a seed does, so that another machine's numbers
differ a little. Three bugs inside Philox were not run: what is said of them follows from the code. Those of
inference and projection are met in `minigan.project` alone. To see one yourself:

```sh
python docs/planted_bugs.py z-reused --epochs 120 --out runs/z-reused
```

`python docs/planted_bugs.py` makes this page from `minigan/checks/planted_bugs/`.
"""
HEAD = "| bug, and where it is | what is wrong | in training | caught by |\n|---|---|---|---|\n"


def page() -> str:
    """The page in Markdown."""
    parts = [BEGINNING]
    for kind, bugs in KINDS.items():
        parts += [f"\n## {kind}\n\n", HEAD, *map(line, bugs.values())]
    return "".join(parts)


def line(bug: Bug) -> str:
    """A bug's row of the table."""
    options = f"(`{' '.join(bug.options)}`) " if bug.options else ""
    return f"| **{bug.name}**<br>`{bug.where}` | {bug.what} | {options}{bug.seen} | {bug.row} |\n"


def train_with(bug: Bug, options: list[str]) -> None:
    """A run of `minigan.train` with the bug in it."""
    with planted(bug):
        train.main([*bug.options, "--backend", "numpy", *options])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bug", nargs="?")
    chosen, options = parser.parse_known_args()
    if chosen.bug is None:
        PAGE.write_text(page(), encoding="utf-8")
        return
    try:
        bug = find(chosen.bug)
    except ConfigError as error:
        cli.stop(parser.prog, error)
    train_with(bug, options)


if __name__ == "__main__":
    main()
