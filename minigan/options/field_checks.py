"""Options held to what their fields say: types by annotation, ranges by rules."""

from __future__ import annotations

from numbers import Integral, Real
from types import UnionType
from typing import Literal, get_args, get_origin

from minigan.errors import ConfigError


def demand(options, rules: dict[str, tuple[bool, str]]) -> None:
    """Raise ConfigError for the first rule that does not hold: {field: (holds, what was expected)}."""
    for name, (holds, expected) in rules.items():
        if not holds:
            raise ConfigError(f"--{name.replace('_', '-')} {getattr(options, name)}: expected {expected}")


def fits(value, hint) -> bool:
    """Whether a value is of the type that a field's annotation says; a whole number serves as a float."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is UnionType:
        return any(fits(value, part) for part in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(isinstance(part, str) for part in value)
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, {int: Integral, float: Real}.get(hint, hint))


def words(hint) -> str:
    """What values an annotation allows, in words."""
    if get_origin(hint) is Literal:
        return f"one of {', '.join(get_args(hint))}"
    if get_origin(hint) is UnionType:
        return " or ".join(words(part) for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is tuple:
        return "a list of texts"
    return {int: "a whole number", float: "a number", str: "a text"}.get(hint, "true or false")
