"""Copies and pickles of a GAN, through the bytes of its checkpoint.

Its weights are views of one buffer, and would not be if they were copied one by one.  A pickle names the classes of
layers and of a loss of one's own, and Python imports them.  Unpickling runs code, so a pickle has to be trusted; a
checkpoint runs none.
"""

from __future__ import annotations

from pathlib import Path

from minigan.estimator.parameters import Parameters
from minigan.files import checkpoint

REMADE = ("_arguments", "ops", "_game", "_iterations", "iteration", "iterations_per_epoch", "data")
"""the attributes that parameters and a checkpoint make again"""
PICKLED = Path("a pickled GAN")
"""where the bytes are from, as errors say it"""


class Copies(Parameters):
    """What `copy`, `pickle` and joblib ask for."""

    def __getstate__(self) -> dict:
        snapshot = None if self._game is None else self.snapshot()
        return {
            "parameters": self.get_params(deep=False),
            "checkpoint": None if snapshot is None else b"".join(snapshot.encoded()),
            "attributes": {name: value for name, value in vars(self).items() if name not in REMADE},
        }

    def __setstate__(self, state: dict) -> None:
        """Raises CheckpointError for damaged bytes, ConfigError or DeviceError for a backend that is not here."""
        self.__init__(**state["parameters"])
        if state["checkpoint"] is not None:
            tensors, header = checkpoint.decoded(state["checkpoint"], PICKLED)
            self.begin(header["iterations_per_epoch"] * self.recipe.k, header["data"])
            self.restore(PICKLED, tensors, header)
        vars(self).update(state["attributes"])
