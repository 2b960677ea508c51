"""Algorithm 1 against a reference trajectory: it checks what happens between the gradients.

Which z is drawn when, which minibatch, which mask; who moves first and on what; momentum, decay and ramp.  The numbers
in `reference/trajectory.json` were found by docs/paper_on_a_page.py, which knows nothing of this package, from nothing
but a seed (docs/reference_trajectory.py).  The library, given the same seed, must end in the same parameters.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from minigan.backends import Ops
from minigan.checks.finite_differences import Result, agree
from minigan.data import Dataset, minibatches
from minigan.game.algorithm1 import Algorithm1
from minigan.game.of_recipe import game_of
from minigan.game.player import Player
from minigan.layers.models import build
from minigan.options.recipe import Recipe

RULES = ("prior", "k", "updates", "loss", "optimizer")
MEASURES = ("value", "g_loss", "d_real", "d_fake")


@cache
def reference() -> dict[str, Any]:
    """The file: settings, examples, and what each of the games came to."""
    return json.loads(resources.files("minigan").joinpath("reference/trajectory.json").read_text(encoding="utf-8"))


def games() -> dict[str, dict[str, Any]]:
    """{the name that its rows begin with: one game of the file}"""
    named = {}
    for game in reference()["games"]:
        sgd = ", sgd" if game["optimizer"] == "sgd" else ""
        named[f"Trajectory, {game['updates']}, k = {game['k']}{sgd}"] = game
    return named


def begin(ops: Ops, game: dict[str, Any]) -> Algorithm1:
    """The game at iteration 0: the networks of the page, small, with the weights of the seed."""
    s = reference()["settings"]
    hidden, start = s["hidden"], f"uniform={s['weights']} bias={s['bias']}"
    relu, maxout = f"relu {hidden} {start}", f"maxout {hidden}x5 {start}"
    generator = build((relu, relu, f"sigmoid {start}"), s["latent"], s["features"])
    discriminator = build((f"{maxout} keep=.8", f"{maxout} keep=.5", f"linear {start} keep=.5"), s["features"], 1)
    names = ("seed", "latent", "lr", "lr_decay", "lr_floor", "momentum", "momentum_final", "momentum_epochs")
    told = {name: s[name] for name in names} | {name: game[name] for name in RULES}
    recipe = Recipe(precision="float64", batch_size=s["m"], **told)
    iterations_per_epoch = max(1, len(reference()["examples"]) // s["m"] // game["k"])
    return game_of(ops, generator, discriminator, recipe, iterations_per_epoch)


def check_game(ops: Ops, name: str, game: dict[str, Any]) -> list[Result]:
    """The last parameters of G and of D, and what was measured on the way."""
    s = reference()["settings"]
    played = begin(ops, game)
    data = minibatches(ops, Dataset("examples", np.array(reference()["examples"])), s["m"], s["seed"], np.float64)
    seen = []
    for iteration in range(s["iterations"]):
        data.prepare(iteration, game["k"])
        played.iterate(data)
        measured = played.measure()
        seen.append([measured[quantity] for quantity in MEASURES])

    def flat(player: Player) -> np.ndarray:
        return np.concatenate([ops.to_host(view).ravel() for _, view in player.params.items()])

    def expected(role: str) -> np.ndarray:
        return np.concatenate([np.ravel(a) for a in game[role].values()])

    return [
        agree(f"{name}: measures", "trajectory", np.array(seen), np.array(game["measures"])),
        agree(f"{name}: G", "trajectory", flat(played.generator), expected("generator")),
        agree(f"{name}: D", "trajectory", flat(played.discriminator), expected("discriminator")),
    ]
