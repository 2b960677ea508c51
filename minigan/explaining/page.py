"""An iteration in one HTML file, with all that its viewer needs: no request leaves it."""

from __future__ import annotations

import base64
import html
import json
import re
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from minigan.explaining.step import Step
from minigan.files.whole_file import replace_text

FONTS = ("Main-Regular", "Math-Italic", "Size1-Regular", "Size2-Regular", "Size3-Regular")
"""of KaTeX: those that the formulas here need"""
FACE = re.compile(r"@font-face\{[^}]*?fonts/KaTeX_([\w-]+)\.woff2[^}]*\}")
SOURCES = re.compile(r"src:[^;}]*")


def write(step: Step, out: Path) -> None:
    """Write the page.  Raises OSError."""
    assets = resources.files("minigan") / "assets"
    shell, style, viewer = ((assets / "step" / f"step.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    page = Template(shell).substitute(
        title=html.escape(f"minigan: iteration {step.iteration}{f' of {step.name}' if step.name else ''}, opened"),
        style=f"{katex_style(assets)}\n{style}",
        katex=(assets / "katex" / "katex.min.js").read_text(encoding="utf-8"),
        viewer=viewer,
        data=json.dumps(held(step), separators=(",", ":"), allow_nan=False).replace("</", "<\\/"),
    )
    replace_text(out, page)


def held(step: Step) -> dict[str, Any]:
    """All that the file holds: the graph, every array's picture, and the chosen entries of every gradient."""
    return {
        "graph": step.graph(),
        "tensors": {name: step.tensor(name) for name in step.tensors},
        "entries": {name: step.chosen(name) for name in step.gradients},
    }


def katex_style(assets: Any) -> str:
    """KaTeX's style sheet with its fonts inside it."""

    def face(found: re.Match[str]) -> str:
        if found[1] not in FONTS:
            return ""
        font = (assets / "katex" / "fonts" / f"KaTeX_{found[1]}.woff2").read_bytes()
        source = f'src:url(data:font/woff2;base64,{base64.b64encode(font).decode()}) format("woff2")'
        return SOURCES.sub(source, found[0])

    return FACE.sub(face, (assets / "katex" / "katex.min.css").read_text(encoding="utf-8"))
