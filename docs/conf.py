"""Sphinx: MyST pages, the furo theme, docstrings as they stand in the code."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import minigan

project = "minigan"
copyright = "the minigan authors"
version = release = minigan.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "*-tables.md", "*-table.md"]
smartquotes = False

html_theme = "furo"
html_title = f"minigan {release}"
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": True}
python_maximum_signature_line_length = 100


# ---- Docstrings ------------------------------------------------------------------------------------------------
#
# minigan's docstrings are plain text laid out for a reader of the code: prose, and lines of formulas and shapes in
# columns.  For reStructuredText the columns become literal blocks, and signs of its own markup are escaped in prose.

COLUMNS = re.compile(r"^\s|\S {3,}\S|^[\w.]+ {2}\S")
LITERAL = re.compile(r"(`[^`]+`)")


def prose(text: str) -> str:
    """`code` becomes a literal; everything else is text, whatever signs it holds."""
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
    app.connect("autodoc-process-docstring", as_written)
