"""A small ring that tests train on, and how they look at it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from minigan import GAN
from minigan.living.worker import Worker
from minigan.options.config import preset

NETWORKS = ("relu 16 normal=.1", "linear normal=.1")
RING = replace(preset("ring"), generator=NETWORKS, discriminator=NETWORKS, batch_size=32, backend="numpy", threads=1)


def weights(gan: GAN) -> np.ndarray:
    return np.concatenate([np.ravel(tensor) for tensor in gan.snapshot().tensors().values()])


def newest(worker: Worker) -> dict[str, Any]:
    """What its newest picture shows, once all that was asked for before has been done and shown."""
    worker._ask("is_alive", {}).result(5)  # is done after the picture of the command before it
    return worker.newest.picture.content
