"""A traced iteration is the iteration itself, and tells what each move made in its order."""

import numpy as np
import pytest

from minigan import GAN, Dropout, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid
from minigan.comparing.apart import Apart, apart
from minigan.comparing.trace import Traced, first_apart
from minigan.data import dataset_of
from minigan.game.state import tensors
from minigan.loop.loop import source_of

X = np.random.default_rng(0).integers(0, 256, (64, 6), dtype=np.uint8)


def begun(**recipe) -> tuple[GAN, object]:
    G = Sequential(Linear(3, 5), ReLU(), Linear(5, 6), Sigmoid())
    D = Sequential(Dropout(0.8), Maxout(6, 4, 2), Dropout(0.5), Linear(4, 1))
    gan = GAN(G, D, Recipe(latent=3, batch_size=8, **recipe)).fit(X, iterations=3, verbose=False)
    return gan, source_of(gan, dataset_of("array", X))


def traced(gan: GAN, source) -> list[tuple[str, np.ndarray]]:
    game = Traced(gan.game)
    source.prepare(gan.iteration, game.k, game.ahead)
    game.iterate(source)
    return game.seen


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
@pytest.mark.parametrize("k", [1, 2])
def test_it_changes_no_bit(optimizer, updates, k):
    options = {"optimizer": optimizer, "updates": updates, "k": k, "average": 4}
    (one, source), (other, source_of_other) = begun(**options), begun(**options)
    one.step(source)
    seen = traced(other, source_of_other)
    assert not apart(tensors(one.game), tensors(other.game))
    names = [name for name, _ in seen]
    assert names.count("x") == k and names.count("z") == k + (updates == "alternating")
    assert names[0] == ("z" if (updates, k) == ("simultaneous", 1) else "x")
    assert set(tensors(one.game)) <= set(names)
    last = dict(seen)
    np.testing.assert_array_equal(last["generator.0.W"], one.game.generator.params["0.W"])
    np.testing.assert_array_equal(last["generator's layer 3 (Sigmoid)"], other.game.pair[8:])


def test_the_first_difference_comes_before_those_that_it_makes():
    (one, source), (other, source_of_other) = begun(), begun()
    other.game.discriminator.params["3.W"][2, 0] += 1
    found = first_apart(traced(one, source), traced(other, source_of_other))
    assert found.name == "discriminator's layer 3 (Linear)" and found.one.shape == (16, 1)
    assert first_apart(*[[("x", X)]] * 2) is None


def test_the_size_of_a_difference():
    one, other = np.array([[1, -4.0], [2, np.nan]], np.float32), np.array([[1, -3.0], [2, np.nan]], np.float32)
    (found,) = apart({"a": one, "b": one, "c": one}, {"a": other, "b": one.copy()})
    assert (found.name, found.entries, found.where, found.largest) == ("a", 1, (0, 1), 1.0)
    one, other = np.array([1.0, -4.0], np.float32), np.array([1.0, -3.0], np.float32)
    found = Apart("generator.0.W", one, other)
    assert found.relative == 0.25 and not found.is_rounding and found.is_weight
    assert found.by == "by 1.0e+00 (2.5e-01 of its largest entry)" and found.at == "generator.0.W[1]"
    near = Apart("generator.velocity.0.W", one, np.nextafter(one, np.float32(9)))
    assert near.entries == 2 and near.is_rounding and not near.is_weight
    shaped = Apart("x", one, np.zeros(3, np.float32))
    assert not shaped.is_rounding and shaped.by == "of shape (2,) and (3,)" and shaped.at == "x"
