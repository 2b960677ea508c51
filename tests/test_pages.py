"""The pages that Sphinx makes, opened in a browser that reaches no other host: every formula is drawn."""

import html
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path.relative_to(ROOT / "docs") for path in (ROOT / "docs").glob("*.md"))
FORMULA = re.compile(r'<(span|div) class="math">(.*?)</\1>', re.DOTALL)


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    """The folder of pages; Sphinx's warnings are errors."""
    for name in ("sphinx", "myst_parser", "furo"):
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed (pip install '.[docs]')")
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-d", out / "doctrees", ROOT / "docs", out / "pages"]
    made = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": ROOT})
    assert made.returncode == 0, made.stderr
    return out / "pages"


def requested(browser) -> list[str]:
    """The addresses that the browser has asked for since the last call."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def test_every_formula_of_every_page_is_drawn_without_a_network(book, browser):
    drawn = {}
    for page in sorted(book.rglob("*.html")):
        browser.get(page.as_uri())
        written = [html.unescape(text) for _, text in FORMULA.findall(page.read_text())]
        shown = browser.execute_async_script(
            """
            const CODE = "pre, code, script, .katex";
            function texts(root) {
              const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), found = [];
              while (walk.nextNode()) if (!walk.currentNode.parentElement.closest(CODE)) found.push(walk.currentNode);
              return found;
            }
            const done = arguments[0], formulas = [...document.querySelectorAll(".math")];
            document.fonts.ready.then(() => done({
              sources: formulas.map(f => f.querySelector(".katex annotation")?.textContent),
              flat: formulas.filter(f => !(f.querySelector(".katex-html")?.getBoundingClientRect().height > 5)).length,
              raw: texts(document.body).filter(t => t.textContent.includes("$")).map(t => t.textContent),
              errors: [...document.querySelectorAll(".katex-error")].map(e => e.title),
              fonts: [...document.fonts].filter(f => f.family.startsWith("KaTeX") && f.status === "error").length,
            }));
            """
        )
        assert shown == {"sources": written, "flat": 0, "raw": [], "errors": [], "fonts": 0}, page.name
        assert browser.get_log("browser") == [], page.name
        drawn[page.name] = len(written)
    assert not [url for url in requested(browser) if not url.startswith(("file:", "data:"))]
    # What the sources hold is there at all.
    assert drawn["backward.html"] > 100 and drawn["theory.html"] > 50 and drawn["random-numbers.html"] > 3
