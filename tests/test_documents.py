"""Links in README and docs lead somewhere."""

import re
from pathlib import Path

import pytest

import minigan

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_to_files(page):
    links = [link for link in LINK.findall(page.read_text()) if not re.match(r"\w+:", link)]
    assert not [link for link in links if not (page.parent / link).exists()]


def test_readme_cites_this_version():
    assert f"version = {{{minigan.__version__}}}" in (ROOT / "README.md").read_text()
