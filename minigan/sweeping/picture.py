"""A sweep's curves: a colour for each setting, a thin line for each seed, a thick one for their mean."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from minigan.files.colours import IN_TURN
from minigan.files.curves import REFERENCE
from minigan.files.plots import load_matplotlib
from minigan.sweeping.ends import lines_of
from minigan.sweeping.jobs import Job

PANELS = {
    "value": "V(D, G), nats",
    "g_loss": "G's loss",
    "d_real": "D(x)",
    "d_fake": "D(G(z))",
    "diversity": "diversity of samples",
    "validation": "on validation data",
}
KNOWN = {"value": -log(4), "d_real": 0.5, "d_fake": 0.5}
"""What theory knows of the end of the game."""
MOST_NAMED = 20


def draw(jobs: Sequence[Job], alone: str, path: Path) -> None:
    """Write the picture of what the runs have logged, a PNG; a single setting without a name is called `alone`."""
    load_matplotlib()
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    logged = {job: lines_of(job.folder) for job in jobs}
    shown = [name for name in PANELS if any(line.get(name) is not None for lines in logged.values() for line in lines)]
    settings = list(dict.fromkeys(job.setting for job in jobs))
    few, n = len(settings) <= len(IN_TURN), len(settings)
    colours = IN_TURN if few else [colormaps["viridis"](i / n) for i in range(n)]
    columns = min(3, max(1, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    figure = Figure(figsize=(4.2 * columns, 3.2 * rows + 0.3 * min(len(settings), MOST_NAMED)), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for panel, name in zip(panels, shown):
        for setting, colour in zip(settings, colours):
            curves = [curve(lines, name) for job, lines in logged.items() if job.setting == setting]
            for x, y in curves:
                panel.plot(x, y, color=colour, linewidth=0.5, alpha=0.5)
            panel.plot(*mean(curves), color=colour, linewidth=1.8, label=setting or alone)
        if name in KNOWN:
            panel.axhline(KNOWN[name], **REFERENCE)
        panel.set(xlabel="iteration", title=PANELS[name])
        panel.locator_params(axis="x", nbins=5)
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    if shown:
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles[:MOST_NAMED], labels[:MOST_NAMED], loc="outside lower center", frameon=False)
    figure.savefig(path, dpi=110, format="png", metadata={"Software": "minigan"})


def curve(lines: Sequence[dict[str, Any]], name: str) -> tuple[np.ndarray, np.ndarray]:
    """The iterations (n,) at which a measure was logged, and its values (n,)."""
    pairs = [(line["iteration"], line[name]) for line in lines if line.get(name) is not None]
    x, y = zip(*pairs) if pairs else ((), ())
    return np.array(x, float), np.array(y, float)


def mean(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The iterations that any of the curves has, and the mean of those that have it."""
    x, y = (np.concatenate(parts) for parts in zip(*curves))
    at, which, n = np.unique(x, return_inverse=True, return_counts=True)
    return at, np.bincount(which, y, len(at)) / n
