"""docs/export.md runs as it stands, and prints what it says."""

import pytest
from snippets import printed, snippets

PACKAGES = {"torch": "PyTorch", "jax": "JAX", "onnxruntime": "onnxruntime", "onnx": "onnx"}
NEEDED = ({"torch"}, {"jax"}, {"onnx", "onnxruntime"}, set())
"""what the sections of the page ask for"""


def sections() -> list[list[tuple[str, str, str]]]:
    """The snippets of each section: PyTorch, JAX, ONNX, From PyTorch."""
    found = snippets("docs/export.md")
    assert [language for language, *_ in found] == ["sh", "python", "python", "sh", "python", "python"]
    return [found[:2], found[2:3], found[3:5], found[5:]]


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A folder with the file that the page's first command writes."""
    monkeypatch.chdir(tmp_path)
    (language, code, said), _ = sections()[0]
    assert printed(language, code, {}) == said
    return tmp_path


@pytest.mark.parametrize("section", range(4), ids=["PyTorch", "JAX", "ONNX", "From PyTorch"])
def test_the_page_prints_what_it_says(written, section):
    for package in sorted(NEEDED[section]):
        pytest.importorskip(package, reason=f"{PACKAGES[package]} is not installed")
    names: dict = {}
    if section == 3:
        from minigan import Sampler

        names["generator"] = Sampler.pretrained("mnist")
        names["z"] = names["generator"].draw_z(16)
    for language, code, said in sections()[section][1 if section == 0 else 0 :]:
        assert printed(language, code, names) == said
        if language == "python":
            assert len(code.splitlines()) <= 14
