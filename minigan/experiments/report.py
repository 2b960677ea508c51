"""The report: one HTML page with everything in it, to open in a browser without a network."""

from __future__ import annotations

import base64
import html
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

from minigan.experiments.finding import Finding
from minigan.files.whole_file import replace_file

VERDICTS = {True: ("holds", "holds"), False: ("fails", "does not hold"), None: ("look", "to be looked at")}


@dataclass(frozen=True)
class Entry:
    """A finding, and how it was made: its name, the command that makes it anew, the seed, and the seconds it took."""

    name: str
    finding: Finding
    command: str
    seed: int
    seconds: float


def write(path: Path, entries: list[Entry], heading: str) -> None:
    """Write the page.  `heading` says in a line what was run."""
    page = resources.files("minigan") / "report.html"
    text = Template(page.read_text(encoding="utf-8")).substitute(
        heading=html.escape(heading),
        summary="".join(map(summary_row, entries)),
        sections="".join(map(section, entries)),
    )
    replace_file(path, text.encode())


def summary_row(entry: Entry) -> str:
    """The finding as a row of the table at the top."""
    finding = entry.finding
    kind, verdict = VERDICTS[finding.holds]
    link = f'<a href="#{entry.name}">{html.escape(finding.title)}</a>'
    cells = (link, html.escape(finding.paper), html.escape(finding.ours), f'<span class="{kind}">{verdict}</span>')
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"


def section(entry: Entry) -> str:
    """What is shown of a finding below its name: how it was made, pictures, its table."""
    finding = entry.finding
    made = f"<code>{html.escape(entry.command)}</code> &middot; seed {entry.seed} &middot; {entry.seconds:.0f} s"
    body = pictures(finding.pictures) + (table(finding.table) if finding.table else "")
    title = f'<h2>{html.escape(finding.title)}</h2>\n<p class="made">{made}</p>'
    return f'<section id="{entry.name}">{title}\n{body}</section>\n'


def pictures(paths: tuple[Path, ...]) -> str:
    """Each picture; those named after iterations together, under a slider."""
    frames = [path for path in paths if path.stem.startswith("iteration-")]
    shown = "".join(
        f'<img src="{data_uri(path)}" alt="{html.escape(path.stem)}">\n' for path in paths if path not in frames
    )
    return shown + (slider(frames) if frames else "")


def slider(frames: list[Path]) -> str:
    """Samples as training went on; the script of the page moves them."""
    sources = html.escape(json.dumps([data_uri(path) for path in frames]))
    labels = html.escape(json.dumps([f"iteration {int(path.stem.removeprefix('iteration-'))}" for path in frames]))
    last = len(frames) - 1
    return (
        f'<figure class="slider" data-sources="{sources}" data-labels="{labels}">'
        f'<img src="{data_uri(frames[last])}" alt="samples">'
        f'<input type="range" min="0" max="{last}" value="{last}" aria-label="iteration">'
        "<figcaption></figcaption></figure>\n"
    )


def table(rows: tuple[tuple[str, ...], ...]) -> str:
    """Rows of text, the first of them the head."""
    head, *body = rows
    lines = ["".join(f"<th>{html.escape(cell)}</th>" for cell in head)]
    lines += ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in body]
    inner = "".join(f"<tr>{line}</tr>\n" for line in lines)
    return f"<details {'open' if len(body) <= 20 else ''}><summary>table</summary><table>{inner}</table></details>\n"


def data_uri(path: Path) -> str:
    """The picture's bytes as an address."""
    kind = path.suffix.removeprefix(".").lower()
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
