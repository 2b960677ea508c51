"""The report of `minigan.reproduce`: each claim of the paper beside ours, on one page."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from minigan.experiments.finding import Finding
from minigan.files import page

TITLE = "Generative Adversarial Nets, reproduced"
AUTHORS = "Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville and Bengio (2014), beside minigan."
VERDICTS = {True: ("holds", "holds"), False: ("fails", "does not hold"), None: ("look", "to be looked at")}
FRAME = "iteration-"


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
    head = "".join(f'<th scope="col">{name}</th>' for name in ("of the paper", "the paper", "minigan", "verdict"))
    summary = f"<table>\n<tr>{head}</tr>\n{''.join(map(summary_row, entries))}</table>\n"
    page.write(path, TITLE, f"{AUTHORS} {heading}", summary + "".join(map(section, entries)))


def summary_row(entry: Entry) -> str:
    """The finding as a row of the table at the top."""
    finding = entry.finding
    kind, verdict = VERDICTS[finding.holds]
    link = f'<a href="#{entry.name}">{html.escape(finding.title)}</a>'
    cells = (link, html.escape(finding.paper), html.escape(finding.ours), f'<span class="{kind}">{verdict}</span>')
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"


def section(entry: Entry) -> str:
    """What is shown of a finding below its name: how it was made, what was found in words, in pictures, in a table."""
    finding = entry.finding
    made = f"<code>{html.escape(entry.command)}</code> &middot; seed {entry.seed} &middot; {entry.seconds:.0f} s"
    return page.section(
        entry.name,
        finding.title,
        f'<p class="made">{made}</p>',
        page.paragraph(finding.ours),
        pictures(finding),
        page.table(finding.table, f"{finding.title}: table") if finding.table else "",
    )


def pictures(finding: Finding) -> str:
    """Each picture; those named after iterations together, under a slider."""
    frames = [path for path in finding.pictures if path.stem.startswith(FRAME)]
    shown = "".join(
        page.picture(path.read_bytes(), "png", f"{finding.title}: {path.stem.replace('-', ' ')}")
        for path in finding.pictures
        if path not in frames
    )
    labelled = [(path.read_bytes(), f"iteration {int(path.stem.removeprefix(FRAME))}") for path in frames]
    return shown + (page.slider(labelled, f"{finding.title}: samples") if frames else "")
