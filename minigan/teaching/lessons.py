"""What there is to be learnt: which files a lesson gives, and what of them is for the student to write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources

from minigan.errors import ConfigError, did_you_mean

COURSE = "minigan.teaching.course"
LAYERS = ("linear", "relu", "sigmoid", "maxout", "dropout")


@dataclass(frozen=True)
class Lesson:
    """One homework.

    what      in a line
    graded    the files that are marked, in the order of their imports, without .py
    given     programs beside them, for the student alone
    written   {file: the functions whose bodies are cut out}
    planted   whether a seed plants bugs in the files
    """

    name: str
    what: str
    graded: tuple[str, ...]
    given: tuple[str, ...]
    written: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    planted: bool = False

    @property
    def task(self) -> str:
        """README.md of the student's folder."""
        return resources.files(COURSE).joinpath(f"{self.name}.md").read_text(encoding="utf-8")


def source(file: str) -> str:
    """The text of a file of the course, right and whole, as it stands in minigan."""
    return resources.files(COURSE).joinpath(f"{file}.py").read_text(encoding="utf-8")


LESSONS = {
    lesson.name: lesson
    for lesson in (
        Lesson(
            "backward",
            "the backward pass of five layers and the paper's two losses",
            ("layers", "losses"),
            ("test_gradients", "train"),
            {"layers": tuple(f"{name}_backward" for name in LAYERS), "losses": ("d_slope", "g_slope")},
        ),
        Lesson(
            "algorithm1",
            "momentum, D's step, G's step and the loop around them, given every gradient",
            ("layers", "losses", "learn", "game"),
            ("play",),
            {"learn": ("descend",), "game": ("d_step", "g_step", "iterate")},
        ),
        Lesson(
            "find-the-bug",
            "a GAN that runs and is wrong in three places",
            ("layers", "losses", "learn", "game"),
            ("play",),
            planted=True,
        ),
    )
}


def named(name: str) -> Lesson:
    """The lesson of this name.  Raises ConfigError where there is none."""
    if name not in LESSONS:
        raise ConfigError(f"--lesson {name}: expected one of {', '.join(LESSONS)}{did_you_mean(name, LESSONS)}")
    return LESSONS[name]
