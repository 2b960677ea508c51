"""Bugs by seed: three in the files of the course, each in another file, among lines that are only spelled otherwise.

What is spelled otherwise computes the same, so that a comparison with the right files does not show the bugs.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from minigan.checks.planted_bugs import BUGS
from minigan.teaching.edits import EDITS, SPELLINGS, Edit

BUGS_A_FOLDER = 3
SHARE_SPELLED = 0.6
"""of the spellings that a folder gets"""


@dataclass(frozen=True)
class Planted:
    """A bug in a student's file.

    name         that of `minigan.gradcheck --plant`, which has the same bug in the library
    file, line   where it is: layers.py, the first line that differs
    wrong, right what stands there, and what should
    """

    name: str
    file: str
    line: int
    wrong: str
    right: str

    @property
    def what(self) -> str:
        return BUGS[self.name].what

    @property
    def seen(self) -> str:
        return BUGS[self.name].seen


def planted(files: dict[str, str], seed: int, key: str = "") -> tuple[dict[str, str], tuple[Planted, ...]]:
    """The files with the bugs of this seed, and the bugs.  The same seed and key plant the same."""
    dice = random.Random(f"{seed} {key}")
    spoilt = sorted(dice.sample(sorted({edit.file for edit in EDITS}), BUGS_A_FOLDER))
    chosen = [dice.choice([edit for edit in EDITS if edit.file == file]) for file in spoilt]
    spelled = [edit for edit in SPELLINGS if dice.random() < SHARE_SPELLED and not _touch(edit, chosen)]
    texts = dict(files)
    for edit in (*spelled, *chosen):
        texts[edit.file] = edit.made_in(texts[edit.file])
    return texts, tuple(_found(edit, texts[edit.file]) for edit in chosen)


def _touch(spelling: Edit, chosen: Iterable[Edit]) -> bool:
    """Whether a bug needs lines that this spelling changes."""
    of_file = [edit for edit in chosen if edit.file == spelling.file]
    return any(set(edit.right.splitlines()) & set(spelling.right.splitlines()) for edit in of_file)


def _found(edit: Edit, text: str) -> Planted:
    same = next(
        i for i, (a, b) in enumerate(zip(edit.wrong.splitlines() + [""], edit.right.splitlines() + [""])) if a != b
    )
    line = text[: text.index(edit.wrong)].count("\n") + 1 + same
    return Planted(edit.name, edit.file, line, edit.wrong.strip("\n"), edit.right.strip("\n"))
