"""Seeds and settings as a command line has them: `--seeds 0-9,20`, `--grid lr=.05,.1 k=1,2`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product
from typing import get_origin, get_type_hints

from minigan.errors import ConfigError, did_you_mean, shortened
from minigan.options.config import THIS_CALL, Config
from minigan.options.recipe import check_seed
from minigan.sweeping.jobs import MOST

RANGE = re.compile(r"(\d+)(?:-(\d+))?")
OF_A_SWEEP = ("seed", "phases", *THIS_CALL)
"""Options that a setting does not have."""


def seeds_of(text: str) -> list[int]:
    """The seeds of "0-9" or "1,2,5", each once.  Raises ConfigError for any other text, and for too many."""
    found: dict[int, None] = {}
    for part in text.split(","):
        limits = RANGE.fullmatch(part.strip())
        first, last = (int(limits[1]), int(limits[2] or limits[1])) if limits else (1, 0)
        if not first <= last:
            raise ConfigError(f"--seeds {shortened(text)}: expected such as 0-9 or 1,2,5")
        check_seed(last, "--seeds")
        if last - first >= MOST:
            raise ConfigError(f"--seeds {shortened(text)}: expected at most {MOST:,}")
        found |= dict.fromkeys(range(first, last + 1))
    return list(found)


def grid_of(texts: Iterable[str]) -> dict[str, list[str]]:
    """{"lr=.05,k=1": ["--lr", ".05", "--k", "1"], ...}: every combination, the last option changing first.

    Without texts one setting, "".  Raises ConfigError for what is no option, or none with one value.
    """
    axes = [axis(text) for text in texts]
    names = [pairs[0][0] for pairs in axes]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"--grid {twice[0]}: given twice, expected each option once")
    found = {}
    for pairs in product(*axes):
        settings = [f"{name}={value}" for name, value in pairs]
        found[",".join(settings)] = [word for name, value in pairs for word in (f"--{name}", value)]
        if len(found) > MOST:
            raise ConfigError(f"--grid: more than {MOST:,} settings")
    return found


def axis(text: str) -> list[tuple[str, str]]:
    """ "lr=.05,.1" as [("lr", ".05"), ("lr", ".1")]."""
    name, _, values = text.partition("=")
    given = values.split(",")
    if not all(given):
        raise ConfigError(f"--grid {shortened(text)}: expected OPTION=VALUE,VALUE such as lr=.05,.1")
    hints = {name.replace("_", "-"): hint for name, hint in get_type_hints(Config).items() if name not in OF_A_SWEEP}
    name = name.replace("_", "-")
    if name not in hints:
        known = did_you_mean(name, hints) or ", expected one of minigan.train"
        raise ConfigError(f"--grid {shortened(text)}: unknown option {shortened(name)}{known}")
    if hints[name] is bool or tuple in (hints[name], get_origin(hints[name])):
        raise ConfigError(f"--grid {shortened(text)}: expected an option with one value")
    return [(name, value) for value in dict.fromkeys(given)]
