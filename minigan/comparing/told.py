"""A comparison as text: records, checkpoints, metrics, replay, verdict."""

from __future__ import annotations

from minigan.comparing.comparison import Comparison
from minigan.comparing.records import CAUSES, differing
from minigan.comparing.verdict import verdict

PART = 12
MOST_SHOWN = 3


def lines(found: Comparison) -> list[str]:
    """What was found, part by part; the verdict last."""
    said = [f"{'runs':{PART}}{found.one.name} and {found.other.name}", *records(found), checkpoints(found)]
    if found.metrics is not None:
        iteration, name, one, other = found.metrics
        said.append(f"{'metrics':{PART}}differ from iteration {iteration} on: {name} {one!r} and {other!r}")
    else:
        said.append(f"{'metrics':{PART}}equal wherever both have a line")
    said += replay(found)
    return [*said, f"{'verdict':{PART}}{verdict(found)}"]


def records(found: Comparison) -> list[str]:
    """What differs, a line each; and what does not."""
    rows, told = found.rows, [row for row in found.rows if row.kind != "habit"]
    groups = {"decides": CAUSES, "rounds": ("backend", "kernels"), "no number": ("habit",)}
    said = [f"{group:{PART}}{row}" for group, kinds in groups.items() for row in differing(rows, *kinds)]
    same = dict.fromkeys("all other options" if row.kind == "option" else row.name for row in told if row.same)
    return [*said, f"{'the same':{PART}}{', '.join(same)}"]


def checkpoints(found: Comparison) -> str:
    """Which are equal, and how much of the first one that is not differs."""
    at = found.equal_at
    before = f" and {len(at) - MOST_SHOWN} before" * (len(at) > MOST_SHOWN)
    shown = ", ".join(map(str, at[-MOST_SHOWN:]))
    said = f"equal at {shown}{before}" if at else "none of the same iteration is equal"
    if found.first is not None:
        worst = max(found.apart, key=lambda pair: pair.relative)
        differ = f"{len(found.apart)} tensor{'s differ' if len(found.apart) > 1 else ' differs'}"
        said += f"; at {found.first} {differ}, most of all {worst.at}, {worst.by}"
    return f"{'checkpoints':{PART}}{said}"


def replay(found: Comparison) -> list[str]:
    """What came of playing them again."""
    if found.refused is not None:
        return [f"{'replay':{PART}}not possible here: {found.refused}"]
    replayed = found.replayed
    if replayed is None:
        return []
    places = " and ".join(dict.fromkeys(replayed.places))
    said = [f"{'replay':{PART}}from iteration {replayed.since} to {replayed.until}, on {places}"]
    if found.alike:
        said[0] += " both, so that rounding plays no part"
    if replayed.parted is not None:
        pair = replayed.parted
        said.append(f"{'':{PART}}first to differ: {pair.at}, {pair.values}; {pair.entries} of {pair.one.size} entries")
    for i, pairs in replayed.strayed.items():
        run = (found.one, found.other)[i]
        entries, worst = sum(pair.entries for pair in pairs), max(pairs, key=lambda pair: pair.relative)
        said.append(
            f"{'':{PART}}{run.name} does not come to its checkpoint {replayed.until}: {entries} entries differ, "
            f"most of all {worst.at}, {worst.by}"
        )
    if replayed.parted is None and not replayed.strayed:
        said.append(f"{'':{PART}}both come to the same numbers, and to their checkpoints")
    return said
