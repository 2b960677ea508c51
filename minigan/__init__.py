"""minigan: Generative Adversarial Nets (Goodfellow et al. 2014), every gradient written by hand.

    from minigan import GAN, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid

Names are imported when they are first used, so `import minigan` costs little, and each name what it needs.
"""

from __future__ import annotations

import importlib
import sys

__version__ = "0.1.0"


def _interrupted(kind, error, traceback) -> None:
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

__all__ = sorted(_HOMES)


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'minigan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
