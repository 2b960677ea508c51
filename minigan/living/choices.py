"""What the page offers."""

from __future__ import annotations

from typing import Any

from minigan.checks.planted_bugs import KINDS
from minigan.data import given
from minigan.data.cifar10 import find_cifar10
from minigan.data.download import CIFAR10_FILES, MNIST_FILES, cache_folder
from minigan.data.idx import find_mnist
from minigan.game.algorithm1 import UPDATES
from minigan.game.losses import LOSSES

PRESETS = ("ring", "grid", "gaussian", "digits")
FETCHED = {"mnist": (find_mnist, MNIST_FILES), "cifar10": (find_cifar10, CIFAR10_FILES)}
"""data that a run would fetch: what finds them, and the files that they are"""


def presets() -> list[str]:
    """Those whose data are on this machine: the page fetches nothing."""
    return [*PRESETS, *(["mnist"] if is_here("mnist") else [])]


def is_here(data: str) -> bool:
    """Whether data of this name are on this machine: in MINIGAN_DATA, or fetched before; or need not be fetched."""
    if data not in FETCHED:
        return True
    find, files = FETCHED[data]
    return given(find) is not None or all((cache_folder() / data / name).is_file() for name in files)


def choices() -> dict[str, Any]:
    """By the names that the page has."""
    bugs = {
        kind: {name: {"what": b.what, "seen": b.seen, "options": " ".join(b.options)} for name, b in some.items()}
        for kind, some in KINDS.items()
    }
    return {"presets": presets(), "losses": list(LOSSES), "updates": list(UPDATES), "bugs": bugs}
