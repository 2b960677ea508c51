"""A loss in a checkpoint's recipe: one of minigan's by its name, one of your own by its class's name and its fields."""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import Any

from minigan.errors import ConfigError, shortened
from minigan.game.losses import LOSSES
from minigan.layers.models import fields_of, made_of
from minigan.options.recipe import Loss


def to_json(loss: Loss | str) -> str | list[Any]:
    """A name, or [the class's name, {field: value}].

    Raises ValueError for what is no frozen dataclass, or has a field of a kind that a checkpoint does not keep.
    """
    name = next((name for name, known in LOSSES.items() if loss in (name, known)), None)
    if name is not None:
        return name
    if not (is_dataclass(loss) and getattr(loss, "__dataclass_params__").frozen):
        raise ValueError(f"{type(loss).__name__}: expected @dataclass(frozen=True), whose fields a checkpoint keeps")
    return [type(loss).__name__, fields_of(loss)]


def from_json(kept: str | list[Any], own: type | None) -> Any:
    """What `to_json` described; `own` is the class of a loss of your own.  Raises ValueError for anything else."""
    if isinstance(kept, str):
        return kept
    try:
        return made_of({} if own is None else {own.__name__: own}, *kept, kind="loss", asked="loss=its class")
    except (TypeError, AttributeError) as error:
        raise ValueError(f"no description of a loss: {shortened(repr(kept))} ({error})") from None


def check_loadable(loss: Loss | str) -> None:
    """Raise ConfigError where what `to_json` says of a loss would not make it again."""
    try:
        from_json(to_json(loss), type(loss))
    except ValueError as error:
        raise ConfigError(f"the loss could not be saved and loaded: {error}") from None
