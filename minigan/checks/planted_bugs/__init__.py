"""Bugs to plant, one at a time: `python -m minigan.gradcheck --plant NAME`.

Each is an easy mistake in a GAN written by hand.  They show that the checks can fail, and what a bug does to a training
run: often not much, which is why the checks are needed.
"""

from __future__ import annotations

from minigan.checks.planted_bugs.gradients import GRADIENTS
from minigan.checks.planted_bugs.inversion import INVERSION
from minigan.checks.planted_bugs.labels import LABELS
from minigan.checks.planted_bugs.losses import LOSSES
from minigan.checks.planted_bugs.numbers import NUMBERS
from minigan.checks.planted_bugs.planting import Bug, planted
from minigan.checks.planted_bugs.play import PLAY
from minigan.checks.planted_bugs.updates import UPDATES
from minigan.errors import ConfigError, did_you_mean

KINDS = {
    "Backward passes": GRADIENTS,
    "Losses": LOSSES,
    "Updates and schedules": UPDATES,
    "The order of play": PLAY,
    "Labels": LABELS,
    "Inference and projection": INVERSION,
    "Random numbers": NUMBERS,
}
BUGS: dict[str, Bug] = {name: bug for bugs in KINDS.values() for name, bug in bugs.items()}

__all__ = ["BUGS", "KINDS", "Bug", "find", "planted"]


def find(name: str) -> Bug:
    """The bug of this name.  Raises ConfigError where there is none."""
    if name not in BUGS:
        some = ", ".join(list(BUGS)[:3])
        known = f"all, list, or one of the {len(BUGS)} bugs it names ({some}, ...){did_you_mean(name, BUGS)}"
        raise ConfigError(f"--plant {name}: expected {known}")
    return BUGS[name]
