"""With what a run was made: its options, networks, phases, sessions and checkpoints."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from minigan.errors import ConfigError
from minigan.files import page
from minigan.files.checkpoint import Header, numbered
from minigan.files.run_folder import RunFolder
from minigan.options.config import THIS_CALL, Config, preset
from minigan.options.phases import Phase

HEAD = ("option", "value", "the preset's")


def tables(folder: RunFolder, config: Config, header: Header | None, damaged: list[str]) -> list[str]:
    """Each as HTML."""
    return [
        options(config),
        phases(config),
        data(header),
        sessions(folder),
        failures(folder),
        checkpoints(folder, damaged),
    ]


def options(config: Config) -> str:
    """Those that differ from the preset, and all of them."""
    try:
        begun_from = preset(config.preset)
    except ConfigError:  # a file of one's own that is there no more
        begun_from = config
    names = [f.name for f in fields(Config) if f.name not in (*THIS_CALL, "preset", "phases")]
    rows = [(name, text(getattr(config, name)), text(getattr(begun_from, name))) for name in names]
    others = [row for row in rows if row[1] != row[2]]
    caption = (
        f"Options that differ from preset {config.preset}" if others else f"No option differs from {config.preset}"
    )
    return page.table([HEAD, *others], caption) * bool(others) + page.table(
        [HEAD[:2], *(row[:2] for row in rows)], f"All {len(rows)} options", shut=True
    )


def text(value: object) -> str:
    """A value of an option: layers one after the other, nothing as a dash."""
    return ", ".join(value) if isinstance(value, tuple) else "-" if value is None else str(value)


def phases(config: Config) -> str:
    """From which iterations on the recipe was another."""
    rows = [(str(phase.iteration), phase.said) for phase in map(Phase.read, config.phases or ())]
    if not rows:
        return page.paragraph("One phase: the recipe was not changed on the way.")
    return page.table([("from iteration", "changed"), *rows], "Phases")


def data(header: Header | None) -> str:
    """What the newest checkpoint says of the data and of the kernels."""
    if header is None:
        return page.paragraph("No checkpoint that can be trusted yet.")
    described = header["data"]
    rows = [
        ("data", str(described.get("name"))),
        ("their shape", f"{described.get('shape')} {described.get('dtype', '')}"),
        ("their SHA-256", str(described.get("sha256"))),
        ("backend", f"{header.get('backend')}, {header.get('threads')} threads, numerics {header.get('numerics', 1)}"),
    ]
    return page.table([("newest checkpoint", f"iteration {header['iteration']}"), *rows], "What its checkpoints say")


def sessions(folder: RunFolder) -> str:
    """When, with which command and with what it began and went on."""
    lines = [line for line in folder.remembered() if "versions" in line]
    if not lines:
        return page.paragraph("No record.jsonl: a run of minigan 0.1.0 has none.")
    head = ("from iteration", "time", "command", "computed by", "versions", "processor", "git")
    return page.table([head, *map(session, lines)], "Sessions")


def session(line: dict[str, Any]) -> list[str]:
    """One of them as a row."""
    versions = ", ".join(f"{name} {version}" for name, version in line["versions"].items())
    state = (line.get("git") or {}).get("minigan") or {}
    git = f"{state.get('commit', '-')[:12]}{', files changed' * bool(state.get('changed'))}"
    known = [line.get(name, "-") for name in ("iteration", "time", "command", "place")]
    return [*map(str, known), versions, str(line.get("machine", {}).get("processor", "-")), git]


def failures(folder: RunFolder) -> str:
    """What watched the run and failed on the way."""
    rows = [(str(line["iteration"]), line["failed"], line["why"]) for line in folder.remembered() if "failed" in line]
    return page.table([("iteration", "what failed", "why"), *rows], "Failed on the way") if rows else ""


def checkpoints(folder: RunFolder, damaged: list[str]) -> str:
    """Which there are, and which are damaged."""
    found = numbered(folder.checkpoints)
    words = f"{len(found)} checkpoint{'s' * (len(found) != 1)}"
    words += f", {found[0].name} to {found[-1].name}" if found else ""
    best = "; and best.safetensors" if folder.best.exists() else ""
    return page.paragraph(f"{words}{best}.") + "".join(page.paragraph(why, "fails") for why in damaged)
