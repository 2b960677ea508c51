"""Sphinx: MyST pages, the furo theme, formulas without a network, docstrings as they stand in the code."""

import html
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from docutils import nodes

import minigan

project = "minigan"
copyright = "the minigan authors"
version = release = minigan.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "*-tables.md", "*-table.md"]
smartquotes = False

html_theme = "furo"
html_title = f"minigan {release}"
html_copy_source = False
html_math_renderer = "katex"
html_static_path = ["../minigan/assets/katex"]
html_css_files = ["katex.min.css"]
html_js_files = [("katex.min.js", {"defer": "defer"})]

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": True}
python_maximum_signature_line_length = 100


# ---- Formulas --------------------------------------------------------------------------------------------------
#
# A page holds the formulas as text, and the package's own copy of KaTeX draws them when the page is opened.

DRAW = """
document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".math").forEach(formula =>
  katex.render(formula.textContent, formula, {displayMode: formula.tagName === "DIV", throwOnError: false})))
"""


def as_text(writer, node):
    """A formula in the line is a span, one by itself a div."""
    tag = "div" if isinstance(node, nodes.math_block) else "span"
    writer.body.append(f'<{tag} class="math">{html.escape(node.astext())}</{tag}>')
    raise nodes.SkipNode


# ---- Docstrings ------------------------------------------------------------------------------------------------
#
# minigan's docstrings are plain text laid out for a reader of the code: prose, and lines of formulas and shapes in
# columns.  For reStructuredText the columns become literal blocks, and signs of its own markup are escaped in prose.

COLUMNS = re.compile(r"^\s|\S {3,}\S|^[\w.]+ {2}\S")
LITERAL = re.compile(r"(`[^`]+`)")


def prose(text: str) -> str:
    """`code` becomes a literal; everything else is text, with any signs in it."""
    parts = LITERAL.split(text)
    return "".join(f"`{p}`" if i % 2 else re.sub(r"([\\*_|`])", r"\\\1", p) for i, p in enumerate(parts))


def blocks(paragraph: list[str]):
    """(kind, lines) of a paragraph's runs: "columns", "item" of a list, or "prose"."""
    kind, run = None, []
    for line in paragraph:
        if line.startswith("- "):
            this = "item"
        elif kind == "item" and line.startswith("  "):
            run.append(line)
            continue
        else:
            this = "columns" if COLUMNS.search(line) else "prose"
        if run and (this != kind or this == "item"):
            yield kind, run
            run = []
        kind = this
        run.append(line)
    if run:
        yield kind, run


def as_written(app, what, name, obj, options, lines):
    """Rewrite a docstring's lines, in place."""
    out = []
    for paragraph in "\n".join(lines).split("\n\n"):
        for kind, run in blocks([line for line in paragraph.split("\n") if line.strip()]):
            if kind == "columns":
                out += [".. code-block:: none", "", *(f"   {line}" for line in run), ""]
            elif kind == "item":
                out += ["- " + prose(" ".join(line.strip() for line in run)[2:]), ""]
            else:
                out += [prose(" ".join(run)), ""]
    lines[:] = out


def setup(app):
    app.add_html_math_renderer("katex", (as_text, None), (as_text, None))
    app.add_js_file(None, body=DRAW)
    app.connect("autodoc-process-docstring", as_written)
