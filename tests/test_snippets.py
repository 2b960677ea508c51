"""Code in README and on the pages about Python runs as it stands, and prints what the page says."""

import re
import sys

import numpy as np
import pytest
from snippets import printed, snippets

ERRORS = re.compile(r"\d\.\de[+-]\d\d")
"""numbers of the gradient checks' table, which rounding decides"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Files that a page writes go to a folder of the test's own, and are imported from there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("swish", None)


@pytest.mark.parametrize("page, silent", [("docs/python.md", 0), ("docs/own-layer.md", 1)])
def test_a_page_about_python_prints_what_it_says(page, silent):
    names: dict = {}
    found = [snippet for snippet in snippets(page) if snippet[0] != "cuda"]
    assert len(found) >= 8 and [said for *_, said in found].count("") == silent
    for language, code, said in found:
        out = printed(language, code, names)
        assert ERRORS.sub("#", out) == ERRORS.sub("#", said)


def test_the_first_snippet_of_readme_prints_what_it_says():
    ((language, code, said),) = (snippet for snippet in snippets("README.md") if snippet[0] == "python")
    names: dict = {}
    out, shown = printed(language, code, names), re.compile(r"[\d.]+")
    assert shown.sub("#", out) == shown.sub("#", said)
    numbers, stated = (np.array(shown.findall(text), float) for text in (out, said))
    # Rounding differs between machines, and the game magnifies it: D is stated to one decimal.
    assert np.abs(numbers - stated).max() <= 0.15
