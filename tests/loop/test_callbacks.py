"""Callbacks: when they are called, what they may do, and what they cost a run that they fail in."""

import io
import struct
import sys
from dataclasses import replace

import numpy as np
import pytest

from minigan import (
    GAN,
    Callback,
    Checkpoint,
    ConfigError,
    Dataset,
    EarlyStopping,
    Linear,
    Mixture,
    Pictures,
    Progress,
    Recipe,
    Sequential,
    Sigmoid,
    TensorBoard,
)
from minigan.game.algorithm1 import Algorithm1
from minigan.loop.validation import Measure

X = np.random.default_rng(0).random((100, 4))
PICTURES = Dataset("small", X, validation=X[:20], image_shape=(2, 2))


def new_gan(**options) -> GAN:
    G, D = Sequential(Linear(2, 4), Sigmoid()), Sequential(Linear(4, 1))
    return GAN(G, D, Recipe(latent=2, batch_size=10, **options))


class Told(Callback):
    def __init__(self, every=None, measures=True, follows=False):
        self.every, self.measures, self.follows, self.calls = every, measures, follows, []

    def on_fit_begin(self, loop):
        self.calls.append("begin")

    def on_iteration_end(self, loop, line):
        self.calls.append((loop.gan.iteration, "value" in line))

    def on_fit_end(self, loop):
        self.calls.append("end")


class Epochs(Told):
    def on_epoch_end(self, loop, line):
        self.calls.append(("epoch", loop.gan.iteration, line["epoch"]))


def test_each_is_called_in_its_turn_and_after_the_last_iteration():
    seven, follower, none = Told(7), Told(measures=False, follows=True), Told(measures=False)
    new_gan().fit(X, iterations=20, callbacks=[seven, follower, none], verbose=False)
    assert seven.calls == ["begin", (7, True), (14, True), (20, True), "end"]
    assert follower.calls == seven.calls and none.calls == ["begin", (20, True), "end"]


def test_the_ends_of_epochs():
    epochs = Epochs()
    new_gan().fit(X, epochs=2, callbacks=[epochs], verbose=False)
    assert epochs.calls == ["begin", ("epoch", 10, 1.0), (20, True), ("epoch", 20, 2.0), "end"]


def test_only_turns_that_measure_read_from_the_device(monkeypatch):
    """A wait of the device in every iteration would cost a GPU its speed."""
    measured, measure = [], Algorithm1.measure
    monkeypatch.setattr(Algorithm1, "measure", lambda *seen: measured.append(1) or measure(*seen))
    each = Told(1, measures=False)
    new_gan().fit(X, iterations=250, callbacks=[each, Told(50)], verbose=False)
    assert len(each.calls) == 252 and len(measured) == 5 + 1, "each line, and the look at the weights in the end"


def test_one_may_stop_the_fit():
    class Enough(Callback):
        every = 5

        def on_iteration_end(self, loop, line):
            if loop.gan.iteration == 15:
                loop.stop()

    told = Told()
    assert new_gan().fit(X, iterations=100, callbacks=[Enough(), told]).iteration == 15 and told.calls[-1] == "end"


class Broken(Callback):
    every = 1

    def on_iteration_end(self, loop, line):
        raise RuntimeError("no such colour")

    on_epoch_end = on_iteration_end

    def on_fit_end(self, loop):
        raise RuntimeError("no such colour")


def test_one_that_fails_is_told_once_and_costs_no_checkpoint(tmp_path, capsys):
    new_gan().fit(X, iterations=25, callbacks=[Broken(), Checkpoint(tmp_path, every=10)])
    assert capsys.readouterr().err.count("broken failed, and the run goes on without: no such colour") == 1
    assert [path.name for path in sorted((tmp_path / "checkpoints").iterdir())] == [
        f"iteration-{i:08d}.safetensors" for i in (10, 20, 25)
    ]
    assert GAN.load(tmp_path).partial_fit(X, iterations=5).iteration == 30


def test_a_checkpoint_that_fails_ends_the_fit_and_the_others_are_told(tmp_path, monkeypatch):
    class Closed(Callback):
        error = None

        def on_exception(self, loop, error):
            self.error = error

    def refuse(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("minigan.files.checkpoint.replace_file", refuse)
    closed = Closed()
    with pytest.raises(OSError, match="No space left"):
        new_gan().fit(X, iterations=40, callbacks=[Checkpoint(tmp_path, every=10), closed])
    assert isinstance(closed.error, OSError)


def test_old_checkpoints_go_and_pictures_come(tmp_path):
    callbacks = [Checkpoint(tmp_path, every=10, keep_last=1), Pictures(tmp_path, every=20)]
    new_gan().fit(PICTURES, iterations=50, callbacks=callbacks)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["iteration-00000050.safetensors"]
    pictures = sorted((tmp_path / "samples").iterdir())
    assert [path.name for path in pictures] == [f"iteration-{i:08d}.png" for i in (20, 40, 50)]


def test_it_stops_where_validation_gets_no_better(tmp_path, monkeypatch):
    values = iter([0.1, 0.7, 0.4, 0.6, 0.5, 0.9])
    monkeypatch.setattr(Measure, "__call__", lambda self, sampler: next(values))
    stopping = EarlyStopping(every=10, patience=3, checkpoint=Checkpoint(tmp_path))
    gan = new_gan().fit(PICTURES, iterations=1000, callbacks=[stopping, stopping.checkpoint])
    assert gan.iteration == 50 and stopping.best == 0.7
    assert GAN.load(tmp_path / "checkpoints" / "best.safetensors").iteration == 20
    assert gan.history_["validation"] == [0.1, 0.7, 0.4, 0.6, 0.5] and gan.history_["iteration"][-1] == 50


def test_it_cannot_stop_without_validation_examples():
    with pytest.raises(ConfigError, match="array has no validation examples"):
        new_gan().fit(X, iterations=10, callbacks=[EarlyStopping(every=5)])


def test_a_bar_moves_seldom_where_iterations_are_short(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    progress, calls = Progress(), []
    move = Progress._move
    monkeypatch.setattr(Progress, "_move", lambda self, i: calls.append(i) or move(self, i))
    new_gan().fit(X, iterations=2000, callbacks=[progress])
    assert calls[0] == 1 and calls[-1] == 2000 and len(calls) < 200 and progress.bar.n == 2000


def events(folder) -> list:
    """What event files hold: of each record its length, a checksum, the event, a checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            found.append(Event.FromString(data[12 : 12 + length]))
            data = data[16 + length :]
    return found


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_tensorboard_shows_numbers_gradients_histograms_and_samples(tmp_path, optimizer):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    gan = new_gan(optimizer=optimizer, lr=0.01).fit(PICTURES, iterations=100, callbacks=[TensorBoard(tmp_path)])
    values = {value.tag: value for event in events(tmp_path) for value in event.summary.value}
    for name in ("value", "d_real", "diversity", "g_gradient"):
        assert values[name].simple_value == pytest.approx(gan.history_[name][-1], rel=1e-5)
    layers = [values[f"gradient/generator.{name}"].simple_value for name in ("0.W", "0.b")]
    assert np.hypot(*layers) == pytest.approx(gan.history_["g_gradient"][-1], rel=1e-4)
    for name, mean in (("D/data", "d_real"), ("D/samples", "d_fake")):
        assert values[name].histo.num == 10
        assert values[name].histo.sum / 10 == pytest.approx(gan.history_[mean][-1], rel=1e-4)
    assert values["samples"].image.width > 0


def test_tensorboard_that_is_not_there_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ConfigError, match=r'^TensorBoard: no tensorboardX here, expected pip install "minigan'):
        TensorBoard(tmp_path)


def test_a_mixture_is_drawn_and_measured(tmp_path):
    G, D = Sequential(Linear(2, 2)), Sequential(Linear(2, 1))
    gan = GAN(G, D, replace(Recipe(), latent=2, batch_size=10))
    stopping = EarlyStopping(every=10)
    gan.fit(Mixture.ring(), iterations=20, callbacks=[stopping, Pictures(tmp_path, every=20)])
    assert 0 <= stopping.best <= 1 and (tmp_path / "samples" / "iteration-00000020.png").is_file()
