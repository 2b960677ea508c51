"""Each experiment on the paper's theory, on a budget that takes seconds."""

import json
from dataclasses import asdict
from functools import partial
from math import log

import numpy as np
import pytest

from minigan.data import Mixture
from minigan.experiments import (
    figure1,
    misspecified,
    proposition1,
    proposition2,
    saturation,
    strong_discriminator,
    theorem1,
    theory,
)
from minigan.experiments.digits_game import LATENT, digits_game, few_digits
from minigan.experiments.generator_gradient import gradient, pull
from minigan.experiments.lone_discriminator import LoneDiscriminator
from minigan.game.losses import NON_SATURATING, SATURATING, probability
from minigan.layers import Linear, ReLU, Sequential
from minigan.layers.initialisers import Normal
from minigan.options.recipe import Recipe

EXPERIMENTS = (figure1, proposition1, theorem1, proposition2, strong_discriminator, saturation, misspecified)


def checked(finding, out):
    """A finding that the report can show: plain JSON, finite numbers, pictures that are there, a table with a head."""
    text = json.dumps({**asdict(finding), "pictures": [str(p) for p in finding.pictures]}, allow_nan=False)
    assert type(finding.holds) is bool and finding.ours and finding.paper and text
    assert all(picture.parent == out and picture.stat().st_size > 1000 for picture in finding.pictures)
    assert len({len(row) for row in finding.table}) == 1
    return finding


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda module: module.__name__.split(".")[-1])
def test_an_experiment_says_what_it_is_and_how_long_it_takes(experiment):
    quick, full = experiment.SECONDS
    assert experiment.TITLE and quick <= 25 and quick <= full


# ---- Proposition 1 and theorem 1 --------------------------------------------------------------------------------


def test_every_case_of_proposition_1_is_a_pair_of_densities():
    """Both integrate to 1 on the grid, and samples of p_g have the mean that its density says."""
    for case in proposition1.cases():
        x, v = case.grid.points, case.grid.volume
        for p in (case.p_data.density(x), case.p_g):
            assert v * p.sum() == pytest.approx(1, abs=2e-3)
        samples = case.source.sample(20_000, 1)
        assert samples.mean(axis=0) == pytest.approx(v * case.p_g @ x, abs=0.05)


def test_a_lone_discriminator_learns_the_optimal_one():
    line = theory.Grid(-4, 5, 300)
    p_data, p_g = Mixture("p_data", np.array([[0.0]]), 1.0), Mixture("p_g", np.array([[1.0]]), 0.8)
    case = proposition1.Case("two gaussians", p_data, p_g, p_g.density(line.points), line)
    network = Sequential(Linear(1, 16, Normal(0.5)), ReLU(), Linear(16, 1, Normal(0.3)))
    result = proposition1.measured(case, LoneDiscriminator(network, 0, 400, 256).train(p_data, p_g))
    assert result.mean < 0.03 and result.sup < 0.2
    assert result.value <= result.criterion + 1e-9


def test_a_lone_discriminator_meets_no_point_twice_and_follows_from_its_seed():
    network = Sequential(Linear(1, 1))
    source = Mixture("p", np.array([[0.0]]), 1.0)
    first, again, other = (
        np.stack(list(LoneDiscriminator(network, seed, 60, 8)._pairs(source, source))) for seed in (1, 1, 2)
    )
    assert (first == again).all() and not (first == other).any()
    assert len(np.unique(first)) == first.size == 60 * 16


def test_the_monotone_generator_is_monotone():
    z, _ = theory.latent_cells("normal", 500)
    assert (np.diff(proposition1.monotone_generator(5).generate(z[:, None])[:, 0]) > 0).all()


def test_theorem_1_is_an_identity_at_the_optimum_for_every_distance():
    x, v = theorem1.GRID.points, theorem1.GRID.volume
    p_data = theorem1.P_DATA.density(x)
    for shift in theorem1.SHIFTS:
        p_g = theorem1.shifted(shift).density(x)
        value = theory.value(theory.optimal_logits(p_data, p_g), p_data, p_g, v)
        assert value == pytest.approx(theory.criterion(p_data, p_g, v), abs=1e-10)


# ---- Proposition 2 ----------------------------------------------------------------------------------------------


def test_proposition_2_in_quick_form(tmp_path):
    assert checked(proposition2.run(tmp_path, 0, True, lambda line: None), tmp_path).holds


def test_a_mirror_step_of_1_is_the_mean_of_both_densities():
    p_data, p_g = proposition2.densities(3)
    assert np.allclose(proposition2.mirror_step(p_data, p_g, 1.0), (p_data + p_g) / 2, rtol=1e-12)


@pytest.mark.parametrize("eta", [0.1, 1.0, 3.9])
def test_small_mirror_steps_converge(eta):
    p_data, p_g = proposition2.densities(1)
    near = p_data * (1 + 0.01 * np.sign(p_g - p_data))
    path = proposition2.descend(p_data, near / near.sum(), partial(proposition2.mirror_step, eta=eta), 300)
    distances = np.abs(path - p_data).sum(axis=1)
    assert distances[1] / distances[0] == pytest.approx(abs(1 - eta / 2), abs=0.02)
    assert distances[-1] < distances[0] / 1000


def test_a_logit_step_goes_down_the_gradient():
    """dC/dtheta against central differences, through p_g = e^theta / Z."""
    p_data, p_g = proposition2.densities(2)
    step = np.log(proposition2.logit_step(p_data, p_g, 1.0) / p_g)
    h = 1e-4
    for i in range(0, 100, 7):
        moved = [p_g * np.exp(sign * h * (np.arange(100) == i)) for sign in (1, -1)]
        up, down = (theory.criterion(p_data, q / q.sum()) for q in moved)
        # dC/dtheta sums to 0, and the step's own Z shifts every logit alike.
        assert -(up - down) / (2 * h) == pytest.approx(step[i] - step.mean(), abs=1e-8)


# ---- Training ---------------------------------------------------------------------------------------------------


def test_figure_1_on_a_few_iterations(tmp_path, monkeypatch):
    monkeypatch.setattr(figure1, "FRAMES", 4)
    monkeypatch.setattr(figure1, "FIRST_LOOP", 20)
    moments = list(figure1.played(figure1.game(0, m=32, iterations=6), iterations=6))
    assert [m.name for m in moments][-1] == "iteration 6"
    for now in moments:
        assert figure1.GRID.volume * now.p_g.sum() == pytest.approx(1, abs=1e-6)
        assert 0 <= now.numbers["jsd"] <= log(2)
    assert {m.p_g.tobytes() for m in moments[:3]} == {moments[0].p_g.tobytes()}  # G stands still at first
    for picture in (figure1._panels(tmp_path / "a.png", moments[-4:]), figure1._animation(tmp_path / "a.gif", moments)):
        assert picture.stat().st_size > 1000


def test_the_best_gaussian_is_a_minimum_of_the_divergence():
    b, a = misspecified.best_gaussian()
    least = misspecified.divergence(b, a)
    assert all(misspecified.divergence(b + i, a + j) >= least for i in (-0.02, 0, 0.02) for j in (-0.02, 0, 0.02))


def test_the_misspecified_game_moves_towards_the_best_gaussian():
    path = misspecified.played("saturating", seed=0, iterations=150)
    assert misspecified.divergence(*path[-1]) < misspecified.divergence(*path[0]) - 0.05


def test_a_descent_that_ends_in_nan_does_not_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(proposition2, "mirror_step", lambda p_data, p_g, eta: np.full_like(p_g, np.nan))
    monkeypatch.setattr(proposition2, "_picture", lambda *arguments: tmp_path / "none.png")
    assert not proposition2.run(tmp_path, 0, True, lambda line: None).holds


def test_saturation_in_quick_form(tmp_path):
    assert checked(saturation.run(tmp_path, 0, True, lambda line: None), tmp_path).holds


@pytest.mark.parametrize("loss", [NON_SATURATING, SATURATING], ids=["non-saturating", "saturating"])
def test_the_gradient_that_pulls_at_the_generator(loss):
    """Against central differences, at its largest entries and at some others; nothing has moved."""
    data = few_digits(100)
    gan = digits_game(data, Recipe(precision="float64", latent=LATENT, batch_size=20), keep=(1, 1))
    gan.begin(5, {})
    for player in (gan.game.generator, gan.game.discriminator):
        player.params.flat *= 3
    z, theta = gan.sampler().draw_z(20, 0), gan.game.generator.params.flat
    start, analytic, h = theta.copy(), gradient(gan, z, loss).flat, 1e-6

    def loss_at(i, step):
        theta[i] = start[i] + step
        d = gan.discriminate(gan.sampler().generate(z))
        theta[i] = start[i]
        return loss.g_loss(np.log(d) - np.log1p(-d))

    for i in [*np.argsort(-np.abs(analytic))[:10], *range(0, len(theta), 501)]:
        assert (loss_at(i, h) - loss_at(i, -h)) / (2 * h) == pytest.approx(analytic[i], abs=1e-8)
    lengths = {"saturating": pull(gan, z).saturating, "non-saturating": pull(gan, z).non_saturating}
    assert np.linalg.norm(analytic) in lengths.values() and (theta == start).all()


def test_a_strong_discriminator_learns_its_images_by_heart(monkeypatch):
    monkeypatch.setattr(strong_discriminator, "HALF_TRAINED", 300)
    states = strong_discriminator.completed(few_digits(300), seed=0, steps=200)
    assert states[200].on_training > states[200].on_held_out
    assert states[200].pull.saturating < states[200].pull.non_saturating


def test_a_restarted_discriminator_is_the_first_one():
    gan, source = strong_discriminator.begun(few_digits(300), seed=4)
    first = gan.game.discriminator.params.flat.copy()
    for _ in range(3):
        gan.step(source)
    assert (gan.game.discriminator.params.flat != first).any()
    strong_discriminator.restart(gan)
    assert (gan.game.discriminator.params.flat == first).all()
    assert not gan.game.discriminator.optimiser.state["velocity"].flat.any()


def test_a_game_is_measured_and_drawn(tmp_path):
    data = few_digits(300)
    games = [strong_discriminator.played(data, 0, 2, 3, restarted) for restarted in (False, True)]
    assert all(game.d_steps == 6 and np.isfinite(game.likelihood) for game in games)
    picture = strong_discriminator._picture(tmp_path / "a.png", {0: games[0].state, 1: games[1].state}, games)
    assert picture.stat().st_size > 1000


def test_probability_of_optimal_logits_is_the_ratio_of_the_paper():
    p, q = np.array([0.2, 0.5]), np.array([0.6, 0.5])
    assert probability(theory.optimal_logits(p, q)).tolist() == pytest.approx([0.25, 0.5])
