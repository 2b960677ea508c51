"""How to do again what was done: a command where there is one, and a program always."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from minigan.living.session import Move, Session
from minigan.options.config import THIS_CALL, Config
from minigan.options.phases import recipe_before
from minigan.run.start import with_recipe

OUT = "again"


def command(session: Session) -> str | None:
    """The `minigan.train` that makes the same checkpoint; None where no command can (`why_no_command`).

    A change that no iteration has been played by yet has no part in it.
    """
    gan = session.gan
    if gan.iteration == 0 or why_no_command(session) is not None:
        return None
    played = with_recipe(session.options(), recipe_before(gan.recipe, gan.phases, gan.iteration))
    begun = tuple(str(phase) for phase in gan.phases if phase.iteration < gan.iteration)
    asked = replace(played, phases=begun or None, iterations=gan.iteration)
    return shlex.join(["python", "-m", "minigan.train", *flags(asked, session.base), "--out", OUT])


def why_no_command(session: Session) -> str | None:
    """What was done that `minigan.train` does not do; None where it does all of it."""
    if session.first[1] or any(move.name == "plant" and move.arguments != (None,) for move in session.moves):
        return "a bug was planted"
    if session.half:
        return "D has made its steps of this iteration and G has not"
    if any(before != after for before, after in halves(session.moves)):
        return "one player has played alone"
    return None


def halves(moves: list[Move]) -> Iterator[tuple[str, str]]:
    """What was expected and what came: after D's half of an iteration G's, or play, which ends it."""
    expected = "d"
    for move in moves:
        if move.name == "half_step":
            (player,) = move.arguments
            yield expected, player
            expected = "g" if player == "d" else "d"
        elif move.name == "play":
            expected = "d"


def flags(config: Config, base: Config) -> list[str]:
    """The options in which this differs from its preset, as a command line has them."""
    found = ["--preset", config.preset]
    for field in fields(Config):
        value = getattr(config, field.name)
        if field.name in THIS_CALL or value == getattr(base, field.name):
            continue
        name = field.name.replace("_", "-")
        found += [f"--{name}" if value else f"--no-{name}"] if isinstance(value, bool) else [f"--{name}", *words(value)]
    return found


def words(value: Any) -> list[str]:
    """A value on a command line."""
    return [str(part) for part in value] if isinstance(value, tuple) else [str(value)]


def program(session: Session) -> str:
    """Python that makes the same moves."""
    (config, bug), base = session.first, session.base
    changed = [
        f"    {field.name}={getattr(config, field.name)!r},\n"
        for field in fields(Config)
        if getattr(config, field.name) != getattr(base, field.name)
    ]
    options = (
        f"replace(\n    preset({config.preset!r}),\n{''.join(changed)})" if changed else f"preset({config.preset!r})"
    )
    lines = [
        "from dataclasses import replace\n",
        "from minigan.living.session import Session",
        "from minigan.options.config import preset\n",
        f"config = {options}",
        f"run = Session(config, bug={bug!r})" if bug else "run = Session(config)",
        *(f"run.{written(move)}" for move in session.moves),
        f'run.gan.save("{OUT}.safetensors")',
        "run.close()",
    ]
    return "\n".join(lines) + "\n"


def written(move: Move) -> str:
    """A move as Python has it."""
    given = [repr(argument) for argument in move.arguments] + [f"{name}={value!r}" for name, value in move.options]
    return f"{move.name}({', '.join(given)})"
