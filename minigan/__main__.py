"""`minigan train ...`: the commands under one name."""

from __future__ import annotations

import importlib
import sys

import minigan
from minigan import interrupt
from minigan.errors import did_you_mean

COMMANDS = {
    "train": "train a GAN and keep a record of the run",
    "sweep": "train with several seeds and settings, to one table",
    "sample": "draw samples from a trained generator",
    "evaluate": "estimate test images' log-likelihood under a trained generator (table 1)",
    "figure": "draw figure 2 or 3 of the paper from a trained generator",
    "project": "find z for given images, and walk between them",
    "export": "write a run's generator alone, in half precision",
    "compare": "where two runs part, by how much, and why",
    "report": "one page of a run",
    "live": "a page on which a GAN trains in sight",
    "explain": "one iteration of a run, opened: every array, its formula, its code, finite differences",
    "reproduce": "the whole paper beside minigan, on one page",
    "homework": "exercises for students, and their marks",
    "gradcheck": "check every hand-written gradient against finite differences",
}


def main() -> int:
    name, *args = sys.argv[1:] or ["--help"]
    if name in COMMANDS:
        interrupt.end_at_once()
        return importlib.import_module(f"minigan.{name}").main(args)
    if name == "--version":
        print(f"minigan {minigan.__version__}")
    elif name in ("-h", "--help"):
        print("usage: minigan COMMAND [OPTIONS]\n")
        print("\n".join(f"  {command:10} {purpose}" for command, purpose in COMMANDS.items()))
        print("\n`minigan COMMAND --help` lists the options.")
    else:
        known = f"expected one of {', '.join(COMMANDS)}{did_you_mean(name, COMMANDS)}"
        print(f"minigan: unknown command {name!r}: {known}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
