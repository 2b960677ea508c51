"""Marks in words, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

import minigan
from minigan.teaching.handout import Homework
from minigan.teaching.marking import Mark


def text(marks: Sequence[Mark]) -> str:
    """A line for each mark, with the reason for what is missing, and their sum."""
    width = max(len(mark.what) for mark in marks)
    lines = [f"{mark.what:{width}}  {mark.points} of {mark.of}   {mark.reason}".rstrip() for mark in marks]
    return "\n".join([*lines, f"{sum(m.points for m in marks)} of {sum(m.of for m in marks)} points"])


def as_json(folder: str, homework: Homework, marks: Sequence[Mark]) -> str:
    """One line, to be collected from many folders."""
    found = {
        "folder": folder,
        "lesson": homework.lesson.name,
        "seed": homework.seed if homework.lesson.planted else None,
        "points": sum(mark.points for mark in marks),
        "of": sum(mark.of for mark in marks),
        "marks": [vars(mark) for mark in marks],
        "minigan": minigan.__version__,
    }
    return json.dumps(found)
