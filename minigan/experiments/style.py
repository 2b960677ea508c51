"""The paper's lines (figure 1) in colours near its own, and how a picture is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigan.files.colours import BLUE, GREEN, SKY
from minigan.files.curves import REFERENCE as REFERENCE
from minigan.files.plots import load_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Line = dict[str, Any]
P_DATA: Line = {"color": "black", "linestyle": (0, (1, 1.5)), "linewidth": 2, "label": r"$p_{data}$"}
P_G: Line = {"color": GREEN, "linestyle": "-", "linewidth": 1.6, "label": r"$p_g$"}
D: Line = {"color": BLUE, "linestyle": "--", "linewidth": 1.5, "label": r"$D$, learned"}
D_STAR: Line = {"color": SKY, "linewidth": 0.8, "label": r"$D^* = p_{data} / (p_{data} + p_g)$"}


def figure(
    columns: int, rows: int = 1, width: float = 4.2, height: float = 3.4, **panels: Any
) -> tuple[Figure, list[Axes]]:
    """An empty picture of rows x columns panels, and the panels in reading order."""
    load_matplotlib()
    from matplotlib.figure import Figure

    picture = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return picture, list(picture.subplots(rows, columns, squeeze=False, **panels).flat)


def save(picture: Figure, path: Path) -> Path:
    """Write a PNG that depends on nothing but what is drawn; its path."""
    picture.savefig(path, dpi=110, metadata={"Software": "minigan"})
    return path
