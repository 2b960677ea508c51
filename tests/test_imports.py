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
    {"rng", "errors", "interrupt", "locks"},
    {"backends", "options", "distributed"},
    {"layers", "data", "metrics"},
    {"game", "files"},
    {"checks", "generator"},
    {"exchange"},
    {"estimator", "loop"},
    {"gan"},
    {"run"},
    {"comparing", "reporting", "teaching", "explaining", "living"},
    {
        *("train", "sample", "evaluate", "figure", "project", "export", "compare", "report", "explain", "live"),
        *("gradcheck", "homework", "__main__"),
    },
    {"sweeping"},
    {"sweep"},
    {"experiments"},
    {"reproduce"},
]
KNOW_NO_LAYER = ("data/", "metrics/", "files/plots.py", "experiments/theory.py")
LAYERS_AND_ABOVE = ("layers", "game.optim", "game.player", "game.algorithm1", "gan", "run")


def modules_imported(path: Path) -> set[str]:
    """The modules of minigan that a file's top-level imports name, without "minigan."; a room's names count as its."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "minigan":
            found |= {f"{node.module}.{alias.name}".partition(".")[2] for alias in node.names}
    return found


def rooms_imported(path: Path) -> set[str]:
    return {module.partition(".")[0] for module in modules_imported(path)}


def within(path: Path) -> str:
    """A file's path inside the package."""
    return path.relative_to(PACKAGE).as_posix()


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
    assert room in LEVEL, f"{room}: add it to ROOMS"
    assert rooms_imported(path) <= {r for r, level in LEVEL.items() if level <= LEVEL[room]}


@pytest.mark.parametrize("path", [path for _, path in files() if within(path).startswith(KNOW_NO_LAYER)], ids=within)
def test_data_metrics_theory_and_plots_know_no_layer(path):
    above = tuple(f"{module}." for module in LAYERS_AND_ABOVE)
    assert not [module for module in modules_imported(path) if f"{module}.".startswith(above)]


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
    heavy = {"numba", "cupy", "matplotlib", "sklearn", "pooch", "tyro", "torch", "onnx"}
    assert not loaded_by("import minigan") & heavy


def test_numpy_training_needs_no_compiler():
    assert not loaded_by("from minigan import GAN") & {"numba", "cupy", "matplotlib", "sklearn", "pooch"}


def test_tyro_and_pooch_are_loaded_where_a_command_line_is_parsed_or_a_file_downloaded():
    modules = [".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts) for p in PACKAGE.rglob("*.py")]
    modules = [module.removesuffix(".__init__") for module in modules]
    everything = [m for m in modules if not m.startswith("minigan.backends.cuda.") and not m.endswith("__main__")]
    assert "minigan.figure" in everything and "minigan.data.download" in everything
    assert not loaded_by(f"import {', '.join(everything)}") & {"tyro", "pooch", "requests"}


def test_every_public_name_can_be_imported():
    for name in minigan.__all__:
        assert getattr(minigan, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        minigan.no_such_name


def test_the_command_says_its_version():
    said = subprocess.run([sys.executable, "-m", "minigan", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"minigan {minigan.__version__}\n"
