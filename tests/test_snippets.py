"""Code in README and on the page about Python runs as it stands, and prints what the page says."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SNIPPET = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


def snippets(page: str) -> list[tuple[str, str]]:
    """(code, what it prints) of a page's blocks of Python, in their order; "" where nothing is said."""
    return SNIPPET.findall((ROOT / page).read_text())


def printed(code: str, names: dict) -> str:
    """What the code prints; what it defines is left in `names`."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, names)
    return out.getvalue()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Files that a page writes go to a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


def test_the_page_about_python_prints_what_it_says():
    names: dict = {}
    found = snippets("docs/python.md")
    assert len(found) >= 10 and all(said for _, said in found)
    for code, said in found:
        assert printed(code, names) == said


def test_the_first_snippet_of_readme_prints_what_it_says():
    ((code, said),) = snippets("README.md")
    names: dict = {}
    words, shown = printed(code, names), re.compile(r"[\d.]+")
    assert shown.sub("#", words) == shown.sub("#", said)
    numbers, stated = (np.array(shown.findall(text), float) for text in (words, said))
    # Rounding differs between machines, and the game magnifies it: D is stated to one decimal.
    assert np.abs(numbers - stated).max() <= 0.15
