"""Precision, recall, density and coverage: against the papers' formulas with matrices of distances, and `prdc`."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from each_backend import BACKENDS

from minigan import backends
from minigan.errors import ConfigError
from minigan.metrics import balls, bounds
from minigan.metrics.distances import Frame
from minigan.metrics.manifolds import Overlap, overlap
from minigan.metrics.smallest import Smallest

DATA = Path(os.environ.get("MINIGAN_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(params=BACKENDS)
def ops(request):
    return backends.get(request.param)


@pytest.fixture
def small_tiles(monkeypatch):
    """So small that a few hundred points are cut into many."""
    monkeypatch.setattr(bounds, "TILE", 37)


def by_the_papers(real: np.ndarray, fake: np.ndarray, k: int) -> Overlap:
    """The formulas, of squared distances summed from float64 differences."""

    def between(a, b):
        return np.array([((row.astype(np.float64) - b) ** 2).sum(axis=1) for row in a])

    r_real, r_fake = (np.sort(between(points, points), axis=1)[:, k] for points in (real, fake))
    distance = between(real, fake)
    in_real, in_fake = distance < r_real[:, None], distance < r_fake
    density = in_real.sum() / (k * len(fake))
    return Overlap(in_real.any(axis=0).mean(), in_fake.any(axis=1).mean(), density, in_real.any(axis=1).mean())


def clouds(kind: str, n: int, m: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """n real points and m fake ones of d features, of which the formula x^2 + s^2 - 2 x s alone decides few rightly."""
    rng = np.random.default_rng(7)
    real, fake = rng.normal(size=(n, d)).astype(np.float32), 0.9 * rng.normal(size=(m, d)).astype(np.float32)
    match kind:
        case "whole numbers":
            real, fake = np.round(real), np.round(fake)
        case "duplicates":
            real[n // 2 :] = real[: n - n // 2]
            fake[: m // 2] = real[rng.integers(0, n, m // 2)]
            fake[m // 2 :: 2] = fake[m // 2]
        case "two far groups":
            real[::2] += 1e4
            fake[::3] += 1e4
        case "collapse":
            fake = fake[0] + np.float32(1e-6) * fake
        case "beyond float32":
            return 1e30 * real.astype(np.float64), 1e30 * fake.astype(np.float64)
    return real, fake


KINDS = ("normal", "whole numbers", "duplicates", "two far groups", "collapse", "beyond float32")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n, m, d", [(200, 150, 100), (200, 150, 2), (7, 9, 70), (37, 74, 1)])
@pytest.mark.parametrize("k", [1, 5])
def test_equal_to_the_papers_formulas(ops, small_tiles, kind, n, m, d, k):
    real, fake = clouds(kind, n, m, d)
    assert overlap(ops, real, fake, k) == by_the_papers(real, fake, k)


def counts(found: dict[str, float], n: int, m: int, k: int) -> list[int]:
    sizes = {"precision": m, "recall": n, "density": k * m, "coverage": n}
    return [round(found[name] * size) for name, size in sizes.items()]


def same_counts_as_prdc(ops, real: np.ndarray, fake: np.ndarray, k: int) -> None:
    """`prdc` on float64: its distances in float32 would round others to ties."""
    prdc = pytest.importorskip("prdc", reason="prdc is not installed")
    theirs = prdc.compute_prdc(real.astype(np.float64), fake.astype(np.float64), k)
    size = len(real), len(fake), k
    assert counts(vars(overlap(ops, real, fake, k)), *size) == counts(theirs, *size)


@pytest.mark.parametrize("kind", ["normal", "whole numbers"])
def test_equal_to_prdc(ops, kind):
    same_counts_as_prdc(ops, *clouds(kind, 300, 200, 80), 5)


def test_equal_to_prdc_with_duplicates_where_its_own_arithmetic_is_exact(ops):
    """On whole numbers: of others `prdc` rounds equal distances apart, or distance 0 to more than that."""
    real, fake = (np.round(4 * points) for points in clouds("duplicates", 300, 200, 80))
    assert len(np.unique(real, axis=0)) == 150
    same_counts_as_prdc(ops, real, fake, 5)


def test_equal_to_prdc_on_mnist():
    """Test images as bytes, and samples of the generator that ships, a quarter of them copies of test images."""
    if not (DATA / "mnist").is_dir():
        pytest.skip(f"no MNIST in {DATA}, nor in MINIGAN_DATA")
    from minigan.data import load
    from minigan.generator.sampler import Sampler

    real = load(str(DATA / "mnist")).test[:2000].astype(np.float32)
    fake = np.round(255 * Sampler.pretrained().sample(1200))
    fake[:300] = real[:300]
    same_counts_as_prdc(backends.get("numpy"), real, fake, 5)


def test_a_set_beside_itself_shows_every_ball_and_copies_do_not_reach_a_radius_of_nothing(ops):
    real, _ = clouds("normal", 100, 1, 5)
    found = overlap(ops, real, real, 3)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1) and found.density == 1
    repeated = np.repeat(real[:20], 5, axis=0)
    assert overlap(ops, repeated, real, 4) == Overlap(0, 1, 0, 0)


def test_memory_does_not_grow_with_the_matrix():
    """Twice the points, twice the memory; the matrix of distances would have four times as much."""
    ops, peaks = backends.get("numpy"), []
    for n in (2000, 4000):
        real, fake = clouds("normal", n, n, 64)
        tracemalloc.start()
        overlap(ops, real, fake)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 4000 * 4000 * 4 and peaks[1] < 2 * peaks[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_the_bounds_hold(ops, dtype, kind):
    if (kind, dtype) == ("beyond float32", np.float32):
        kind = "normal"
    real, fake = clouds(kind, 60, 50, 90)
    frame = Frame.around(real, fake)
    x, s = bounds.Cloud.of(ops, frame, real, dtype), bounds.Cloud.of(ops, frame, fake, dtype)
    low = bounds.lower(ops, x.left(ops, slice(0, 60)), s, slice(0, 50)).astype(np.float64)
    i, j = np.indices((60, 50)).reshape(2, -1)
    distance = bounds.exact(x, s, i, j).reshape(60, 50)
    assert (low <= distance).all() and (distance <= low + x.width[:, None] + s.width).all()


def test_the_smallest_of_tiles_are_those_of_the_whole():
    rng = np.random.default_rng(2)
    whole = rng.integers(0, 1000, (40, 300)).astype(np.float32)
    found = Smallest(40, 6, np.float32)
    for start in range(0, 300, 70):
        for rows in (slice(0, 25), slice(25, 40)):
            found.offer(rows, whole[rows, start : start + 70], start)
    np.testing.assert_array_equal(np.sort(found.values), np.sort(whole)[:, :6])
    np.testing.assert_array_equal(np.take_along_axis(whole, found.where, axis=1), found.values)
    np.testing.assert_array_equal(found.worst, found.values.max(axis=1))


@pytest.mark.parametrize(
    "shapes, k, message",
    [
        (((5, 3), (6, 3)), 5, "--k 5: expected 1 to 4, as there are 5 points"),
        (((5, 3), (6, 3)), 0, "--k 0"),
        (((5, 3), (6, 4)), 1, "rows of one width"),
        (((5, 3), (0, 3)), 1, "rows of one width"),
    ],
)
def test_what_cannot_be_measured_is_one_line(shapes, k, message):
    with pytest.raises(ConfigError, match=message.replace("--k", "k")) as error:
        overlap(backends.get("numpy"), *(np.zeros(shape) for shape in shapes), k)
    assert "\n" not in str(error.value)


def test_crowded_points_are_scanned(ops, small_tiles, monkeypatch):
    """So many copies that no few neighbours tell the k-th: each such point's distances are all looked at."""
    scanned = []
    scan = balls.scanned
    monkeypatch.setattr(balls, "scanned", lambda *a: scanned.append(len(a[2])) or scan(*a))
    real = np.repeat(clouds("normal", 8, 1, 70)[0], 25, axis=0)
    assert overlap(ops, real, real[::3], 5) == by_the_papers(real, real[::3], 5)
    assert sum(scanned) == 200
