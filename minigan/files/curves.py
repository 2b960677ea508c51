"""The curves of a fit."""

from __future__ import annotations

from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minigan.errors import ConfigError
from minigan.files.plots import load_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REFERENCE: dict[str, Any] = {"color": "grey", "linestyle": "-", "linewidth": 0.7}
"""The line of a value that theory knows."""


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
    epochs, measured = series["epoch"], "validation" in series
    figure = Figure(figsize=(4.2 * (3 + measured), 3.4), layout="constrained")
    values, chances, gradients, *more = figure.subplots(1, 3 + measured)
    values.plot(epochs, series["value"], color="black", linewidth=1, label="V(D, G)")
    values.axhline(-log(4), **REFERENCE)
    values.annotate("-log 4", (epochs[-1], -log(4)), ha="right", va="bottom", color="grey")
    values.set(xlabel="epoch", ylabel="nats", title="value", ylim=(-1.1 * log(4), None))
    chances.plot(epochs, series["d_real"], color="black", linewidth=1, label="D(x)")
    chances.plot(epochs, series["d_fake"], color="green", linewidth=1, label="D(G(z))")
    chances.axhline(0.5, **REFERENCE)
    chances.annotate("1/2", (epochs[-1], 0.5), ha="right", va="bottom", color="grey")
    chances.set(xlabel="epoch", ylim=(0, 1), title="what D believes")
    chances.legend()
    for name, colour, label in (("d_gradient", "blue", "D"), ("g_gradient", "green", "G")):
        gradients.semilogy(epochs, series[name], color=colour, linewidth=1, label=label)
    gradients.set(xlabel="epoch", title="length of the gradient")
    gradients.legend()
    if measured:
        known = np.isfinite(series["validation"])
        more[0].plot(epochs[known], series["validation"][known], color="black", linewidth=1, marker=".")
        more[0].set(xlabel="epoch", title="on validation data")
    if path is not None:
        figure.savefig(path, dpi=110, format="png", metadata={"Software": "minigan"})
    return figure


NAMES = ("epoch", "value", "d_real", "d_fake", "d_gradient", "g_gradient", "validation")
