"""`minigan.evaluate` and `minigan.figure` as their users call them."""

import json

import numpy as np
import pytest

from minigan import backends, figure
from minigan.data import load
from minigan.evaluate import main
from minigan.generator import figures
from minigan.generator.sampler import Sampler
from minigan.metrics import parzen


@pytest.fixture
def arrays(tmp_path):
    """A file of images of the digits' size, without test images, and one of another size."""
    images = (np.arange(20 * 64) % 256).astype(np.uint8).reshape(20, 8, 8)
    np.savez(tmp_path / "untested.npz", train=images)
    np.savez(tmp_path / "other.npz", train=images[:, :4], test=images[:, :4])
    return tmp_path


def test_the_parzen_table_is_the_protocol_and_json_has_it_all(digits_run, said, tmp_path):
    out = tmp_path / "table.json"
    how = ("--n", 200, "--draws", 3, "--seed", 5, "--backend", "numpy")
    code, text, error = said(main, "--run", digits_run, *how, "--json", out)
    assert code == 0, error
    result = json.loads(out.read_text())
    names = [row["name"] for row in result["rows"]]
    assert names == ["200 minigan", "200 training images", "200 k-means centres", "200 marginal noise"]
    data = load("digits")
    test = data.test / 255
    samples = [Sampler.load(digits_run).sample(200, seed) for seed in (5, 6, 7)]
    expected = [parzen.estimate(backends.get("numpy"), test[99:], test[:99], x) for x in samples]
    ours, training_images, centres, noise = result["rows"]
    means = [estimate.mean for estimate in expected]
    assert ours["draws"] == pytest.approx(means) and ours["mean"] == pytest.approx(np.mean(means))
    assert ours["spread"] == pytest.approx(np.std(means, ddof=1)) and ours["spread"] > 0
    assert ours["standard_error"] == pytest.approx(np.mean([estimate.standard_error for estimate in expected]))
    assert ours["sigma"] == np.median([estimate.sigma for estimate in expected])
    assert all(len(set(row["draws"])) == 3 for row in (training_images, noise)) and centres["spread"] is None
    assert len(ours["curve"]) == 10 and ours["finer_mean"] >= ours["mean"] - 1
    assert f"{ours['mean']:.1f}" in text and "198 test images" in text


def test_the_parzen_table_has_the_papers_rows_for_mnist():
    from minigan.metrics.table1 import PAPER

    assert PAPER["mnist"]["Adversarial nets"] == (225, 2) and PAPER["tfd"]["Deep GSN"] == (1890, 29)


def test_the_parzen_table_warns_of_a_sigma_at_the_edge(digits_run, said):
    code, text, _ = said(main, "--run", digits_run, "--n", 2, "--draws", 1, "--backend", "numpy")
    assert code == 0 and ("edge" in text) == any(
        line.split()[6] in ("0.100", "1.000") for line in text.splitlines() if line.startswith(("2 ", "1 "))
    )


def test_a_given_sigma_is_taken(digits_run, said, tmp_path):
    out = tmp_path / "t.json"
    code, text, _ = said(main, "--run", digits_run, "--n", 50, "--sigma", ".3", "--json", out, "--backend", "numpy")
    rows = json.loads(out.read_text())["rows"]
    assert code == 0 and {row["sigma"] for row in rows} == {0.3} and not any(row["at_edge"] for row in rows)
    assert "sigma as given" in text and "finer" not in text and "held-out images;" not in text


@pytest.mark.parametrize(
    "wrong, message",
    [
        (["--n", "0"], "--n 0"),
        (["--sigma", "0"], "--sigma 0"),
        (["--sigma", "inf"], "--sigma inf"),
        (["--sigma", "nan"], "--sigma nan"),
        (["--sigma", "1e-200"], "--sigma 1e-200: expected finite numbers above"),
        (["--draws", "0"], "--draws 0"),
        (["--seed", "-1"], "--seed -1"),
        (["--threads", "0"], "--threads 0"),
        (["--json", "x.txt"], "--json x.txt"),
        (["--pretrained", "mnist"], "one of the two"),
        (["--data", "ring"], "--data ring"),
        (["--data", "untested.npz"], "no test images"),
        (["--data", "other.npz"], "images of 4 x 8, expected images of 8 x 8"),
        (["--data", "nowhere"], "--data nowhere"),
    ],
)
def test_wrong_options_of_evaluate_are_one_line(digits_run, said, arrays, monkeypatch, wrong, message):
    monkeypatch.chdir(arrays)
    code, text, error = said(main, "--run", digits_run, "--backend", "numpy", *wrong)
    assert code == 2 and message in error and error.count("\n") == 1 and text == ""


def test_figure_2_puts_the_nearest_training_image_beside_the_last_sample(digits_run, said, tmp_path):
    out = tmp_path / "two.png"
    code, *_ = said(figure.main, "2", "--run", digits_run, "--out", out, "--rows", 3, "--columns", 4)
    assert code == 0
    sampler, data = Sampler.load(digits_run), load("digits")
    images = figures.beside_neighbours(sampler, data, 3, 4, seed=0).reshape(3, 5, 64)
    np.testing.assert_array_equal(images[:, :4].reshape(12, 64), sampler.sample(12))
    for sample, neighbour in zip(images[:, 3], images[:, 4]):
        distances = np.linalg.norm(data.train / 255 - sample, axis=1)
        np.testing.assert_allclose(neighbour, data.train[distances.argmin()] / 255, rtol=1e-6)
    from matplotlib.image import imread

    from minigan.files.plots import GAP, YELLOW

    picture = np.round(255 * imread(out)[..., :3]).astype(int)
    frames = (picture == YELLOW).all(axis=2)
    tile = 32 + GAP
    assert frames[:, 4 * tile :].any() and not frames[:, : 4 * tile].any()


def test_figure_3_goes_from_draw_to_draw_both_ways(digits_run, said, tmp_path):
    sampler = Sampler.load(digits_run)
    images = figures.along_lines(sampler, "both", rows=2, columns=5, seed=1).reshape(2, 2, 5, 64)
    ends = sampler.generate(sampler.draw_z(4, 1)).reshape(2, 2, 64)
    for kind in images:
        np.testing.assert_allclose(kind[:, [0, -1]], ends, atol=1e-5)
    assert np.abs(images[0, :, 2] - images[1, :, 2]).max() > 1e-3
    code, *_ = said(figure.main, "3", "--run", digits_run, "--out", tmp_path / "three.png", "--lines", "spherical")
    assert code == 0 and (tmp_path / "three.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    "wrong, message",
    [
        (["2", "--rows", "0"], "--rows 0"),
        (["2", "--columns", "1001"], "--columns 1001"),
        (["2", "--data", "other.npz"], "images of 4 x 8"),
        (["3", "--seed", "-1"], "--seed -1"),
        (["2", "--out", "x.jpg"], "--out x.jpg"),
    ],
)
def test_wrong_options_of_figure_are_one_line(digits_run, said, arrays, monkeypatch, wrong, message):
    monkeypatch.chdir(arrays)
    number, *others = wrong
    code, _, error = said(
        figure.main, number, "--run", digits_run, *(["--out", "f.png"] * ("--out" not in wrong)), *others
    )
    assert code == 2 and message in error and error.count("\n") == 1
