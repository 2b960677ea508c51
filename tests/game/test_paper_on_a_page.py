"""docs/paper_on_a_page.py against the library: two programs, written apart, that must move the same way.

The page gets the z and the dropout masks that minigan draws, and the same x; after 20 iterations in float64 every
parameter and velocity of both players agrees to 1e-12, as do V, G's loss, D(x) and D(G(z)) on the way.
"""

import ast
import importlib.util
import inspect
import os
import re
import subprocess
import sys
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from minigan import Recipe, rng
from minigan.backends import get
from minigan.game.algorithm1 import Algorithm1
from minigan.game.optim import Momentum
from minigan.game.player import Player
from minigan.game.priors import Prior
from minigan.game.schedules import ExponentialDecay, LinearRamp
from minigan.layers import Dropout, Linear, Maxout, ReLU, Sequential, Sigmoid
from minigan.rng import Draw, Stream

pytestmark = pytest.mark.rounding

PAGE = Path(__file__).parents[2] / "docs" / "paper_on_a_page.py"
ITERATIONS, SEED = 20, 2014
M, N_Z, N_H, N = 6, 5, 8, 7
DECAY = {"factor": 1.05, "floor": 0.06}  # from 0.1: decays, then rests on its floor after 11 iterations
RAMP_EPOCHS, ITERATIONS_PER_EPOCH = 5, 3  # of the momentum: from 0.5 in epoch 1 to 0.7 in epoch 5, then constant
TOLERANCE = 1e-12


@pytest.fixture
def page():
    """A fresh copy of the page, so that a test may plant a fault in it."""
    spec = importlib.util.spec_from_file_location("paper_on_a_page", PAGE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Examples:
    """Minibatch number `count` is the same for all programs: uniform pixels from a generator of that number."""

    def prepare(self, iteration, k, ahead=0):
        pass

    def minibatch(self, draw, count, out):
        out[...] = self.x(int(count))
        return out

    @staticmethod
    def x(count):
        """(M, N)"""
        return np.random.default_rng(count).random((M, N))


def library(page, updates, k, loss):
    """minigan's game on a small G and D of the page's kind, with weights N(0, 1 / n_in) and biases N(0, 1 / 16)."""
    ops = get("numpy")
    clock = ops.clock(ExponentialDecay(0.1, **DECAY), LinearRamp(0.5, 0.7, RAMP_EPOCHS, ITERATIONS_PER_EPOCH))
    keep = page.KEEP
    networks = (
        Sequential(Linear(N_Z, N_H), ReLU(), Linear(N_H, N_H), ReLU(), Linear(N_H, N), Sigmoid()),
        Sequential(
            Dropout(keep[0]),
            Maxout(N, N_H, page.PIECES),
            Dropout(keep[1]),
            Maxout(N_H, N_H, page.PIECES),
            Dropout(keep[2]),
            Linear(N_H, 1),
        ),
    )
    random = np.random.default_rng(1)
    players = []
    for network in networks:
        player = Player(ops, network, np.float64, lambda params: Momentum(params, clock))
        for name, view in player.params.items():
            view[...] = random.standard_normal(view.shape) * (0.25 if name.endswith("b") else 1 / sqrt(view.shape[0]))
        players.append(player)
    return Algorithm1(ops, *players, clock, Prior("uniform", N_Z), SEED, M, k, updates, loss)


def noise(t, substep):
    """The library's z of this substep: (M, N_Z) on (-sqrt 3, sqrt 3)."""
    draw = Draw(SEED, t, substep, Stream.LATENT, np.arange(M, dtype=np.uint32))
    return sqrt(3) * (2 * rng.unit_uniform(rng.words(draw, N_Z)) - 1)


def masks(t, substep, rows, keeps):
    """The library's dropout masks of D's pass: (rows, N), (rows, N_H) and (rows, N_H) bool."""
    draw = Draw(SEED, t, substep, Stream.DROPOUT_DISCRIMINATOR, np.arange(rows, dtype=np.uint32))
    layers = ((0, N, keeps[0]), (2, N_H, keeps[1]), (4, N_H, keeps[2]))  # the index of each Dropout in D, its width
    return [rng.words(draw.layer(i), width) < rng.keep_threshold(keep) for i, width, keep in layers]


def parameters(player, params):
    """A player's W and b, or their velocities, as the page has them: [W1, b1, W2, b2, W3, b3]"""
    return [np.array(params[name]) for name in player.params.shapes]


def distance(ours, theirs):
    """The largest difference, relative to the largest entry of that array."""
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(ours, theirs, strict=True))


def play(page, updates, k, loss):
    """20 iterations of both programs: the distance of everything that they compute, by name."""
    game = library(page, updates, k, loss)
    g, d = game.generator, game.discriminator
    theta_g, theta_d = parameters(g, g.params), parameters(d, d.params)
    v_g, v_d = ([np.zeros_like(a) for a in theta] for theta in (theta_g, theta_d))
    data, saturating, distances = Examples(), loss == "saturating", {"measures": 0.0}

    for t in range(ITERATIONS):
        lr = page.learning_rate(t, **DECAY)
        mu = page.ramp(1 + t // ITERATIONS_PER_EPOCH, epochs=RAMP_EPOCHS)
        drawn = [(data.x(t * k + i), noise(t, i), masks(t, i, 2 * M, page.KEEP)) for i in range(k)]
        if updates == "alternating":
            fresh = (noise(t, k), masks(t, k, M, page.KEEP))
            l, l_g = page.alternating(theta_g, v_g, theta_d, v_d, drawn, *fresh, lr, mu, saturating)
        else:
            l, l_g = page.simultaneous(theta_g, v_g, theta_d, v_d, *drawn[0], lr, mu, saturating)

        data.prepare(t, k)
        game.iterate(data)
        seen = game.measure()
        p = page.sigmoid(l)
        ours = [page.value(l, M), page.g_loss(l_g, saturating), p[:M].mean(), p[M:].mean()]
        theirs = [seen["value"], seen["g_loss"], seen["d_real"], seen["d_fake"]]
        distances["measures"] = max(distances["measures"], distance(ours, theirs))

    return distances | {
        "theta_g": distance(theta_g, parameters(g, g.params)),
        "theta_d": distance(theta_d, parameters(d, d.params)),
        "v_g": distance(v_g, parameters(g, g.optimiser.state["velocity"])),
        "v_d": distance(v_d, parameters(d, d.optimiser.state["velocity"])),
    }


GAMES = [
    ("alternating", 1, "non-saturating"),
    ("alternating", 3, "saturating"),
    ("simultaneous", 1, "non-saturating"),
]


def test_k_is_1_where_nothing_is_said_as_in_the_paper():
    assert inspect.signature(Algorithm1).parameters["k"].default == Recipe().k == 1


def test_is_a_page():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 100
    assert max(map(len, lines)) <= 120


def test_imports_numpy_alone():
    tree = ast.walk(ast.parse(PAGE.read_text(encoding="utf-8")))
    imports = [ast.unparse(node) for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports == ["import numpy as np"]
    assert not re.search(r"__import__|importlib", PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("updates, k, loss", GAMES)
def test_equals_the_library(page, updates, k, loss):
    distances = play(page, updates, k, loss)
    assert max(distances.values()) <= TOLERANCE, distances


def scaled(function, factor):
    """The function with its result times `factor`."""
    return lambda *args, **kwargs: factor * function(*args, **kwargs)


def plant_a_sign(page):
    page.g_slope = scaled(page.g_slope, -1)


def plant_a_mean_over_both_halves(page):
    page.d_slope = scaled(page.d_slope, 0.5)


def plant_the_other_loss(page):
    right = page.g_slope
    page.g_slope = lambda l, saturating: right(l, not saturating)


def plant_a_forgotten_mask(page):
    right = page.maxout_backward
    page.maxout_backward = lambda dh, winner, r: right(dh, winner, np.full_like(r, r.max()))


def plant_the_highest_piece(page):
    right = page.maxout_backward
    page.maxout_backward = lambda dh, winner, r: right(dh, (winner + 1) % page.PIECES, r)


def plant_a_late_learning_rate(page):
    """v <- mu v - g, theta <- theta + lr v: the form of most frameworks."""

    def descend(theta, v, gradient, lr, mu):
        for theta_i, v_i, g_i in zip(theta, v, gradient):
            v_i[...] = mu * v_i - g_i
            theta_i += lr * v_i

    page.descend = descend


def plant_a_constant_momentum(page):
    page.ramp = lambda epoch, **_: 0.5


FAULTS = [
    plant_a_sign,
    plant_a_mean_over_both_halves,
    plant_the_other_loss,
    plant_a_forgotten_mask,
    plant_the_highest_piece,
    plant_a_late_learning_rate,
    plant_a_constant_momentum,
]


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("updates, k, loss", GAMES)
def test_a_planted_fault_shows(page, plant, updates, k, loss):
    plant(page)
    distances = play(page, updates, k, loss)
    assert distances["theta_g"] > 1e-6 and distances["theta_d"] > 1e-6, distances


def test_the_library_moves(page):
    """Twenty iterations change every parameter by more than rounding could: equality is not that of two starts."""
    game = library(page, *GAMES[0])
    for player in (game.generator, game.discriminator):
        start = parameters(player, player.params)
        for _ in range(ITERATIONS // 2):
            game.iterate(Examples())
        for before, after in zip(start, parameters(player, player.params), strict=True):
            assert np.abs(after - before).max() > 1e-4


def test_other_noise_shows(page, monkeypatch):
    """A z of the wrong substep is noticed."""
    right = noise
    monkeypatch.setitem(globals(), "noise", lambda t, substep: right(t, substep + 1))
    assert play(page, *GAMES[0])["theta_d"] > 1e-6


def test_runs_as_a_script():
    """A few seconds: V comes close to -log 4, where D cannot tell, and the picture is not empty."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # the matrices are too small to share
    run = subprocess.run([sys.executable, PAGE], env=environment, capture_output=True, text=True, check=True)
    lines = run.stdout.splitlines()
    table, picture = lines[:-8], "".join(lines[-8:])
    v, d_real, d_fake = (float(word) for word in re.findall(r"-?\d\.\d{3}", table[-1]))
    assert len(table) == 11 and -1.6 < v < -1.1 and abs(d_real - 0.5) < 0.15 and abs(d_fake - 0.5) < 0.15, table
    assert len(set(picture)) > 5
