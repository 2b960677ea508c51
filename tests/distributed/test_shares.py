"""Shares of rows, and what a rank computes of them, without MPI: sums over ranks are left out, or made by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from games import examples, networks

from minigan import ConfigError, Recipe
from minigan.backends.numpy_ops import NumpyOps
from minigan.data import Dataset, minibatches
from minigan.distributed.launched import launched
from minigan.distributed.ranks import NAMES, Ranks, check_alike, ranks_of
from minigan.game.of_recipe import game_of
from minigan.game.work import multiplications

RECIPE = Recipe(latent=6, batch_size=12, precision="float64")


class Alone(Ranks):
    """One of several ranks, which hears nothing of the others."""

    def __init__(self, rank: int, size: int):
        self.rank, self.size = rank, size


class Counting(NumpyOps):
    """Counts the pairs of numbers that its products multiply."""

    multiplied = 0

    def gemm(self, a, b, out, trans_a=False, trans_b=False, alpha=1.0, beta=0.0):
        self.multiplied += out.size * a.shape[0 if trans_a else 1]
        return super().gemm(a, b, out, trans_a, trans_b, alpha, beta)

    def affine(self, x, W, b, out):
        self.multiplied += out.size * len(W)
        return super().affine(x, W, b, out)


def iterated(ranks: Ranks, recipe: Recipe, ops: NumpyOps | None = None):
    """A game after its first iteration."""
    ops = ops or NumpyOps()
    game = game_of(ops, *networks(), recipe, 25, (), ranks)
    source = minibatches(ops, Dataset("noise", examples()), recipe.batch_size, recipe.seed, recipe.dtype)
    source.prepare(0, recipe.k)
    game.iterate(source)
    return game


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6, 12])
def test_shares_are_all_rows_once_and_in_the_order_of_ranks(size):
    rows = [Alone(rank, size).rows(12) for rank in range(size)]
    real, fake = ([row for own in rows for row in own[half]] for half in (slice(12 // size), slice(12 // size, None)))
    assert real == list(range(12)) and fake == list(range(12, 24))


@pytest.mark.parametrize("size", [5, 7, 24])
def test_ranks_that_cannot_share_a_minibatch_are_refused(size):
    with pytest.raises(ConfigError, match=f"batch_size 12: expected a multiple of {size}, the ranks that share it"):
        game_of(NumpyOps(), *networks(), RECIPE, 25, (), Alone(0, size))


@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
def test_ranks_draw_the_rows_that_one_draws(updates):
    recipe = Recipe(latent=6, batch_size=12, precision="float64", updates=updates, k=2)
    whole, parts = iterated(Ranks(), recipe), [iterated(Alone(rank, 3), recipe) for rank in range(3)]
    for name in ("x", "z"):
        drawn = np.concatenate([getattr(game, name) for game in parts])
        assert np.array_equal(drawn, getattr(whole, name)), name
    kept = [np.concatenate([game.tape_d.layers[0].kept[part] for game in parts]) for part in (slice(4), slice(4, 8))]
    mine = whole.tape_d.layers[0].kept
    assert np.array_equal(kept[0], mine[:12])
    assert updates == "alternating" or np.array_equal(kept[1], mine[12:])


@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("size", [2, 4])
def test_a_rank_multiplies_its_share_and_no_more(updates, k, size):
    recipe = Recipe(latent=6, batch_size=12, updates=updates, k=k)
    one, several = Counting(), Counting()
    iterated(Ranks(), recipe, one)
    iterated(Alone(0, size), recipe, several)
    assert one.multiplied == size * several.multiplied > 0
    assert multiplications(*networks(), recipe) == size * multiplications(*networks(), recipe, Alone(0, size))


def test_the_first_gradient_is_the_mean_of_the_ranks_gradients():
    """Both players' velocities after a joint step, in which nobody has moved yet."""
    recipe = Recipe(latent=6, batch_size=12, precision="float64", updates="simultaneous")
    whole, parts = iterated(Ranks(), recipe), [iterated(Alone(rank, 4), recipe) for rank in range(4)]
    for player in ("generator", "discriminator"):
        found = np.mean([getattr(game, player).optimiser.grads.target.flat for game in parts], axis=0)
        expected = getattr(whole, player).optimiser.grads.target.flat
        assert np.abs(found - expected).max() < 1e-15 < np.abs(expected).max()


def test_a_fact_that_differs_is_named_with_its_rank():
    class Two(Ranks):
        size = 2

        def each(self, thing):
            return [thing, thing | {"backend": "numba"}]

    with pytest.raises(ConfigError, match="rank 1: backend numba, where rank 0 has numpy: expected the same"):
        check_alike(Two(), lambda: {"data": 1, "backend": "numpy"})


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({}, (0, 1)),
        ({"PMI_RANK": "1", "PMI_SIZE": "2"}, (1, 2)),
        ({"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"}, (3, 4)),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "8"}, (5, 8)),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, (0, 1)),  # a batch script is no step
    ],
)
def test_what_a_launcher_says(monkeypatch, environment, expected):
    for name in ("PMI_RANK", "PMI_SIZE", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert launched() == expected


def test_another_name_is_refused():
    with pytest.raises(ConfigError, match=f"distributed mpx: expected one of {', '.join(NAMES)}; did you mean mpi"):
        ranks_of("mpx")
