"""minigan: Generative Adversarial Nets (Goodfellow et al. 2014), every gradient written by hand.

    from minigan import GAN, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid

Names are imported when they are first used, so `import minigan` costs little, and each name what it needs.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

__version__ = "0.1.0"


def _interrupted(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Ctrl-C while a command is still being loaded: one line, as later."""
    if issubclass(kind, KeyboardInterrupt):
        print("minigan: interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


if sys.argv[:1] == ["-m"]:  # `python -m minigan.train`, whose module is yet to be found
    sys.excepthook = _interrupted

_HOMES = {
    "GAN": "minigan.gan",
    "Recipe": "minigan.options.recipe",
    "Sampler": "minigan.generator.sampler",
    "CheckpointError": "minigan.errors",
    "ConfigError": "minigan.errors",
    "DataError": "minigan.errors",
    "Dataset": "minigan.data",
    "Mixture": "minigan.data",
    "Dropout": "minigan.layers",
    "LeakyReLU": "minigan.layers",
    "Linear": "minigan.layers",
    "Maxout": "minigan.layers",
    "ReLU": "minigan.layers",
    "Sequential": "minigan.layers",
    "Sigmoid": "minigan.layers",
    "Tanh": "minigan.layers",
    "Constant": "minigan.layers.initialisers",
    "Marginals": "minigan.layers.initialisers",
    "Normal": "minigan.layers.initialisers",
    "Sparse": "minigan.layers.initialisers",
    "Uniform": "minigan.layers.initialisers",
    "NON_SATURATING": "minigan.game.losses",
    "SATURATING": "minigan.game.losses",
    "value": "minigan.game.losses",
    "Callback": "minigan.loop.callback",
    "Checkpoint": "minigan.loop.checkpoints",
    "EarlyStopping": "minigan.loop.validation",
    "History": "minigan.loop.history",
    "Pictures": "minigan.loop.pictures",
    "Progress": "minigan.loop.progress",
    "TensorBoard": "minigan.loop.tensorboard",
    "draw_history": "minigan.files.curves",
    "check_layer": "minigan.checks.own_layer",
    "check_loss": "minigan.checks.gradients",
}

if TYPE_CHECKING:  # the same names for type checkers, which know nothing of `__getattr__`
    from types import TracebackType

    from minigan.checks.gradients import check_loss as check_loss
    from minigan.checks.own_layer import check_layer as check_layer
    from minigan.data import Dataset as Dataset
    from minigan.data import Mixture as Mixture
    from minigan.errors import CheckpointError as CheckpointError
    from minigan.errors import ConfigError as ConfigError
    from minigan.errors import DataError as DataError
    from minigan.files.curves import draw_history as draw_history
    from minigan.game.losses import NON_SATURATING as NON_SATURATING
    from minigan.game.losses import SATURATING as SATURATING
    from minigan.game.losses import value as value
    from minigan.gan import GAN as GAN
    from minigan.generator.sampler import Sampler as Sampler
    from minigan.layers import Dropout as Dropout
    from minigan.layers import LeakyReLU as LeakyReLU
    from minigan.layers import Linear as Linear
    from minigan.layers import Maxout as Maxout
    from minigan.layers import ReLU as ReLU
    from minigan.layers import Sequential as Sequential
    from minigan.layers import Sigmoid as Sigmoid
    from minigan.layers import Tanh as Tanh
    from minigan.layers.initialisers import Constant as Constant
    from minigan.layers.initialisers import Marginals as Marginals
    from minigan.layers.initialisers import Normal as Normal
    from minigan.layers.initialisers import Sparse as Sparse
    from minigan.layers.initialisers import Uniform as Uniform
    from minigan.loop.callback import Callback as Callback
    from minigan.loop.checkpoints import Checkpoint as Checkpoint
    from minigan.loop.history import History as History
    from minigan.loop.pictures import Pictures as Pictures
    from minigan.loop.progress import Progress as Progress
    from minigan.loop.tensorboard import TensorBoard as TensorBoard
    from minigan.loop.validation import EarlyStopping as EarlyStopping
    from minigan.options.recipe import Recipe as Recipe
else:
    __all__ = sorted(_HOMES)

    def __getattr__(name: str):
        if name in _HOMES:
            return getattr(importlib.import_module(_HOMES[name]), name)
        raise AttributeError(f"module 'minigan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
