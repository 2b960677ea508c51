"""Copies and pickles of a GAN, through the bytes of its checkpoint.

Its weights are views of one buffer, and would not be if they were copied one by one.  A pickle names the classes of
layers and of a loss of one's own, and Python imports them.  Unpickling runs code, so a pickle has to be trusted; a
checkpoint runs none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from minigan.files import checkpoint

if TYPE_CHECKING:
    from minigan.gan import GAN

MADE = ("ops", "ranks", "_game", "_iterations")
"""what is made again where a copy is"""
PICKLED = Path("a pickled GAN")
"""where the bytes are from, as errors say it"""


class Copies:
    """What `copy`, `pickle` and joblib ask for."""

    def __getstate__(self) -> dict[str, Any]:
        gan = cast("GAN", self)
        return {
            "parameters": gan.get_params(deep=False),
            "attributes": {name: value for name, value in vars(gan).items() if name not in MADE},
            "checkpoint": b"".join(gan.snapshot().encoded()) if gan.has_weights else None,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Raises CheckpointError for damaged bytes, ConfigError or DeviceError for a backend that is not here."""
        gan = cast("GAN", self)
        type(gan).__init__(gan, **state["parameters"])
        attributes = state["attributes"]
        if state["checkpoint"] is not None:
            tensors, header = checkpoint.decoded(state["checkpoint"], PICKLED)
            gan.begin(header["iterations_per_epoch"] * gan.recipe.k, header["data"], phases=attributes["phases"])
            gan.restore(PICKLED, tensors, header)
        vars(gan).update(attributes)
