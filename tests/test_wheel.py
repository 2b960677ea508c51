"""The wheel holds what git holds: an editable install hides a kernel or a preset that was left out."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LARGEST = 11_000_000
"""bytes; most of it is the two generators that ship"""


def said(*command, **how) -> str:
    made = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **how)
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """The files of the package that git knows, from the root of the repository."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout to hold the wheel to")
    return sorted(set(said("git", "ls-files", "minigan", cwd=ROOT).splitlines()))


@pytest.fixture(scope="module")
def wheel(tracked, tmp_path_factory) -> Path:
    """Built from those files alone, so that nothing else in the working tree can get in."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for name in (*tracked, "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tree / name)
    said(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", out, tree)
    (found,) = out.glob("minigan-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> dict[str, str]:
    """The environment in which `import minigan` finds the wheel's files."""
    site = tmp_path_factory.mktemp("site")
    said(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel)
    return os.environ | {"PYTHONPATH": str(site)}


def test_it_has_the_files_of_git_and_no_others(wheel, tracked):
    with zipfile.ZipFile(wheel) as archive:
        packed = [name for name in archive.namelist() if ".dist-info/" not in name]
    assert sorted(packed) == tracked


def test_its_size(wheel):
    assert wheel.stat().st_size < LARGEST


def test_it_trains(installed, tmp_path):
    options = ("--iterations", 2, "--backend", "numpy", "--out", tmp_path / "run")
    said(sys.executable, "-m", "minigan.train", *options, env=installed, cwd=tmp_path)
    assert (tmp_path / "run" / "checkpoints" / "iteration-00000002.safetensors").is_file()


def test_it_has_the_kernels_of_the_gpu_and_the_generator_that_ships(installed, tmp_path):
    code = """
import minigan
from minigan.backends.cuda.source import signatures, source
from minigan.generator.sampler import Sampler, pretrained
print(minigan.__file__, len(signatures(source())), Sampler.load(pretrained("mnist")).sample(1).shape)
"""
    file, kernels, shape = said(sys.executable, "-c", code, env=installed, cwd=tmp_path).split(maxsplit=2)
    assert file.startswith(installed["PYTHONPATH"]) and int(kernels) > 20 and shape.strip() == "(1, 784)"
