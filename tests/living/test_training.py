"""The thread that trains, without a browser: its numbers are those of a plain run, and nothing of a page touches it."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from dataclasses import replace

import numpy as np
import pytest
from rings import RING, newest, weights

from minigan import GAN
from minigan.data import Mixture
from minigan.errors import ConfigError
from minigan.living import choices
from minigan.living.density import Window
from minigan.living.probe import Probe
from minigan.living.training import Training
from minigan.living.views import view_of
from minigan.loop.loop import source_of
from minigan.options.config import Config, preset
from minigan.run.start import Start


@pytest.fixture
def training():
    """A thread that trains on a small ring."""
    one = Training(RING)
    one.start()
    yield one
    one.stop()
    assert not one.is_alive()


def plain_run(iterations: int, config: Config = RING) -> GAN:
    start = Start(config)
    source = source_of(start.gan, start.data)
    for _ in range(iterations):
        start.gan.step(source)
    return start.gan


def watched(training: Training, pictures: int) -> list[int]:
    """Look at so many pictures, each as soon as it is there, as a page does; their iterations."""

    async def look() -> list[int]:
        seen, number = [], -1
        for _ in range(pictures):
            picture = await training.newest.after(number, 10)
            number = picture.number
            seen.append(picture.content["iteration"])
        return seen

    return asyncio.run(look())


def test_numbers_are_those_of_a_plain_run_whether_it_is_watched_or_not(training):
    training.ask("play").result(5)
    seen = watched(training, 5)
    training.ask("pause").result(5)
    stood = newest(training)
    assert stood["numbers"] == plain_run(stood["iteration"]).game.measure()
    training.ask("change", lr=0.001).result(5)  # as it is: another game, of which nothing has been played
    assert newest(training)["numbers"] == stood["numbers"]
    training.ask("step").result(5)
    done = newest(training)["iteration"]
    assert len(set(seen)) >= 4 and seen == sorted(seen) and done > 5
    plain = plain_run(done)
    assert np.array_equal(weights(training.session.gan), weights(plain))
    assert newest(training)["numbers"] == plain.game.measure()
    at = newest(training)["curves"]["iteration"]
    assert at[0] == 5 and np.array_equal(np.diff(at), np.full(len(at) - 1, 5))


def test_every_picture_is_that_of_a_replay_and_another_seed_changes_it(training):
    for _ in range(3):
        training.ask("step").result(5)
    seen, replayed = newest(training), plain_run(3)
    again = view_of(replayed, Mixture.ring()).content()
    arrays = [name for name, value in again.items() if isinstance(value, np.ndarray)]
    assert {"d", "d_star", "samples", "pull", "mesh"} < {*arrays}
    assert all(np.array_equal(seen[name], again[name]) for name in arrays)
    assert np.array_equal(seen["samples"], replayed.sample(256))
    cells = Window.around(Mixture.ring().sample(4000), 40).points
    assert np.array_equal(seen["d"], np.round(254 * replayed.discriminate(cells)))
    training.ask("restart", seed=1).result(5)
    other = newest(training)
    assert not any(np.array_equal(seen[name], other[name]) for name in arrays if name != "real")


def test_the_arrows_are_the_slope_of_the_loss_by_each_sample():
    gan = plain_run(3, replace(RING, precision="float64"))
    probe, h = Probe(gan, 8), 1e-6
    x = probe.generate(probe.z)
    _, pull = probe.pull(x)
    for axis in (0, 1):
        ahead, behind = (-np.log(gan.discriminate(x + sign * h * np.eye(2)[axis])) for sign in (1, -1))
        assert np.allclose(pull[:, axis], (behind - ahead) / (2 * h), rtol=1e-5)


def test_pictures_are_made_only_where_somebody_waits_and_never_pile_up(training):
    training.ask("play").result(5)
    first = training.newest.picture.number
    time.sleep(0.3)
    assert training.newest.picture.number <= first + 1
    watched(training, 3)
    assert first + 1 < training.newest.picture.number


def test_a_change_takes_effect_while_it_plays(training):
    training.ask("play").result(5)
    for k in (3, 1, 3):
        training.ask("change", k=k).result(5)
        while newest(training)["recipe"]["k"] != k:
            asyncio.run(training.newest.after(training.newest.picture.number, 1))
    assert newest(training)["playing"]
    training.ask("pause").result(5)
    phases = training.session.gan.phases
    assert [phase.changed for phase in phases] == [{"k": (2, 3)}, {"k": (3, 1)}, {"k": (1, 3)}]
    assert newest(training)["phases"][0] == f"{phases[0].iteration}: k 2 to 3"


def test_a_picture_that_fails_does_not_touch_the_run(training, monkeypatch):
    def fails():
        raise RuntimeError("no picture")

    training.ask("step").result(5)
    monkeypatch.setattr(training._view, "content", fails)
    training.ask("step").result(5)
    training.ask("play").result(5)
    watched(training, 2)
    training.ask("pause").result(5)
    assert newest(training)["failed"].endswith("no picture") and newest(training)["iteration"] > 2


def test_an_iteration_that_fails_pauses_the_run_and_says_so(training, monkeypatch):
    def fails(iterations):
        raise RuntimeError("no iteration")

    with monkeypatch.context() as broken:
        broken.setattr(training.session, "play", fails)
        training.ask("play").result(5)
        while newest(training)["playing"]:
            time.sleep(0.01)
        assert newest(training)["said"].endswith("no iteration")
        with pytest.raises(RuntimeError, match="no iteration"):
            training.ask("step").result(5)
    training.ask("step").result(5)
    assert newest(training)["iteration"] == 1


def test_what_nobody_waits_for_any_more_is_not_done_and_harms_nothing(training):
    training.ask("play").result(5)
    gone = [training.ask("change", k=k) for k in range(1, 30)]
    cancelled = [one.cancel() for one in gone]
    training.ask("pause").result(5)
    assert any(cancelled) and len(training.session.gan.phases) <= cancelled.count(False)


def test_half_a_step_a_bug_and_another_beginning(training):
    training.ask("half", player="d").result(5)
    assert newest(training)["half"] and newest(training)["command"] is None
    training.ask("half", player="g").result(5)
    assert newest(training)["iteration"] == 1 and "--iterations 1 " in newest(training)["command"]
    training.ask("plant", bug="sign-relu").result(5)
    assert newest(training)["bug"] == "sign-relu"
    training.ask("restart", seed=3).result(5)
    at = newest(training)
    assert (at["bug"], at["iteration"], at["recipe"]["seed"]) == (None, 0, 3) and at["numbers"] == {}
    training.ask("restart", bug="sign-relu").result(5)
    assert newest(training)["bug"] == "sign-relu" and "bug='sign-relu'" in newest(training)["program"]


def test_what_begins_anew_has_nothing_of_a_bug_that_was_in(training):
    healthy = weights(plain_run(1))
    for bug in ("key-stands-still", None):
        training.ask("restart", bug=bug).result(5)
        training.ask("step").result(5)
        assert np.array_equal(weights(training.session.gan), healthy) is (bug is None)
    training.ask("restart", bug="key-stands-still").result(5)
    with pytest.raises(ConfigError, match="seed -1"):
        training.ask("restart", seed=-1).result(5)
    assert training.session.bug == "key-stands-still" and not np.array_equal(weights(plain_run(1)), healthy)


def test_a_drawing_becomes_the_data_and_the_command_names_its_file(training):
    corner = [[2 + i / 50, 3.0] for i in range(50)] + [[3.0, 3 + i / 50] for i in range(50)]
    training.ask("draw", points=corner).result(5)
    training.ask("step").result(5)
    at = newest(training)
    real = at["real"].reshape(-1, 2)
    assert (real.min() > 1.8) and real.max() < 4.2 and at["data"] == "drawn-1.npy"
    assert " --data drawn-1.npy " in at["command"] and "data='drawn-1.npy'" in at["program"]
    assert np.load(training.drawn("drawn-1.npy")).shape == (4096, 2)
    assert training.drawn("../x.npy") is None and training.drawn("drawn-2.npy") is None


def test_what_is_refused_leaves_the_run_as_it_was(training):
    training.ask("step").result(5)
    before = newest(training)
    for command, given, message in (
        ("change", {"k": 0}, "k 0"),
        ("change", {"k": "3"}, "k 3"),
        ("change", {"seed": 1}, "seed: expected one of"),
        ("half", {"player": "x"}, "expected d or g"),
        ("plant", {"bug": "no-such"}, "no-such"),
        ("restart", {"preset": "/etc/passwd"}, "expected one of ring"),
        ("restart", {"seed": -1}, "seed -1"),
        ("draw", {"points": [[0, 0]]}, "expected 2 to"),
        ("draw", {"points": [[0, 0], [1e9, 0]]}, "beyond 100"),
        ("draw", {"points": "no points"}, "expected 2 to"),
        ("pace", {"iterations_a_second": 0}, "pace 0"),
    ):
        with pytest.raises(ValueError, match=message):
            training.ask(command, **given).result(5)
    with pytest.raises(KeyError):
        training.ask("_end")
    after = newest(training)
    assert after["iteration"] == before["iteration"] == 1 and after["program"] == before["program"]


def test_what_diverges_pauses_and_says_so():
    one = Training(replace(RING, lr=1e30, optimizer="sgd"))
    one.start()
    try:
        one.ask("play").result(5)
        end = time.monotonic() + 5
        while newest(one)["playing"] and time.monotonic() < end:
            time.sleep(0.01)
        assert "not finite" in newest(one)["said"]
        json.loads(one.newest.picture.encoded)
    finally:
        one.stop()


def test_a_pace_is_kept(training):
    training.ask("pace", iterations_a_second=20).result(5)
    training.ask("play").result(5)
    time.sleep(0.5)
    training.ask("pause").result(5)
    assert 1 <= newest(training)["iteration"] <= 12


@pytest.mark.parametrize("config, kind", [("gaussian", "line"), ("digits", "images"), ("grid", "plane")])
def test_each_kind_of_data_has_its_picture(config, kind):
    one = Training(replace(preset(config), backend="numpy", batch_size=16))
    one.start()
    try:
        one.ask("step").result(20)
        at = newest(one)
        assert at["kind"] == kind and "failed" not in at and at["iteration"] == 1
        assert all(
            np.isfinite(at[name]).any()
            for name in {"line": ("d", "d_star", "p_g"), "images": ("pull", "belief")}.get(kind, ("d",))
        )
    finally:
        one.stop()


def test_a_wrong_beginning_is_refused(monkeypatch, tmp_path):
    with pytest.raises(ConfigError, match="lr -1"):
        Training(replace(RING, lr=-1.0))
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path))
    monkeypatch.setenv("MINIGAN_CACHE", str(tmp_path))
    monkeypatch.setattr(socket, "socket", None)
    for name in ("mnist", "cifar10"):
        with pytest.raises(ConfigError, match=f"no {name} here, and the page fetches nothing"):
            Training(preset(name))
    assert choices.presets() == ["ring", "grid", "gaussian", "digits"]


def test_the_coming_step_is_opened_beside_the_run_which_goes_on_as_without(training):
    with pytest.raises(ConfigError, match="no step has been opened"):
        training.ask("graph").result(5)
    training.ask("step").result(5)
    training.ask("open").result(5)
    graph = training.ask("graph").result(5)
    assert graph["iteration"] == 2 and len(graph["moves"]) == 3
    training.ask("step").result(5)
    name = next(name for node in graph["nodes"] for name in node["tensors"] if name.endswith("generator.0/dW"))
    opened = training.ask("tensor", name=name).result(5)
    assert opened["shape"] == [2, 16] and training.ask("entry", name=name, index=[0, 3]).result(5)["agrees"] in (
        True,
        None,
    )
    assert training.ask("graph").result(5)["iteration"] == 2
    assert np.array_equal(weights(training.session.gan), weights(plain_run(2)))
    training.ask("half", player="d").result(5)
    with pytest.raises(ConfigError, match="expected G's step"):
        training.ask("open").result(5)
