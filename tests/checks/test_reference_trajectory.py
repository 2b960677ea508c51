"""The reference trajectory that ships: what the page finds today, and a game in which everything moves."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from minigan.backends import get
from minigan.checks.reference_trajectory import begin, check_game, games, reference

pytestmark = pytest.mark.rounding

DOCS = Path(__file__).parents[2] / "docs"
OPS = get("numpy")


@pytest.fixture
def program(monkeypatch):
    """docs/reference_trajectory.py as a module."""
    monkeypatch.syspath_prepend(DOCS)
    spec = importlib.util.spec_from_file_location("program_of_the_trajectory", DOCS / "reference_trajectory.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_what_the_page_plays(program):
    made, shipped = json.loads(json.dumps(program.trajectory())), reference()
    assert made["settings"] == shipped["settings"] and made["examples"] == shipped["examples"]
    assert len(made["games"]) == len(shipped["games"])
    for ours, theirs in zip(made["games"], shipped["games"]):
        assert ours.keys() == theirs.keys()
        for rule in ("updates", "k", "loss", "prior", "optimizer"):
            assert ours[rule] == theirs[rule]
        np.testing.assert_allclose(ours["measures"], theirs["measures"], rtol=1e-11)
        for role in ("generator", "discriminator"):
            assert ours[role].keys() == theirs[role].keys()
            for name in ours[role]:
                np.testing.assert_allclose(ours[role][name], theirs[role][name], rtol=0, atol=1e-11)


def test_the_program_knows_nothing_of_the_package():
    text = (DOCS / "reference_trajectory.py").read_text(encoding="utf-8")
    imports = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert len(imports) == 7 and not any("minigan" in line for line in imports)


def test_every_order_of_play_is_there():
    assert {(g["updates"], g["k"]) for g in games().values()} == {
        ("alternating", 1), ("alternating", 2), ("simultaneous", 1), ("simultaneous", 2),
    }  # fmt: skip
    assert {g["loss"] for g in games().values()} == {"non-saturating", "saturating"}
    assert len(games()) == len(reference()["games"])


@pytest.mark.parametrize("name, game", games().items(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_library_plays_the_same_and_every_parameter_moves(name, game):
    assert all(row.passed for row in check_game(OPS, name, game))
    start = begin(OPS, game)
    for player, role in ((start.generator, "generator"), (start.discriminator, "discriminator")):
        for key, view in player.params.items():
            assert np.abs(view - np.array(game[role][key])).max() > 1e-3, (role, key)


def test_one_wrong_entry_is_noticed(monkeypatch):
    name, game = next(iter(games().items()))
    wrong = game | {"generator": game["generator"] | {"0.b": [b + 1e-8 for b in game["generator"]["0.b"]]}}
    assert [row.passed for row in check_game(OPS, name, wrong)] == [True, False, True]
