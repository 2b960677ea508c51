"""What a planted bug is, and how it gets in and out again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

import numpy as np

Wrong = Callable[[Any], Any]


@dataclass(frozen=True)
class Bug:
    """An attribute of the library and the wrong one that replaces it.

    name              in kebab case
    owner, attribute  the class or module, and what of it is replaced
    wrong             from the right attribute to the wrong one
    row               the row of `minigan.gradcheck`'s table that is there to catch it
    options           of `minigan.train`, with which it shows; none for the preset `digits` as it is
    what              the wrong formula, or what goes wrong
    seen              what a person would see in training
    """

    name: str
    owner: Any
    attribute: str
    wrong: Wrong
    row: str
    options: tuple[str, ...]
    what: str
    seen: str

    @property
    def where(self) -> str:
        """The place in the code: "NumpyOps.relu_backward", "rng.ROUNDS"."""
        return f"{self.owner.__name__.removeprefix('minigan.')}.{self.attribute}"

    @property
    def file(self) -> str:
        """The file of that place, from the root of the repository."""
        return getattr(self.owner, "__module__", self.owner.__name__).replace(".", "/") + ".py"


class Bugs(dict[str, Bug]):
    """Bugs by name, in the order in which they were written down."""

    def plant_in(self, owner: Any, attribute: str, row: str, options: str = "") -> Callable[[Wrong], Wrong]:
        """A decorator: the function makes the wrong attribute from the right one, and its name is the bug's.

        Its docstring is two paragraphs: what is wrong, and what a person would see in training.
        """

        def keep(wrong: Wrong) -> Wrong:
            told = cleandoc(wrong.__doc__).split("\n\n") if wrong.__doc__ else ["", ""]  # `python -OO` keeps none
            what, seen = (" ".join(part.split()) for part in told)
            name = wrong.__name__.replace("_", "-")
            self[name] = Bug(name, owner, attribute, wrong, row, tuple(options.split()), what, seen)
            return wrong

        return keep


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """While it is open, the library has the bug; afterwards it is as before.

    What overflows because of it does so without a warning.
    """
    right = vars(bug.owner)[bug.attribute]
    setattr(bug.owner, bug.attribute, bug.wrong(right))
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        setattr(bug.owner, bug.attribute, right)
