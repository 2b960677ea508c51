"""minigan: Generative Adversarial Nets (Goodfellow et al. 2014), every gradient written by hand.

    from minigan import GAN, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid

Names are imported when they are first used, so `import minigan` costs little, and each name what it needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from minigan import interrupt

__version__ = "0.2.0"

if interrupt.a_command_is_loading():
    interrupt.end_at_once()

_NAMES = {
    "minigan.checks.gradients": "check_loss",
    "minigan.checks.own_layer": "check_layer",
    "minigan.data": "Dataset Mixture",
    "minigan.errors": "CheckpointError ConfigError DataError",
    "minigan.files.curves": "draw_history",
    "minigan.game.losses": "NON_SATURATING SATURATING value",
    "minigan.gan": "GAN",
    "minigan.generator.sampler": "Sampler",
    "minigan.layers": "Dropout LeakyReLU Linear Maxout ReLU Sequential Sigmoid Tanh",
    "minigan.layers.initialisers": "Constant Marginals Normal Sparse Uniform",
    "minigan.loop.callback": "Callback",
    "minigan.loop.checkpoints": "Checkpoint",
    "minigan.loop.history": "History",
    "minigan.loop.pictures": "Pictures",
    "minigan.loop.progress": "Progress",
    "minigan.loop.tensorboard": "TensorBoard",
    "minigan.loop.validation": "EarlyStopping",
    "minigan.options.recipe": "Recipe",
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

if TYPE_CHECKING:  # the same names for type checkers, which know nothing of `__getattr__`
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
