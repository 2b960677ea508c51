"""Two runs compared: what they record, their checkpoints, and both played again from the last one that is equal."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from minigan.comparing.apart import Apart, apart
from minigan.comparing.records import CAUSES, Row, differing, records
from minigan.comparing.replay import Place, Replay, Replayed, play
from minigan.comparing.saved_run import SavedRun, check_networks, common, first_metrics_apart
from minigan.errors import CheckpointError, ConfigError, DataError, DeviceError, PassedOver, one_line


@dataclass(frozen=True)
class Comparison:
    """What was found.

    rows      all that both record
    equal_at  the iterations of the common checkpoints that are equal, up to the first one that is not
    first     the iteration of that one; None: all of them are equal
    apart     what differs in it
    metrics   the first numbers of metrics.jsonl that differ, as `first_metrics_apart` has them
    replayed  both played again after the last of `equal_at`; None where there was nothing to play, or it could not be
    alike     whether that was on what the first run was played on, so that rounding plays no part
    refused   why it could not be
    """

    one: SavedRun
    other: SavedRun
    rows: list[Row]
    equal_at: list[int]
    first: int | None
    apart: list[Apart]
    metrics: tuple[int, str, float, float] | None
    replayed: Replayed | None
    alike: bool
    refused: str | None

    @property
    def since(self) -> int:
        """The last iteration of which both are known to be equal, if it is not the beginning."""
        return self.equal_at[-1] if self.equal_at else 0

    @property
    def equal(self) -> bool:
        """Whether nothing was found in which they differ."""
        replayed = self.replayed
        return self.first is None and (replayed is None or replayed.parted is None and not replayed.strayed)


def compare(one: Path, other: Path, say: Callable[[str], None]) -> Comparison:
    """Compare the runs in two folders; `say` is told what takes its time.

    Raises ConfigError where there is no run, or two of different networks; CheckpointError where one has no checkpoint
    that can be trusted.
    """
    runs = SavedRun(one), SavedRun(other)
    check_networks(*runs)
    rows = records(*runs)
    equal_at, first, found = first_checkpoint_apart(*runs)
    since, until = equal_at[-1] if equal_at else 0, min(run.last for run in runs) if first is None else first
    replayed, alike, refused = None, False, None
    if until > since:
        try:
            replayed, alike = played_again(*runs, bool(differing(rows, *CAUSES)), since, until, say)
        except (ConfigError, DataError, CheckpointError, DeviceError) as error:
            refused = one_line(error)
    return Comparison(*runs, rows, equal_at, first, found, first_metrics_apart(*runs), replayed, alike, refused)


def first_checkpoint_apart(one: SavedRun, other: SavedRun) -> tuple[list[int], int | None, list[Apart]]:
    """`equal_at`, `first` and `apart` of a Comparison.  A damaged checkpoint is passed over, with a warning.

    All are read in turn, and not by bisection: one that was changed by hand need not have a successor that is.
    """
    equal_at: list[int] = []
    for iteration in common(one, other):
        try:
            found = apart(one.read(iteration)[0], other.read(iteration)[0])
        except CheckpointError as error:
            warnings.warn(f"{error}; iteration {iteration} is not compared", PassedOver, stacklevel=3)
            continue
        if found:
            return equal_at, iteration, found
        equal_at.append(iteration)
    return equal_at, None, []


def played_again(
    one: SavedRun, other: SavedRun, causes: bool, since: int, until: int, say: Callable[[str], None]
) -> tuple[Replayed, bool]:
    """What came of it, and whether both were played on what the first one was played on.

    Where their records hold causes, both are: so these are seen apart from rounding.  If they do not part then, those
    are no causes, and each is played on what it was played on.
    """
    own = Place.of(one, since), Place.of(other, since)
    if causes and own[0] != own[1]:
        replayed = _played(one, other, (own[0], own[0]), since, until, say, held=False)
        if replayed.parted is not None:
            return replayed, True
    return _played(one, other, own, since, until, say, held=True), False


def _played(
    one: SavedRun,
    other: SavedRun,
    places: tuple[Place, Place],
    since: int,
    until: int,
    say: Callable[[str], None],
    held: bool,
) -> Replayed:
    first, second = (Replay(run, since, place) for run, place in zip((one, other), places))
    on = dict.fromkeys((first.gan.ops.description, second.gan.ops.description))
    say(f"played again from iteration {since} to {until} at most, on {' and '.join(on)}")
    return play(first, second, until, held)
