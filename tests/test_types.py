"""mypy and ruff have nothing to say, the types that ship are of use to a user, and the public names have them all."""

import ast
import inspect
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import minigan
from minigan.backends import Array, Ops
from minigan.data import describe, load, minibatches
from minigan.game.algorithm1 import Algorithm1
from minigan.generator.sampler import Sampler, pretrained
from minigan.layers import Layer, Tape
from minigan.options.config import Config, preset
from minigan.options.recipe import Loss
from minigan.run.trainer import Trainer

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "tests" / "typing_example.py"
MOST_IGNORED = 20
TYPES = (Algorithm1, Array, Config, Layer, Loss, Ops, Sampler, Tape, Trainer)
PAGES = (*TYPES, describe, load, minibatches, preset, pretrained)
"""what the pages of docs/ use besides the names of `minigan`"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Of mypy's, for the tests of this file."""
    return tmp_path_factory.mktemp("mypy")


def said_by(tool: str, *arguments: object) -> str:
    """What a tool says of the checkout; nothing where all is well."""
    pytest.importorskip(tool, reason=f"{tool} is not installed")
    command = [sys.executable, "-m", tool, *map(str, arguments)]
    made = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    return "" if made.returncode == 0 else f"{made.stdout}{made.stderr}"


def test_mypy_has_nothing_to_say(cache):
    assert said_by("mypy", "--cache-dir", cache, "minigan") == ""


def test_a_users_program_passes_the_strictest_check(cache):
    """As with minigan installed: none of our settings, and nothing said about minigan's own files."""
    options = ("--config-file=", "--strict", "--follow-imports=silent", "--cache-dir", cache / "user")
    assert said_by("mypy", *options, EXAMPLE) == ""


def test_the_users_program_runs():
    runpy.run_path(str(EXAMPLE))


@pytest.mark.parametrize("arguments", ["check", "format --check"])
def test_ruff_has_nothing_to_say(arguments):
    assert said_by("ruff", *arguments.split(), ".") == ""


def test_what_is_not_checked_is_little_and_has_its_reason():
    lines = [line for path in (ROOT / "minigan").rglob("*.py") for line in path.read_text().splitlines()]
    ignored = [line for line in lines if "type: ignore" in line]
    assert len(ignored) <= MOST_IGNORED
    assert not [line for line in ignored if not re.search(r"# type: ignore\[[a-z-]+\]  # \S", line)]


def test_type_checkers_are_told_of_the_names_that_can_be_imported():
    """The names that the package finds by `__getattr__` are imported for them beside it."""
    nodes = ast.walk(ast.parse(Path(minigan.__file__).read_text()))
    told = [node for node in nodes if isinstance(node, ast.ImportFrom) and str(node.module).startswith("minigan.")]
    assert {alias.asname: node.module for node in told for alias in node.names} == minigan._HOMES


def functions_of(thing) -> list:
    """A function; or those of a class, or of an object's class, that a user may call or look up."""
    if inspect.isfunction(thing):
        return [thing]
    kind = thing if inspect.isclass(thing) else type(thing)
    members = [member for name, member in vars(kind).items() if name == "__init__" or not name.startswith("_")]
    functions = [getattr(member, "fget", getattr(member, "__func__", member)) for member in members]
    return [f for f in functions if inspect.isfunction(f) and f.__module__.startswith("minigan.")]


@pytest.mark.parametrize(
    "name, thing", [(n, getattr(minigan, n)) for n in minigan.__all__] + [(t.__name__, t) for t in PAGES]
)
def test_public_names_have_types_and_none_of_them_is_any(name, thing):
    hints = {f"{name}.{field}": hint for field, hint in getattr(thing, "__annotations__", {}).items()}
    for function in functions_of(thing):
        expected = {*inspect.signature(function).parameters, "return"} - {"self", "cls"}
        assert function.__name__ == "__init__" or expected == function.__annotations__.keys(), function.__qualname__
        hints |= {f"{function.__qualname__}({what})": hint for what, hint in function.__annotations__.items()}
    assert not [what for what, hint in hints.items() if re.search(r"\bAny\b", str(hint))]
