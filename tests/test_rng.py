"""Random numbers: Philox4x32-10 against its authors' vectors, and the rules that say which number is whose."""

import math
from fractions import Fraction

import numpy as np
import pytest

from minigan import rng
from minigan.checks.known_answers import RANDOM123
from minigan.rng import Draw, Stream

pytestmark = pytest.mark.rounding

MASK = 0xFFFFFFFF


def philox_in_integers(counter, key):
    """Philox4x32-10 in Python's own integers, after section 5.3 of the paper."""
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for i in range(10):
        if i:
            k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
        high0, low0 = divmod(0xD2511F53 * x0, 2**32)
        high1, low1 = divmod(0xCD9E8D57 * x2, 2**32)
        x0, x1, x2, x3 = high1 ^ x1 ^ k0, low1, high0 ^ x3 ^ k1, low0
    return x0, x1, x2, x3


def word_of(seed, iteration, substep, stream, row, column, width):
    """Entry (row, column) of a draw by the rule: word c mod 4 of block  r ceil(width / 4) + c div 4."""
    block = row * math.ceil(width / 4) + column // 4
    key = (seed % 2**32, seed // 2**32)
    return philox_in_integers((block % 2**32, iteration, substep, stream), key)[column % 4]


def rows(*numbers):
    return np.array(numbers, dtype=np.uint32)


@pytest.mark.parametrize("counter, key, expected", RANDOM123, ids=["zeros", "ones", "pi"])
def test_philox_gives_the_known_answers_of_random123(counter, key, expected):
    assert tuple(int(word) for word in rng.philox(list(counter), key)) == expected
    assert philox_in_integers(counter, key) == expected


def test_philox_broadcasts_arrays_of_counters():
    blocks = np.array([[0, 1], [2, MASK]], dtype=np.uint64)  # (2, 2)
    got = np.stack(rng.philox([blocks, 7, 1, 9], (3, 5)), axis=-1)  # (2, 2, 4)
    expected = [[philox_in_integers((int(b), 7, 1, 9), (3, 5)) for b in line] for line in blocks]
    assert got.tolist() == np.array(expected).tolist()


@pytest.mark.parametrize("width", [1, 3, 4, 5, 8, 11])
def test_words_follow_the_rule_of_rows_and_columns(width):
    draw = Draw(0x0123456789ABCDEF, 12345, 2, Stream.DROPOUT_DISCRIMINATOR + 3, rows(0, 1, 6, 400_000_000))
    got = rng.words(draw, width)
    expected = [
        [word_of(draw.seed, 12345, 2, 2051, int(row), c, width) for c in range(width)] for row in draw.rows
    ]  # (4, width)
    assert got.dtype == np.uint32 and got.shape == (4, width)
    assert got.tolist() == expected


def test_a_block_beyond_32_bits_wraps_round():
    row, width = 0xFFFFFFFF, 11  # three blocks a row: 3 (2^32 - 1) + c div 4
    got = rng.words(Draw(1, 0, 0, 0, rows(row)), width)[0]
    assert got.tolist() == [word_of(1, 0, 0, 0, row, c, width) for c in range(width)]


def test_the_iteration_may_be_a_clocks_array():
    numbers = rows(0, 1, 2)
    a = rng.words(Draw(5, np.array(77, dtype=np.uint64), 0, 0, numbers), 6)
    b = rng.words(Draw(5, 77, 0, 0, numbers), 6)
    assert (a == b).all()


def test_a_part_of_a_batch_draws_what_it_would_in_the_whole():
    whole = Draw(3, 14, 1, Stream.LATENT, np.arange(10, dtype=np.uint32))
    all_words = rng.words(whole, 7)  # (10, 7)
    assert (rng.words(whole[5:], 7) == all_words[5:]).all()
    assert (rng.words(whole[:5], 7) == all_words[:5]).all()
    assert (rng.words(whole[1::3], 7) == all_words[1::3]).all()


@pytest.mark.parametrize(
    "other",
    [
        Draw(4, 14, 1, 0, rows(0, 1)),
        Draw(3, 15, 1, 0, rows(0, 1)),
        Draw(3, 14, 2, 0, rows(0, 1)),
        Draw(3, 14, 1, 1, rows(0, 1)),
        Draw(3, 14, 1, 0, rows(0, 1)).layer(2),
    ],
    ids=["seed", "iteration", "substep", "stream", "layer"],
)
def test_every_coordinate_of_a_place_changes_the_words(other):
    here = rng.words(Draw(3, 14, 1, 0, rows(0, 1)), 64)
    assert (here == rng.words(other, 64)).mean() < 0.05


def test_a_layer_draws_from_its_networks_stream_plus_its_index():
    assert Draw(0, 0, 0, Stream.DROPOUT_DISCRIMINATOR, None).layer(4).stream == Stream.DROPOUT_DISCRIMINATOR + 4
    assert Draw(0, 0, 0, Stream.DROPOUT_DISCRIMINATOR + 3, None).layer(1).stream == Stream.DROPOUT_DISCRIMINATOR + 4


def test_streams_are_apart_and_have_the_numbers_that_earlier_runs_were_drawn_with():
    numbers = {name: number for name, number in vars(Stream).items() if name.isupper()}
    assert numbers == {
        "LATENT": 0,
        "MINIBATCH": 1,
        "MIXTURE_MODE": 2,
        "MIXTURE_NOISE": 3,
        "SAMPLE": 4,
        "COMPARISON": 5,
        "LABEL": 6,
        "INFERENCE": 7,
        "INITIAL_WEIGHTS": 64,
        "DROPOUT_GENERATOR": 1024,
        "DROPOUT_DISCRIMINATOR": 2048,
    }


def test_a_64_bit_seed_uses_both_words():
    assert rng.key_of(0x0123456789ABCDEF) == (0x89ABCDEF, 0x01234567)
    draws = [rng.words(Draw(seed, 0, 0, 0, rows(0)), 4)[0].tolist() for seed in (1, 1 + 2**32, 2**32, 2**64 - 1)]
    keys = [(1, 0), (1, 1), (0, 1), (MASK, MASK)]
    assert draws == [list(philox_in_integers((0, 0, 0, 0), key)) for key in keys]
    assert len({tuple(draw) for draw in draws}) == 4


def test_unit_uniform_is_exact_in_float32_and_float64():
    word = np.concatenate([rng.words(Draw(0, 0, 0, 0, np.arange(64, dtype=np.uint32)), 16).ravel(), rows(0, 255, MASK)])
    single, double = rng.unit_uniform(word, np.float32), rng.unit_uniform(word, np.float64)
    exact = [Fraction(int(w) // 256, 2**24) for w in word]
    assert single.dtype == np.float32 and double.dtype == np.float64
    assert [Fraction(float(u)) for u in single] == exact == [Fraction(float(u)) for u in double]
    assert double.min() == 0 and double.max() == 1 - 2.0**-24


def test_unit_uniform_has_the_moments_of_the_uniform():
    u = rng.unit_uniform(rng.words(Draw(2, 0, 0, 0, np.arange(1000, dtype=np.uint32)), 100))  # (1000, 100)
    n = u.size
    for power in (1, 2, 3):
        deviation = math.sqrt((1 / (2 * power + 1) - 1 / (power + 1) ** 2) / n)
        assert abs(np.mean(u**power) - 1 / (power + 1)) < 4.5 * deviation
    assert abs(np.corrcoef(u[:, 0:-1].ravel(), u[:, 1:].ravel())[0, 1]) < 4.5 / math.sqrt(n)


@pytest.mark.parametrize("keep", [0.5, 0.8, 0.1, 1 / 3, 2.0**-32, 1 - 2.0**-53])
def test_keep_threshold_is_the_floor_and_fits_a_word(keep):
    assert rng.keep_threshold(keep) == math.floor(Fraction(keep) * 2**32)
    assert 0 < rng.keep_threshold(keep) <= MASK


@pytest.mark.parametrize("keep", [0.5, 0.8, 0.05])
def test_units_are_kept_at_the_asked_rate(keep):
    word = rng.words(Draw(9, 1, 0, Stream.DROPOUT_DISCRIMINATOR, np.arange(500, dtype=np.uint32)), 200)  # (500, 200)
    rate = np.mean(word < rng.keep_threshold(keep))
    assert abs(rate - keep) < 4.5 * math.sqrt(keep * (1 - keep) / word.size)


def test_standard_normal_is_box_and_mullers():
    word = rng.words(Draw(1, 2, 3, 4, np.arange(5, dtype=np.uint32)), 6)  # (5, 6)
    word[0, 0] = 0  # u1 at its least: 2^-24
    word[1, 2] = MASK  # u1 = 1: radius 0
    got = rng.standard_normal(word)
    expected = np.empty((5, 6))
    for i in range(5):
        for j in range(0, 6, 2):
            u1 = (int(word[i, j]) // 256 + 1) / 2**24
            u2 = (int(word[i, j + 1]) // 256) / 2**24
            radius = math.sqrt(-2 * math.log(u1))
            expected[i, j] = radius * math.cos(2 * math.pi * u2)
            expected[i, j + 1] = radius * math.sin(2 * math.pi * u2)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-14)
    assert (got[1, 2:4] == 0).all() and np.isfinite(got).all()


def test_standard_normal_has_the_moments_of_the_normal():
    word = rng.words(Draw(8, 0, 0, 0, np.arange(1000, dtype=np.uint32)), 100)
    x = rng.standard_normal(word)  # (1000, 100)
    n = x.size
    assert abs(x.mean()) < 4.5 / math.sqrt(n)
    assert abs(np.mean(x**2) - 1) < 4.5 * math.sqrt(2 / n)
    assert abs(np.mean(x**3)) < 4.5 * math.sqrt(15 / n)
    assert abs(np.mean(x**4) - 3) < 4.5 * math.sqrt(96 / n)
    assert abs(np.corrcoef(x[:, 0::2].ravel(), x[:, 1::2].ravel())[0, 1]) < 4.5 / math.sqrt(n / 2)
    assert abs(np.mean(np.abs(x) < 1) - 0.6826894921) < 4.5 * math.sqrt(0.68 * 0.32 / n)


def test_a_permutation_has_every_example_once():
    for n in (1, 2, 97, 1000):
        order = rng.permutation(0, 0, n)
        assert order.dtype == np.int32
        assert sorted(order.tolist()) == list(range(n))


def test_a_permutation_is_the_argsort_of_one_64_bit_draw_an_example():
    seed, epoch, n = 2**40 + 7, 3, 50
    draws = []
    for i in range(n):
        low, high = (word_of(seed, epoch, 0, Stream.MINIBATCH, i, c, 2) for c in (0, 1))
        draws.append(high * 2**32 + low)
    assert rng.permutation(seed, epoch, n).tolist() == sorted(range(n), key=draws.__getitem__)


def test_permutations_differ_by_epoch_and_by_seed():
    here = rng.permutation(1, 5, 500).tolist()
    assert here == rng.permutation(1, 5, 500).tolist()
    assert here != rng.permutation(1, 6, 500).tolist()
    assert here != rng.permutation(2, 5, 500).tolist()
    assert here != rng.permutation(1 + 2**32, 5, 500).tolist()


def test_a_permutation_leaves_equal_draws_in_order(monkeypatch):
    tied = np.array([[3, 1], [2, 1], [3, 1], [2, 1], [3, 0]] * 20, dtype=np.uint32)  # (100, 2), long enough to matter
    monkeypatch.setattr(rng, "words", lambda draw, width: tied)
    order = rng.permutation(0, 0, 100).tolist()
    least, middle, greatest = list(range(4, 100, 5)), [], []
    for i in range(0, 100, 5):
        middle += [i + 1, i + 3]
        greatest += [i, i + 2]
    assert order == least + middle + greatest


@pytest.mark.parametrize("n", [0, -1, 2**31])
def test_a_permutation_of_no_or_too_many_examples_is_an_error(n):
    with pytest.raises(ValueError, match="permutation"):
        rng.permutation(0, 0, n)
