"""Imports run one way, and `import minigan` is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import minigan

PACKAGE = Path(__file__).parents[1] / "minigan"

# Each row may import from its own row and from those above it.
ROOMS = [
    {"errors", "whole_file", "background", "wording"},
    {"rng"},
    {"backends"},
    {"data"},
    {"params", "initialisers"},
    {"layers"},
    {"losses", "optim", "schedules", "priors", "latent_lines"},
    {"theory"},
    {"models", "player"},
    {"algorithm1"},
    {"finite_differences", "planted_bugs"},
    {"known_answers", "reference_trajectory"},
    {"field_checks"},
    {"recipe"},
    {"header"},
    {"config", "checkpoint"},
    {"sampler"},
    {"gan"},
    {"run_folder", "plots", "terminal", "second_stage", "symptoms"},
    {"reference_data", "metrics"},
    {"parzen_table", "mode_table", "validation"},
    {"trainer"},
    {"cli", "trained"},
    {"train", "sample", "evaluate", "figure", "export", "gradcheck", "__main__"},
    {"experiments"},
    {"report"},
    {"reproduce"},
]
KNOW_NO_LAYER = {"data", "theory", "metrics", "plots"}
LAYERS_AND_ABOVE = {"layers", "optim", "models", "player", "algorithm1", "gan", "trainer"}


def rooms_imported(path: Path) -> set[str]:
    """The rooms of minigan that a file's top-level imports name."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("minigan"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return found


def files() -> list[tuple[str, Path]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        if relative != Path("__init__.py"):
            found.append((relative.parts[0].removesuffix(".py"), path))
    return found


LEVEL = {room: i for i, row in enumerate(ROOMS) for room in row}


@pytest.mark.parametrize("room, path", files(), ids=lambda v: str(v) if isinstance(v, str) else v.name)
def test_imports_run_one_way(room, path):
    assert room in LEVEL, f"{room}: give it a place in ROOMS"
    assert rooms_imported(path) <= {r for r, level in LEVEL.items() if level <= LEVEL[room]}


@pytest.mark.parametrize("room, path", [f for f in files() if f[0] in KNOW_NO_LAYER], ids=lambda v: str(v)[-20:])
def test_data_theory_and_plots_know_no_layer(room, path):
    assert not rooms_imported(path) & LAYERS_AND_ABOVE


def loaded_by(code: str) -> set[str]:
    listing = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    return set(listing.stdout.split())


def test_import_minigan_loads_nothing_heavy():
    heavy = {"numba", "cupy", "matplotlib", "sklearn", "pooch", "tyro", "torch"}
    assert not loaded_by("import minigan") & heavy


def test_numpy_training_needs_no_compiler():
    assert not loaded_by("from minigan import GAN") & {"numba", "cupy", "matplotlib", "sklearn", "pooch"}


def test_every_public_name_can_be_imported():
    for name in minigan.__all__:
        assert getattr(minigan, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        minigan.no_such_name


def test_the_command_says_its_version():
    said = subprocess.run([sys.executable, "-m", "minigan", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"minigan {minigan.__version__}\n"
