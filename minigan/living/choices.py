"""What the page offers."""

from __future__ import annotations

from typing import Any

from minigan.checks.planted_bugs import KINDS
from minigan.data import given
from minigan.data.download import MNIST_FILES, cache_folder
from minigan.data.idx import find_mnist
from minigan.game.algorithm1 import UPDATES
from minigan.game.losses import LOSSES

PRESETS = ("ring", "grid", "gaussian", "digits")


def presets() -> list[str]:
    """Those whose data are on this machine: the page fetches nothing."""
    return [*PRESETS, *(["mnist"] if mnist_is_here() else [])]


def mnist_is_here() -> bool:
    """Whether its files are in MINIGAN_DATA, or have been fetched before."""
    return given(find_mnist) is not None or all((cache_folder() / "mnist" / name).is_file() for name in MNIST_FILES)


def choices() -> dict[str, Any]:
    """By the names that the page has."""
    bugs = {
        kind: {name: {"what": b.what, "seen": b.seen, "options": " ".join(b.options)} for name, b in some.items()}
        for kind, some in KINDS.items()
    }
    return {"presets": presets(), "losses": list(LOSSES), "updates": list(UPDATES), "bugs": bugs}
