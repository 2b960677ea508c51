"""The curves of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minigan.errors import ConfigError
from minigan.files.colours import BLACK, BLUE, GREEN
from minigan.files.plots import load_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REFERENCE: dict[str, Any] = {"color": "grey", "linestyle": "-", "linewidth": 0.7}
"""The line of a value that theory knows."""

NAMES = ("epoch", "value", "d_real", "d_fake", "d_gradient", "g_gradient", "validation")


def draw_history(history: dict[str, list[float | str | None]], path: str | Path | None = None) -> Figure:
    """V, D(x) and D(G(z)), the gradients' lengths and the validation measure, if there is any, along training.

    history  {"epoch": [...], "value": [...], ...}: `GAN.history_`, or the lines of a metrics.jsonl name by name
    path     where to write it as a PNG; None: it is not written

    Raises ConfigError for a history of nothing, OSError where the disk refuses.
    """
    if not history.get("epoch"):
        raise ConfigError("the history is empty, expected that of a fit, as history_ has it")
    load_matplotlib()
    from matplotlib.figure import Figure

    series = {name: np.array(history[name], float) for name in NAMES if name in history}
    measured = "validation" in series
    figure = Figure(figsize=(4.2 * (3 + measured), 3.4), layout="constrained")
    values, chances, gradients, *more = figure.subplots(1, 3 + measured)
    draw(values, series, {"value": (BLACK, "-", "V(D, G)")}, (-log(4), "-log 4"))
    values.set(ylabel="nats", title="value", ylim=(-1.1 * log(4), None))
    draw(chances, series, {"d_real": (BLACK, "-", "D(x)"), "d_fake": (GREEN, "--", "D(G(z))")}, (0.5, "1/2"))
    chances.set(ylim=(0, 1), title="what D believes")
    chances.legend()
    draw(gradients, series, {"d_gradient": (BLUE, "-", "D"), "g_gradient": (GREEN, "--", "G")})
    gradients.set(yscale="log", title="length of the gradient")
    gradients.legend()
    if measured:
        draw(more[0], series, {"validation": (BLACK, ".-", "validation")})
        more[0].set(title="on validation data")
    if path is not None:
        figure.savefig(path, dpi=110, format="png", metadata={"Software": "minigan"})
    return figure


def draw(
    axes: Axes,
    series: dict[str, np.ndarray],
    looks: dict[str, tuple[str, str, str]],
    known: tuple[float, str] | None = None,
) -> None:
    """Curves along the epochs, where there are numbers: {name: (colour, line, label)}; `known` is theory's value."""
    epochs = series["epoch"]
    for name, (colour, line, label) in looks.items():
        numbers = series.get(name, np.full_like(epochs, np.nan))
        there = np.isfinite(numbers)
        axes.plot(epochs[there], numbers[there], line, color=colour, linewidth=1, label=label)
    if known is not None:
        axes.axhline(known[0], **REFERENCE)
        axes.annotate(known[1], (epochs[-1], known[0]), ha="right", va="bottom", color="grey")
    axes.set(xlabel="epoch")


def by_name(lines: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """The lines of a metrics.jsonl name by name, as `draw_history` takes them; None where a line has no such number."""
    names = dict.fromkeys(name for line in lines for name in line)
    return {name: [line.get(name) for line in lines] for name in names}
