"""The reading of the losses: what is measured, and when it is said."""

import json

import numpy as np
import pytest
from small_run import SMALL

from minigan import GAN, Linear, Recipe, ReLU, Sequential, Sigmoid
from minigan.game.player import Player
from minigan.loop.symptoms import ITERATIONS, LINES, Reading
from minigan.train import main

HEALTHY = {"value": -1.1, "d_real": 0.6, "d_fake": 0.4, "g_gradient": 1.0, "dead_units": 0.1, "diversity": 0.9}


@pytest.mark.parametrize(
    "ill, message",
    [
        ({"value": -0.001, "d_real": 1.0, "d_fake": 0.0}, "D has won"),
        ({"diversity": 0.01}, "G has collapsed"),
        ({"dead_units": 0.95}, "95% of G's relu units are dead"),
    ],
)
def test_a_symptom_is_said_once_when_it_has_lasted_and_again_after_it_had_gone(ill, message):
    reading = Reading()
    said = read(reading, HEALTHY | ill, range(100, 700, 100))
    assert [len(s) for s in said] == [0] * (LINES - 1) + [1] + [0] * 3 and message in said[LINES - 1][0]
    assert read(reading, HEALTHY, [700]) == [[]]
    assert [len(s) for s in read(reading, HEALTHY | ill, range(800, 1100, 100))] == [0] * (LINES - 1) + [1]


def read(reading, line, iterations):
    return [reading.of(line | {"iteration": iteration}) for iteration in iterations]


@pytest.mark.parametrize("every", [1, 10, 50, 100, 500])
@pytest.mark.parametrize("start", [0, 3000])
def test_a_symptom_has_lasted_by_iterations_however_often_lines_are_logged(every, start):
    said = read(Reading(start), HEALTHY | {"diversity": 0.06}, range(start + every, start + 2001, every))
    at = [start + every * (i + 1) for i, message in enumerate(said) if message]
    assert at == [start + max(ITERATIONS, LINES * every)]


def test_an_untrained_generator_that_begins_to_vary_has_not_collapsed():
    """The diversity of the embedded digits, measured every 50 iterations."""
    reading, said = Reading(), []
    for i, diversity in enumerate([0.062, 0.064, 0.069, 0.086, 0.45, 0.59, 0.69, 0.69, 0.65]):
        said += reading.of(HEALTHY | {"iteration": 50 * (i + 1), "diversity": diversity})
    assert said == []


def test_a_healthy_game_and_one_without_relu_or_without_v_say_nothing():
    reading = Reading()
    for line in (HEALTHY, HEALTHY | {"dead_units": None, "diversity": None}, HEALTHY | {"value": None}):
        assert read(reading, line, range(100, 1000, 100)) == [[]] * 9


def game_of(updates="alternating", k=1):
    """A small game after one watched iteration on random examples."""
    X = np.random.default_rng(0).random((40, 6))
    G = Sequential(Linear(3, 8), ReLU(), Linear(8, 6), Sigmoid())
    D = Sequential(Linear(6, 5), ReLU(), Linear(5, 1))
    gan = GAN(G, D, Recipe(latent=3, batch_size=10, precision="float64", updates=updates, k=k)).fit(X, iterations=1)
    return gan, X


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
def test_vital_signs_are_those_of_the_iteration(updates, k, monkeypatch):
    """The gradients from how both players moved, v' = mu v - lr g; of D's k steps the last one counts."""
    from minigan.data import Dataset, minibatches

    gan, X = game_of(updates, k)
    game, moves, velocities = gan.game, {}, {}
    game.watch(True)
    backward, update = Player.backward, Player.update

    def learning(player, dy, tape, learn, need_dx):
        if learn:
            velocities[player] = player.optimiser.state["velocity"].flat.copy()
        return backward(player, dy, tape, learn, need_dx)

    def moving(player, count):
        theta = player.params.flat.copy()
        update(player, count)
        moves[player] = player.params.flat - theta

    monkeypatch.setattr(Player, "backward", learning)
    monkeypatch.setattr(Player, "update", moving)
    gan.step(minibatches(gan.ops, Dataset("array", X), 10, 0, "float64"))
    signs, mu, lr = game.vital_signs(), 0.5, 0.1
    for name, player in (("g_gradient", game.generator), ("d_gradient", game.discriminator)):
        gradient = (mu * velocities[player] - moves[player]) / lr
        assert signs[name] == pytest.approx(np.linalg.norm(gradient), rel=1e-9)
    fake, x = game.pair[10:], game.pair[:10]
    assert signs["diversity"] == pytest.approx(fake.std(axis=0).mean() / x.std(axis=0).mean())


def test_dead_units_are_those_that_no_row_lights():
    gan, _ = game_of()
    gan.game.generator.params["0.b"][:3] = -1e3
    gan.game._generate(0)
    share = gan.generator.dead_units(gan.ops, gan.game.tape_g)
    lit = (gan.game.z @ gan.game.generator.params["0.W"] + gan.game.generator.params["0.b"] > 0).any(axis=0)
    assert share == pytest.approx(1 - lit.mean()) and share >= 3 / 8
    assert Sequential(Linear(3, 1)).dead_units(gan.ops, Sequential(Linear(3, 1)).tape(gan.ops, 1, np.float64)) is None


def test_a_run_in_which_d_wins_says_so_in_words(said, tmp_path):
    code, _, error = said(
        main, *SMALL, "--out", tmp_path / "won", "--iterations", 400, "--log-every", 100, "--optimizer", "adam",
        "--lr", ".01", "--k", 3,
        "--generator", "sigmoid uniform=.000001 bias=3", "--discriminator", "relu 32", "linear",
    )  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / "won" / "metrics.jsonl").read_text().splitlines()]
    assert code == 0 and lines[0]["d_gradient"] > 0
    ill = [line["value"] > -0.02 for line in lines]
    lasted = any(all(ill[i : i + LINES]) for i in range(len(ill) - LINES + 1))
    flat = [line["diversity"] < 0.1 for line in lines]
    collapsed = any(all(flat[i : i + LINES]) for i in range(len(flat) - LINES + 1))
    assert ("D has won" in error) == lasted and ("G has collapsed" in error) == collapsed and (lasted or collapsed)
