"""What an experiment found, beside what the paper says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One line of the report, and what is shown below it.

    title    what it is about: "Proposition 1", "Figure 1"
    paper    the paper's claim or value, in a sentence
    ours     what was measured, in a sentence with its figures
    holds    whether ours agrees with the paper, by the criterion that `ours` states; None for a picture to be looked at
    numbers  every measured figure by name, as JSON has them
    pictures files in the experiment's folder, in the order to show them in
    table    rows of text, the first its head, or none
    """

    title: str
    paper: str
    ours: str
    holds: bool | None
    numbers: dict[str, Any]
    pictures: tuple[Path, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
