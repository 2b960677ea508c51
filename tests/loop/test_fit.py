"""fit, partial_fit and the history, as a user of scikit-learn expects them."""

import os
import signal
import threading
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest

from minigan import GAN, ConfigError, Dropout, History, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid, draw_history
from minigan.errors import BeginsAnew
from minigan.game.state import tensors
from minigan.loop.callback import Callback

X = np.random.default_rng(0).random((200, 6))
RECIPE = Recipe(latent=3, batch_size=20)
OPTIONS = {
    "momentum": {},
    "adam": {"optimizer": "adam", "lr": 0.002},
    "k": {"k": 3},
    "rates": {"lr_g": 0.05, "lr_d": 0.2},
}


def new_gan(**options) -> GAN:
    G = Sequential(Linear(3, 8), ReLU(), Linear(8, 6), Sigmoid())
    D = Sequential(Dropout(0.8), Maxout(6, 8, 3), Linear(8, 1))
    return GAN(G, D, replace(RECIPE, **options))


def weights(gan: GAN) -> dict[str, np.ndarray]:
    return {name: np.array(view) for name, view in tensors(gan.game).items()}


def same(one: GAN, other: GAN) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all((a[name] == b[name]).all() for name in a)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_fit_in_parts_is_a_fit_in_one(tmp_path, options):
    whole = new_gan(**options).fit(X, iterations=60)
    parts = new_gan(**options).partial_fit(X, iterations=25)
    parts.save(tmp_path / "parts.safetensors")
    parts = GAN.load(tmp_path / "parts.safetensors").partial_fit(X, iterations=30).partial_fit(X, iterations=5)
    assert parts.iteration == 60 and same(whole, parts)


def test_how_long():
    gan = new_gan().fit(X)
    assert gan.iteration == 10 * 10
    assert gan.partial_fit(X).iteration == 110 and gan.partial_fit(X, epochs=2).iteration == 130
    assert new_gan().fit(X, np.zeros(200), epochs=3).iteration == 30, "y is there and not used"


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_a_number_where_y_is_expected_is_refused_in_one_line(call):
    with pytest.raises(ConfigError, match="^y is 50, expected none; a number of epochs is given as epochs=50$"):
        getattr(new_gan(), call)(X, 50)


def test_a_fit_that_forgets_says_so(tmp_path):
    gan = new_gan().fit(X, iterations=5)
    with pytest.warns(BeginsAnew, match="^fit begins anew: the 5 iterations .* are forgotten; partial_fit goes on$"):
        gan.fit(X, iterations=5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new_gan().fit(X, iterations=5).partial_fit(X, iterations=5)
    assert same(gan, new_gan().fit(X, iterations=5))


def test_other_data_are_refused_where_a_fit_goes_on():
    gan = new_gan().fit(X, iterations=5)
    with pytest.raises(ConfigError, match="^array: other data than this GAN was trained on"):
        gan.partial_fit(X[::-1], iterations=5)
    assert gan.partial_fit(X.copy(), iterations=5).iteration == 10


def test_the_history_has_what_metrics_have():
    gan = new_gan().fit(X, iterations=230)
    assert gan.history_["iteration"] == [100, 200, 230]
    assert {len(numbers) for numbers in gan.history_.values()} == {3}
    expected = {"epoch", "value", "d_loss", "g_loss", "d_real", "d_fake", "d_gradient", "g_gradient", "diversity", "lr"}
    assert expected <= gan.history_.keys()
    assert gan.partial_fit(X, iterations=70).history_["iteration"] == [100, 200, 230, 300]
    often = History(every=10)
    assert gan.partial_fit(X, iterations=20, callbacks=[often]).history_ is often.lines
    assert often.lines["iteration"] == [310, 320]


def test_the_history_is_drawn(tmp_path):
    gan = new_gan().fit(X, iterations=20, callbacks=[History(every=5)])
    figure = draw_history(gan.history_, tmp_path / "curves.png")
    line = figure.axes[0].lines[0]
    np.testing.assert_array_equal(line.get_ydata(), gan.history_["value"])
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(ConfigError, match="the history is empty"):
        draw_history(new_gan().fit(X, iterations=0).history_)


def test_it_says_how_far_it_is_unless_asked_not_to(capfd):
    new_gan().fit(X, iterations=230)
    out, error = capfd.readouterr()
    assert out == "" and "array, 200 examples: 230 iterations of 20 on numpy" in error.splitlines()[0]
    assert "iteration 230 of 230  V -" in error.splitlines()[-1]
    new_gan().fit(X, iterations=230, verbose=False)
    assert capfd.readouterr() == ("", "")


class Interrupting(Callback):
    """Sends Ctrl-C from another thread once it has begun, in the midst of some iteration."""

    def on_fit_begin(self, loop):
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()


@pytest.fixture
def heeding():
    """Ctrl-C is heeded, as in a terminal: what a shell begins in the background may ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_leaves_a_gan_that_goes_on(heeding):
    gan = new_gan()
    before, begin = signal.getsignal(signal.SIGINT), time.perf_counter()
    with pytest.raises(KeyboardInterrupt, match=r"after iteration \d+, from where partial_fit goes on"):
        gan.fit(X, iterations=10**7, callbacks=[Interrupting()])
    assert time.perf_counter() - begin < 30 and signal.getsignal(signal.SIGINT) is before
    done = gan.iteration
    assert 0 < done < 10**7
    assert same(gan.partial_fit(X, iterations=7), new_gan().fit(X, iterations=done + 7))


CHANGES = {
    "k up": {"k": 3},
    "k down": {"k": 1},
    "rates": {"lr": 0.05, "lr_d": 0.02},
    "batch_size": {"batch_size": 10},
    "optimizer": {"optimizer": "adam", "lr": 0.002},
    "average": {"average": 10},
    "updates": {"updates": "simultaneous", "loss": "saturating"},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_another_recipe_begins_a_phase_that_is_kept_and_goes_on(tmp_path, changes):
    gans = [new_gan(k=2).fit(X, iterations=20) for _ in range(2)]
    for gan in gans:
        gan.recipe = replace(gan.recipe, **changes)
        assert [(phase.iteration, phase.changed.keys()) for phase in gan.phases] == [(20, changes.keys())]
    whole, parts = gans
    whole.partial_fit(X, iterations=30)
    parts.partial_fit(X, iterations=11).save(tmp_path / "parts.safetensors")
    parts = GAN.load(tmp_path / "parts.safetensors")
    assert parts.phases == whole.phases and parts.recipe == whole.recipe
    assert same(whole, parts.partial_fit(X, iterations=19))
    assert not same(whole, new_gan(k=2).fit(X, iterations=50))


def test_a_recipe_that_is_taken_back_begins_no_phase():
    gan = new_gan().fit(X, iterations=20)
    for recipe in (replace(RECIPE, k=2), RECIPE):
        gan.recipe = recipe
    assert gan.phases == () and same(gan.partial_fit(X, iterations=10), new_gan().fit(X, iterations=30))


@pytest.mark.parametrize("changes", [{"seed": 3}, {"precision": "float64"}, {"latent": 4}, {"k": 0}], ids=str)
def test_what_a_run_keeps_is_refused_and_nothing_changes(changes):
    gan = new_gan().fit(X, iterations=20)
    (name,) = changes
    with pytest.raises(ConfigError, match=f"{name}|z has 4") as refused:
        gan.recipe = replace(RECIPE, **changes)
    assert "\n" not in str(refused.value) and gan.recipe == RECIPE
    assert same(gan.partial_fit(X, iterations=10), new_gan().fit(X, iterations=30))


def test_adam_corrects_its_moments_from_where_it_began():
    """The first step of Adam moves every weight by lr, wherever it begins."""
    gan = new_gan(k=2).fit(X, iterations=200)
    gan.recipe = replace(gan.recipe, optimizer="adam", lr=1e-3, momentum=0.0)
    before = weights(gan)
    gan.partial_fit(X, iterations=1)
    moved = np.abs(weights(gan)["generator.2.W"] - before["generator.2.W"])
    assert moved.max() == pytest.approx(1e-3, rel=1e-2)


def test_rates_of_their_own():
    both = new_gan(lr=0.1).fit(X, iterations=9)
    assert same(both, new_gan(lr=5.0, lr_g=0.1, lr_d=0.1).fit(X, iterations=9))
    one = new_gan(lr=0.1, lr_d=0.02).fit(X, iterations=1)
    assert one.history_["lr"] == [0.1] and one.history_["lr_d"] == [0.02]
    start = new_gan().fit(X, iterations=0)
    once = new_gan(lr=0.1).fit(X, iterations=1)
    name = "discriminator.2.W"
    steps = [weights(gan)[name] - weights(start)[name] for gan in (one, once)]
    np.testing.assert_allclose(5 * steps[0], steps[1], rtol=1e-3, atol=1e-7)
