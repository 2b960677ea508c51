"""An iteration that is opened is the iteration itself, to the last bit, and the GAN stays where it is."""

import base64
import io
import json

import numpy as np
import pytest
from opened_games import GAMES, Plain, Square, begun, left_by
from PIL import Image
from snippets import snippets

from minigan import GAN, ConfigError, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid
from minigan.comparing.apart import apart
from minigan.comparing.trace import Traced
from minigan.data import dataset_of, load
from minigan.explaining import formulas
from minigan.explaining.pictures import DIVERGING, GAP, GREYS, SEQUENTIAL
from minigan.explaining.step import Step
from minigan.game.gradients import gradients
from minigan.game.losses import LOSSES
from minigan.game.state import tensors
from minigan.layers.activations import ACTIVATIONS
from minigan.layers.initialisers import Uniform
from minigan.loop.loop import source_of


def state(gan) -> dict[str, np.ndarray]:
    return gan.ops.snapshot(tensors(gan.game))()


@pytest.mark.parametrize(
    "name, backend",
    [(name, "numpy") for name in GAMES] + [(name, "numba") for name in ("joint", "alternating, k = 2", "labels")],
)
def test_its_arrays_are_those_of_the_iteration_to_the_last_bit(name, backend):
    gan, source = begun(name, backend)
    before = state(gan)
    step = Step(gan, source)
    assert gan.iteration == 3 and step.iteration == 4 and not apart(state(gan), before)
    traced = Traced(gan.game)
    source.prepare(gan.iteration, traced.k, traced.ahead)
    traced.iterate(source)
    last = left_by(step)
    assert last.keys() == state(gan).keys() and not apart(state(gan), last)
    held = {(array.shape, array.tobytes()) for array in (tensor.array for tensor in step.tensors.values())}
    sgd = (
        step.recorded.generator.optimiser.grads.alpha != 1 and "velocity" not in step.recorded.generator.optimiser.state
    )
    for what, array in traced.seen:
        array = array[: len(array) // 2] if what == "y" else array  # the labels come twice, for data and for fakes
        assert (array.shape, array.tobytes()) in held or sgd and ".gradient." in what, what


def test_a_gradient_that_went_into_the_velocity_is_shown_as_it_is():
    gan, source = begun("joint")
    step = Step(gan, source)
    plain = gradients(gan.game, step.moves[0].x, step.moves[0].z)
    for role, way in (("generator", "g"), ("discriminator", "d")):
        for i, stage in enumerate(getattr(gan, role).stages):
            for letter in ("W", "b"):
                if (name := f"0.{way}.{role}.{i}/d{letter}") in step.tensors:
                    found = step.tensors[name].array
                    np.testing.assert_array_equal(found, plain.pop(f"{role}.{stage.index}.{letter}"))
    assert not plain


@pytest.mark.parametrize("name", GAMES)
def test_every_finite_difference_agrees_or_names_its_kink_and_every_sum_adds_up(name):
    step = Step(*begun(name))
    eps, told = float(np.finfo(step.recorded.z.dtype).eps), 0
    assert len(step.gradients) >= 20
    for tensor in step.gradients:
        largest = float(np.abs(step.tensors[tensor].array).max())
        for entry in step.chosen(tensor):
            assert entry["agrees"] or "unit" in entry["crossed"], (tensor, entry)
            assert entry["value"] == step.tensors[tensor].array[tuple(entry["index"])]
            assert abs(entry["value"] - entry["exact"]) <= 2000 * eps * largest
            terms = entry["sum"]["terms"]
            products = [np.prod(term["factors"]) for term in terms]
            assert products == pytest.approx([term["product"] for term in terms], rel=1e-12)
            assert sum(products) + entry["sum"]["rest"]["sum"] == pytest.approx(
                entry["sum"]["total"], abs=1e-12 * largest
            )
            assert abs(entry["sum"]["total"] - entry["value"]) <= 2000 * eps * largest
            told += not entry["crossed"]
    assert told > 300


def test_a_wrong_gradient_does_not_agree(monkeypatch):
    from minigan.checks.planted_bugs import find, planted

    gan, source = begun("joint")
    with planted(find("sign-relu")):
        step = Step(gan, source)
        verdicts = [
            entry["agrees"] for name in ("0.g.generator.0/dW", "0.g.generator.0/dz") for entry in step.chosen(name)
        ]
        assert False in verdicts
        assert all(entry["agrees"] is not False for entry in step.chosen("0.g.generator.2/dW"))


def test_a_kernel_of_another_backend_that_is_wrong_does_not_agree(monkeypatch):
    gan, source = begun("joint", "numba")
    right = type(gan.ops).colsum
    monkeypatch.setattr(type(gan.ops), "colsum", lambda self, *a, **how: right(self, *a, **how).__imul__(2))
    entries = Step(gan, source).chosen("0.g.generator.0/db")
    assert entries and all(entry["agrees"] is False or entry["crossed"] for entry in entries if entry["value"])
    assert all(entry["error"] <= entry["allowed"] + entry["rounding"] for entry in entries if not entry["crossed"])


def test_an_entry_at_a_kink_is_named():
    gan, source = begun("joint")
    gan.game.generator.params["0.W"][:, 2] = 0
    gan.game.generator.params["0.b"][2] = 0
    step = Step(gan, source)
    entry = step.entry("0.g.generator.0/dz", [1, 2])
    assert entry["agrees"] is None and entry["crossed"] == "unit 2 of G's layers 0 and 1 (Linear + ReLU) in row 1"
    why = {tuple(entry["index"]): entry["why"] for entry in step.chosen("0.g.generator.0/db")}
    assert why[(2,)] == "at a kink" and len(why) == 5


def test_a_maxout_of_one_piece_has_no_kink():
    G, D = Sequential(Linear(2, 6), Sigmoid()), Sequential(Maxout(6, 4, 1, Uniform(1.0)), Linear(4, 1, Uniform(1.0)))
    gan = GAN(G, D, Recipe(latent=2, batch_size=8))
    data = dataset_of("array", np.random.default_rng(0).random((16, 6)))
    gan.fit(data, iterations=1, verbose=False)
    step = Step(gan, source_of(gan, data))
    entries = [entry for name in step.gradients for entry in step.chosen(name)]
    assert all(entry["agrees"] and "kink" not in entry["why"] for entry in entries)


def test_the_entries_that_are_chosen():
    step = Step(*begun("joint"))
    name = "0.d.discriminator.1/dz"
    array, chosen = step.tensors[name].array, step.chosen(name)
    by = {why: [tuple(e["index"]) for e in chosen if e["why"] == why] for why in ("largest", "zero", "random")}
    assert len(by["largest"]) == 20 and len(by["zero"]) == 5 and 0 < len(by["random"]) <= 20
    assert sorted(np.abs(array).ravel())[-20:] == sorted(abs(array[index]) for index in by["largest"])
    assert not any(array[index] for index in by["zero"])
    assert len({tuple(e["index"]) for e in chosen}) == len(chosen)
    assert step.chosen(name) == chosen and step.chosen("0.z/z") == []


def pixels(picture) -> np.ndarray:
    """A picture's PNG, (H, W, 3)."""
    content = base64.b64decode(picture["png"].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def test_a_picture_shows_its_own_entries():
    step = Step(*begun("joint"))
    for name, tensor in step.tensors.items():
        told, array = step.tensor(name), tensor.array.astype(np.float64)
        assert told["shape"] == list(array.shape) and told["statistics"]["zeros"] == (array == 0).sum()
        assert told["statistics"]["min"] == array.min() and sum(told["histogram"]["counts"]) == array.size
        picture = told["picture"]
        if array.size == 1:
            assert picture is None
            continue
        shown, scale = pixels(picture), picture["scale"]
        if picture["kind"] == "pictures":
            rows = array if picture.get("along") == "rows" else array.T
            values = np.atleast_2d(rows)[picture["items"], :6].reshape(-1, 2, 3)
            at = [(2 + GAP) * (i // 10) for i in range(len(values))], [(3 + GAP) * (i % 10) for i in range(len(values))]
            shown = np.stack([shown[top : top + 2, left : left + 3] for top, left in zip(*at)])
        elif "wrap" in picture:
            values, shown = array.ravel(), shown.reshape(-1, 3)[: array.size]
        else:
            values = array[np.ix_(picture["rows"], picture["columns"])]
            values = values.T if picture["turned"] else values
        if tensor.bright:
            expected = GREYS[np.round(255 * values).astype(int)]
        elif values.min() < 0:
            expected = DIVERGING[np.round(127 + np.where(values > 0, 128, 127) * values / scale).astype(int)]
        else:
            expected = SEQUENTIAL[np.round(255 * (values - picture["white"]) / (scale - picture["white"])).astype(int)]
        np.testing.assert_array_equal(shown, expected, err_msg=name)


def test_data_of_the_plane_are_points_and_what_d_wants_are_arrows():
    G, D = Sequential(Linear(2, 4), ReLU(), Linear(4, 2)), Sequential(Linear(2, 4), ReLU(), Linear(4, 1))
    gan = GAN(G, D, Recipe(latent=2, batch_size=8))
    data = load("ring")
    gan.fit(data, iterations=1, verbose=False)
    step = Step(gan, source_of(gan, data))
    assert step.tensor("0.x/x")["picture"] == {"kind": "points", "points": step.moves[0].x.tolist()}
    samples, wanted = step.tensors["1.generator.1/y"].array, step.tensors["1.g.dG/dG"].array
    drawn = step.tensor("1.g.dG/dG")["picture"]
    assert drawn["points"] == samples.tolist() and drawn["arrows"] == (-wanted).tolist()
    assert step.tensor("1.generator.1/W")["picture"]["kind"] == "heat"


def test_pictures_in_colour_are_in_colour():
    G, D = Sequential(Linear(2, 12), Sigmoid()), Sequential(Linear(12, 1))
    gan = GAN(G, D, Recipe(latent=2, batch_size=8, updates="simultaneous"))
    data = dataset_of("array", np.random.default_rng(0).integers(0, 256, (16, 2, 2, 3), dtype=np.uint8))
    gan.fit(data, iterations=1, verbose=False)
    step = Step(gan, source_of(gan, data))
    x, dW = step.moves[0].x, step.tensors["0.d.discriminator.0/dW"].array
    np.testing.assert_array_equal(
        pixels(step.tensor("0.x/x")["picture"])[:2, :2], np.round(255 * x[0]).reshape(2, 2, 3)
    )
    gradient = step.tensor("0.d.discriminator.0/dW")["picture"]
    expected = np.round(255 * (dW[:, 0].astype(float) / gradient["scale"] + 1) / 2)
    np.testing.assert_array_equal(pixels(gradient), expected.reshape(2, 2, 3))


def test_another_seed_changes_every_picture_and_number():
    one, other = (Step(*begun("alternating, k = 2", seed=seed)) for seed in (0, 1))
    assert one.tensors.keys() == other.tensors.keys()
    for name in one.tensors:
        a, b = one.tensor(name), other.tensor(name)
        assert a["statistics"] != b["statistics"] or name.endswith(("kept", "winner")), name
        assert a["picture"] is None or a["picture"] != b["picture"] and a["picture"]["png"] != b["picture"]["png"], name


def test_the_graph_runs_in_the_order_of_algorithm_1():
    graph = Step(*begun("alternating, k = 2")).graph()
    order = [node["id"] for node in graph["nodes"]]
    assert graph["moves"] == ["D-step 1 of 2", "D-step 2 of 2", "G-step"] and graph["iteration"] == 4
    assert order[0] == "0.z" and order.index("0.x") < order.index("0.d.dl") < order.index("0.d.discriminator.1")
    assert order.index("1.update.discriminator.1") < order.index("2.z") < order.index("2.g.dG")
    assert order[-1] == "2.update.generator.3" and "2.x" not in order and "2.d.dl" not in order
    assert all(one in order and other in order for one, other in graph["edges"])
    for node in graph["nodes"]:
        assert node["label"] and node["says"] and node["by"] and node["code"], node
        assert all(graph["code"][where].startswith(("def ", "@")) for where in node["code"]), node["code"]
        assert node["formulas"] or node["id"].endswith(".y")
        assert sorted(node["read_by"]) == sorted(other for one, other in graph["edges"] if one == node["id"])
    assert ["0.update.discriminator.1", "1.discriminator.1"] in graph["edges"]
    assert ["1.update.discriminator.1", "2.discriminator.1"] in graph["edges"]
    assert not [edge for edge in graph["edges"] if "update.generator" in edge[0]]
    frozen = next(node for node in graph["nodes"] if node["id"] == "2.g.discriminator.1")
    assert "D stands still" in frozen["says"] and frozen["tensors"] == [
        "2.g.discriminator.1/dz",
        "2.g.discriminator.1/dx",
    ]
    json.dumps(graph, allow_nan=False)


def test_what_minigan_has_has_its_formula():
    for make in ACTIVATIONS.values():
        assert formulas.forward(make()) and formulas.backward(make(), False, True)
    for loss in LOSSES.values():
        assert all(formulas.losses(loss, player, weight)[1] for player in "dg" for weight in (0.5, 1.0))
    for name in GAMES:
        optimiser = Step(*begun(name)).recorded.generator.optimiser
        assert type(optimiser) in formulas.UPDATES


def test_a_layer_of_ones_own_is_said_to_be_one_and_its_differences_agree():
    step = Step(*begun("joint", own=(Square(),), precision="float64"))
    node = next(node for node in step.nodes if node.id == "0.discriminator.3")
    assert "Square" in node.label and "A layer of your own: y = x^2" in node.says and node.formulas == []
    for name in step.gradients:
        for entry in step.chosen(name):
            assert entry["agrees"] or entry["crossed"], (name, entry)
    assert step.entry("0.d.discriminator.3/dx", [0, 0])["sum"] is None


def test_a_loss_of_ones_own_is_said_to_be_one():
    step = Step(*begun("joint", loss=Plain(), precision="float64"))
    node = next(node for node in step.nodes if node.id == "0.loss")
    assert "A loss of your own: The non-saturating loss" in node.says
    for name in step.gradients:
        for entry in step.chosen(name):
            assert entry["agrees"] or entry["crossed"], (name, entry)


def test_numbers_that_are_not_finite_are_shown_as_none():
    gan, source = begun("joint")
    gan.game.discriminator.params["1.W"][0, 0] = np.nan
    gan.game.generator.params["3.W"][0, 0] = np.inf
    step = Step(gan, source)
    for name in step.tensors:
        json.dumps([step.tensor(name), step.chosen(name)], allow_nan=False)
    json.dumps(step.graph(), allow_nan=False)
    assert step.tensor("0.discriminator.1/W")["statistics"]["not_finite"] == 1


def test_the_program_on_its_page_runs():
    gan, source = begun("joint")
    ((_, code, _),) = (snippet for snippet in snippets("docs/explain.md") if snippet[0] == "python")
    exec(code, names := {"gan": gan, "source": source})
    assert names["step"].iteration == 4 and gan.iteration == 3


@pytest.mark.parametrize("name, index", [("0.z/q", [0, 0]), ("0.z/z", [0]), ("0.z/z", [8, 0]), ("0.z/z", [0, -1])])
def test_what_is_not_there_is_refused(name, index):
    with pytest.raises(ConfigError, match="expected"):
        Step(*begun("joint")).entry(name, index)
