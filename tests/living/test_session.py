"""Moves by hand give the bits of a run, and what was done can be done again by the command and the program shown."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rings import RING, weights
from snippets import printed, snippets

from minigan import ConfigError
from minigan.backends.numpy_ops import NumpyOps
from minigan.files import checkpoint
from minigan.living.repeat import command, program, why_no_command
from minigan.living.session import Session
from minigan.loop.loop import source_of
from minigan.options.config import Config
from minigan.run.start import Start
from minigan.train import main as train


@pytest.fixture
def session():
    made = []

    def of(config: Config = RING, bug: str | None = None) -> Session:
        made.append(Session(config, bug))
        return made[-1]

    yield of
    for one in made:
        one.close()


def test_moves_give_the_bits_of_a_plain_run(session):
    run, plain = session(), Start(RING).gan
    source = source_of(plain, Start(RING).data)
    run.play(3)
    run.half_step("d")
    run.half_step("g")
    run.half_step("d")
    run.play(2)
    for _ in range(6):
        plain.step(source)
    assert run.gan.iteration == plain.iteration == 6 and not run.half
    assert np.array_equal(weights(run.gan), weights(plain))


def test_half_a_step_moves_one_player(session):
    run = session()
    for player, moved in (("d", "discriminator"), ("g", "generator"), ("g", "generator"), ("d", "discriminator")):
        before = run.gan.snapshot().tensors()
        run.half_step(player)
        after = run.gan.snapshot().tensors()
        assert {name.partition(".")[0] for name in after if not np.array_equal(before[name], after[name])} == {moved}
    run.half_step("d")
    assert run.gan.iteration == 3 and run.half


@pytest.mark.parametrize("data", ["ring", "drawn"])
def test_the_command_shown_makes_the_same_checkpoint(data, session, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("drawn.npy", np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32))
    run = session(replace(RING, seed=5, data={"ring": "ring", "drawn": "drawn.npy"}[data]))
    run.change(lr=0.002)
    run.play(4)
    run.change(k=3, loss="saturating")
    run.play(3)
    run.change(updates="simultaneous", batch_size=16)
    run.play(2)
    shown = command(run)
    run.gan.save("mine.safetensors")
    run.change(k=1)
    assert command(run) == shown  # what no iteration was played by has not been done
    words = shlex.split(shown)
    assert words[:3] == ["python", "-m", "minigan.train"] and train(words[3:]) == 0
    assert (
        Path("again/checkpoints/iteration-00000009.safetensors").read_bytes() == Path("mine.safetensors").read_bytes()
    )


def test_the_program_shown_makes_the_same_weights_where_no_command_does(session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = session(bug="labels-swapped")
    run.play(2)
    run.plant(None)
    run.half_step("g")
    run.change(k=1)
    run.half_step("d")
    run.half_step("d")
    run.plant("sign-relu")
    run.play(1)
    assert command(run) is None and "bug" in why_no_command(run)
    run.gan.save("mine.safetensors")
    run.close()
    exec(program(run), {})
    mine, again = (checkpoint.read(Path(f"{name}.safetensors"))[0] for name in ("mine", "again"))
    assert mine.keys() == again.keys() and all(np.array_equal(mine[name], again[name]) for name in mine)
    healthy = session()
    healthy.play(4)
    assert not np.array_equal(weights(healthy.gan), np.concatenate([np.ravel(tensor) for tensor in mine.values()]))


def test_why_there_is_no_command(session):
    run = session()
    assert command(run) is None and why_no_command(run) is None  # nothing has been done
    run.half_step("d")
    assert "G has not" in why_no_command(run)
    run.half_step("g")
    assert why_no_command(run) is None and "--iterations 1 " in command(run)
    run.half_step("g")
    assert command(run) is None and "alone" in why_no_command(run)


def test_a_bug_goes_in_mid_run_and_out_with_the_session(session):
    right = vars(NumpyOps)["relu_backward"]
    run = session(replace(RING, backend="numba"))
    run.play(1)
    run.plant("sign-relu")
    assert run.gan.ops.name == "numpy" and vars(NumpyOps)["relu_backward"] is not right and run.bug == "sign-relu"
    run.play(1)
    run.change(k=1)
    run.play(1)
    run.close()
    assert vars(NumpyOps)["relu_backward"] is right and run.bug is None


def test_what_cannot_be_done_is_refused_and_leaves_no_trace(session):
    run = session()
    run.play(1)
    moves, before = [*run.moves], weights(run.gan)
    for refused, message in (
        (lambda: run.change(k=0), "k 0"),
        (lambda: run.change(seed=3), "keeps its seed"),
        (lambda: run.change(lr=float("nan")), "lr nan"),
        (lambda: run.plant("no-such-bug"), "no-such-bug"),
        (lambda: session(replace(RING, data="nowhere.npy"), "sign-relu"), "nowhere.npy"),
    ):
        with pytest.raises(ValueError, match=message):
            refused()
    run.change(updates="simultaneous")
    with pytest.raises(ConfigError, match="expected alternating"):
        run.half_step("d")
    assert run.moves[:-1] == moves and np.array_equal(weights(run.gan), before)


def test_the_program_on_the_page_about_it_prints_what_the_page_says():
    ((_, code, said),) = [snippet for snippet in snippets("docs/live.md") if snippet[0] == "python"]
    assert printed("python", code, {}) == said
