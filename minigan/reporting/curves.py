"""The curves of a run, drawn and in words."""

from __future__ import annotations

import io
from math import log
from typing import Any

from minigan.files import page
from minigan.files.curves import by_name, draw_history

ROWS = 12
COLUMNS = ("iteration", "epoch", "value", "d_real", "d_fake", "d_gradient", "g_gradient", "diversity", "validation")


def drawn(lines: list[dict[str, Any]]) -> str:
    """The picture, its words, and a table of some lines."""
    if not lines:
        return page.paragraph("No line in metrics.jsonl yet.")
    svg, history = io.BytesIO(), by_name(lines)
    figure = draw_history(history)
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "minigan"}):  # names within the drawing depend on nothing but what is drawn
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": "minigan"})
    words = in_words(history)
    shows = f"Curves along {history['epoch'][-1]:g} epochs. {words}"
    return page.picture(svg.getvalue(), "svg+xml", shows, words) + page.table(
        rows(lines), "Curves in numbers", shut=True
    )


def in_words(history: dict[str, list[Any]]) -> str:
    """How each curve began and where it is."""
    said = []
    if ends := first_and_last(history, "value"):
        said.append(
            f"V(D, G) began at {ends[0]:.3f} and is {ends[1]:.3f} nats; -log 4 = {-log(4):.3f} is the even game."
        )
    if (real := first_and_last(history, "d_real")) and (fake := first_and_last(history, "d_fake")):
        said.append(
            f"D gives data {real[1]:.2f} on average (at first {real[0]:.2f}) and samples {fake[1]:.2f} (at first "
            f"{fake[0]:.2f}); 0.5 each where it can tell nothing."
        )
    if (d := first_and_last(history, "d_gradient")) and (g := first_and_last(history, "g_gradient")):
        said.append(f"D's gradient has length {d[1]:.2g} (at first {d[0]:.2g}), G's {g[1]:.2g} (at first {g[0]:.2g}).")
    if measured := known(history, "validation"):
        best = max(range(len(measured)), key=lambda i: measured[i][1])
        said.append(f"On validation data it was best at iteration {measured[best][0]}: {measured[best][1]:.4g}.")
    return " ".join(said)


def known(history: dict[str, list[Any]], name: str) -> list[tuple[int, float]]:
    """(iteration, number) of the lines that have it."""
    pairs = zip(history["iteration"], history.get(name, []))
    return [(iteration, number) for iteration, number in pairs if isinstance(number, (int, float))]


def first_and_last(history: dict[str, list[Any]], name: str) -> tuple[float, float] | None:
    found = known(history, name)
    return (found[0][1], found[-1][1]) if found else None


def rows(lines: list[dict[str, Any]]) -> list[list[str]]:
    """Some lines, evenly spaced, the first and the last among them."""
    names = [name for name in COLUMNS if any(name in line for line in lines)]
    return [names, *([shown(line.get(name)) for name in names] for line in evenly(lines, ROWS))]


def evenly(things: list[Any], most: int) -> list[Any]:
    """At most so many of them, evenly spaced, the first and the last among them."""
    if len(things) <= most:
        return things
    return [things[round(i * (len(things) - 1) / (most - 1))] for i in range(most)]


def shown(number: object) -> str:
    """A number of a line, or a dash where it has none."""
    return f"{number:.4g}" if isinstance(number, float) else "-" if number is None else str(number)
