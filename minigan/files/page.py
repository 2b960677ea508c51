"""One HTML page with everything in it, to open in a browser without a network; and the parts that such pages share.

Every picture has words beside it, and what can be moved, opened or scrolled can be by keyboard alone.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from string import Template

from minigan.files.whole_file import replace_text

ROWS_IN_VIEW = 20


def write(path: Path, title: str, heading: str, body: str) -> None:
    """Write the page.  `heading` says in a line what it is of, `body` is HTML.  Raises OSError."""
    page = resources.files("minigan") / "page.html"
    text = Template(page.read_text(encoding="utf-8")).substitute(
        title=html.escape(title), heading=html.escape(heading), body=body
    )
    replace_text(path, text)


def section(name: str, title: str, *parts: str) -> str:
    """What stands below a heading; `name` is where links lead to, `parts` are HTML."""
    body = "\n".join(part for part in parts if part)
    return f'<section id="{name}"><h2>{html.escape(title)}</h2>\n{body}</section>\n'


def paragraph(text: str, kind: str = "") -> str:
    """A text that is not HTML yet."""
    opened = f'<p class="{kind}">' if kind else "<p>"
    return f"{opened}{html.escape(text)}</p>"


def picture(content: bytes, kind: str, shows: str, caption: str = "") -> str:
    """A picture, png or svg+xml; `shows` is what those are told who do not see it."""
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img src="{data_uri(content, kind)}" alt="{html.escape(shows)}">{below}</figure>\n'


def slider(frames: Sequence[tuple[bytes, str]], shows: str) -> str:
    """Pictures (PNG, its label) as time went on, the last one in view; the script of the page moves them.

    shows  what each of them is, for those who do not see it
    """
    sources, labels = [data_uri(content, "png") for content, _ in frames], [label for _, label in frames]
    last = len(frames) - 1
    return (
        f'<figure class="slider" data-shows="{html.escape(shows)}" data-sources="{html.escape(json.dumps(sources))}" '
        f'data-labels="{html.escape(json.dumps(labels))}">'
        f'<img src="{sources[last]}" alt="{html.escape(f"{shows}, {labels[last]}")}">'
        f'<input type="range" min="0" max="{last}" value="{last}" aria-label="{html.escape(shows)}: which moment">'
        f'<figcaption aria-live="polite">{html.escape(labels[last])}</figcaption></figure>\n'
    )


def table(rows: Sequence[Sequence[str]], caption: str, shut: bool | None = None) -> str:
    """Rows of text, the first of them the head, under a caption that opens and shuts them.

    shut  whether it begins shut; None: where it is long
    """
    head, *body = rows
    lines = ["".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)]
    lines += ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in body]
    inner = "".join(f"<tr>{line}</tr>\n" for line in lines)
    is_open = len(body) <= ROWS_IN_VIEW if shut is None else not shut
    return (
        f"<details{' open' * is_open}><summary>{html.escape(caption)}</summary>"
        f'<div class="wide" tabindex="0" role="region" aria-label="{html.escape(caption)}"><table>{inner}</table></div>'
        "</details>\n"
    )


def data_uri(content: bytes, kind: str) -> str:
    """A picture's bytes as an address."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
