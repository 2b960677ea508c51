"""What it comes to, in one line."""

from __future__ import annotations

from minigan.comparing.apart import Apart
from minigan.comparing.comparison import Comparison
from minigan.comparing.records import CAUSES, Row, differing, in_force

FEW = 8
"""Entries: what a run does by itself changes more of them, so as few were changed from outside."""


def verdict(found: Comparison) -> str:
    """The cause, or that it is rounding, or that the runs are equal; where they part, and by how much."""
    if found.equal:
        return equal(found)
    replayed = found.replayed
    if replayed is not None and replayed.parted is not None:
        return by_replay(found)
    if entries := few_entries(found):
        return changed_from_outside(found, entries)
    causes = differing(found.rows, *CAUSES)
    if causes and replayed is None:
        return f"{differ(causes)}: they part {between(found)}"
    kernels = differing(found.rows, "kernels", "backend")
    if kernels:
        return f"{differ(kernels)}: they part {between(found)}{unlike_here(found)}"
    return f"unknown: their records are the same, and they part {between(found)}{unlike_here(found)}"


def equal(found: Comparison) -> str:
    """Of two runs that are."""
    at = found.equal_at
    many = f"{len(at)} common checkpoint{'s' * (len(at) != 1)}"
    said = f"equal: the same numbers in {f'{many} up to iteration {at[-1]}' if at else 'all iterations'}"
    if found.replayed is not None:
        said += f", and played again up to {found.replayed.until}"
    ends = {run.name: run.last for run in (found.one, found.other)}
    if len(set(ends.values())) > 1:
        said += f"; {min(ends, key=ends.__getitem__)} ends there"
    others = differing(found.rows, *CAUSES, "kernels", "backend")
    return f"{said} (though {differ(others)})" if others else said


def by_replay(found: Comparison) -> str:
    """Of two runs that part as they are played again."""
    replayed = found.replayed
    assert replayed is not None and replayed.parted is not None
    parted = replayed.parted
    when = f"in iteration {replayed.until}" if replayed.until > replayed.since else "as they begin"
    where = f"they part {when}, at {parted.at}, {parted.by}"
    own_places = replayed.places[0] != replayed.places[1]
    causes = in_force(found.rows, found.one, found.other, replayed.until)
    if causes and not own_places:
        return f"{differ(causes)}: {where}"
    size = "rounding" if parted.is_rounding else "more than rounding"
    if own_places:
        return f"{size}: {replayed.places[0]} against {replayed.places[1]}: {where}"
    return f"not repeatable: nothing in their records differs, and {where}"


def few_entries(found: Comparison) -> list[Apart]:
    """What differs, where it is so few entries that something from outside changed them."""
    strayed = found.replayed.strayed if found.replayed else {}
    rounded = differing(found.rows, "kernels", "backend")
    for differs in (found.apart, *strayed.values()):
        if differs and sum(pair.entries for pair in differs) <= FEW:
            return [] if rounded and all(pair.is_rounding for pair in differs) else differs
    return []


def changed_from_outside(found: Comparison, entries: list[Apart]) -> str:
    """Of two runs of which one has some numbers that no iteration made."""
    replayed, runs = found.replayed, (found.one, found.other)
    iteration = found.first if found.first is not None else replayed.until if replayed else 0
    many = sum(pair.entries for pair in entries)
    kind = "weight" if all(pair.is_weight for pair in entries) else "number"
    said = f"{'one' if many == 1 else many} {kind}{'s differ' if many > 1 else ' differs'}"
    said += f": {', '.join(f'{pair.at} ({pair.values})' for pair in entries)} at checkpoint {iteration}"
    strayed = [runs[i].name for i in replayed.strayed] if replayed else []
    if len(strayed) == 1:
        said += f"; played again, {strayed[0]} comes to another checkpoint than it has"
    return said


def differ(rows: list[Row]) -> str:
    """ "seed differs: 0 and 1", "options differ: lr 0.1 and 0.05, k 1 and 2" """
    said = []
    for kind, one, several in (
        ("seed", "seed differs", ""),
        ("data", "", ""),
        ("option", "an option differs", "options differ"),
        ("phase", "phases differ", ""),
        ("backend", "what computes differs", "what computes differs"),
        ("kernels", "the version of kernels differs", "versions of kernels differ"),
    ):
        of_kind = [row for row in rows if row.kind == kind]
        if kind == "data":
            said += [f"{row.name} differ: {row.one} and {row.other}" for row in of_kind]
        elif of_kind:
            named = kind in ("option", "kernels", "backend")
            values = [str(row) if named else f"{row.one} and {row.other}" for row in of_kind]
            said.append(f"{one if len(of_kind) == 1 else several}: {', '.join(values)}")
    return "; ".join(said)


def between(found: Comparison) -> str:
    """ "between iterations 100 and 200, there at generator.0.W[3, 5], by 1.0e-03 (...)" """
    replayed = found.replayed
    until = found.first if found.first is not None else replayed.until if replayed else found.one.last
    strayed = next(iter(replayed.strayed.values()), []) if replayed else []
    pairs = found.apart or strayed
    if not pairs:
        return f"after iteration {found.since}"
    largest = max(pairs, key=lambda pair: pair.relative)
    return f"between iterations {found.since} and {until}, there at {largest.at}, {largest.by}"


def unlike_here(found: Comparison) -> str:
    """Which of the runs do not come out here as they were."""
    if found.replayed is None:
        return ""
    strayed = [(found.one, found.other)[i].name for i in found.replayed.strayed]
    return f"; played again on {found.replayed.places[0]}, {' and '.join(strayed)} comes out otherwise than it was"
