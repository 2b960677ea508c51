"""Pictures of samples: a grid of images, or a drawing of a distribution in one or two dimensions."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from minigan.files.colours import GREEN
from minigan.files.whole_file import replace_file

GAP = 2
SMALLEST_TILE = 32
YELLOW = (255, 214, 0)


def load_matplotlib() -> None:
    """Load matplotlib, without MPLBACKEND where that names a module that is not there, as in a shell of a notebook.

    Pictures that go into files need no backend.
    """
    try:
        import matplotlib  # noqa: F401
    except ValueError:
        backend = os.environ.pop("MPLBACKEND", None)
        if backend is None:
            raise
        for half_loaded in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
            del sys.modules[half_loaded]
        try:
            import matplotlib  # noqa: F401
        finally:
            os.environ["MPLBACKEND"] = backend


def displayable(images: np.ndarray) -> np.ndarray:
    """Contrast-normalised images (n, F) in [0, 1]: each by its largest magnitude to [-1, 1], zero becoming grey."""
    largest = np.abs(images).max(axis=1, keepdims=True)
    return (images / np.where(largest == 0, 1, largest) + 1) / 2


def image_grid(
    samples: np.ndarray, image_shape: tuple[int, ...], columns: int = 10, outlined: Iterable[int] = ()
) -> np.ndarray:
    """Samples (n, H W C) in [0, 1] as one picture: (height, width, 3) uint8, small images enlarged, gaps between.

    outlined  the numbers of images with a yellow frame
    """
    n = len(samples)
    shape = image_shape if len(image_shape) == 3 else (*image_shape, 1)
    tiles = np.round(255 * np.clip(samples, 0, 1)).astype(np.uint8).reshape(n, *shape)
    tiles = np.broadcast_to(tiles, (*tiles.shape[:3], 3))
    zoom = -(-SMALLEST_TILE // max(shape[:2]))
    tiles = tiles.repeat(zoom, axis=1).repeat(zoom, axis=2)
    height, width = tiles.shape[1] + GAP, tiles.shape[2] + GAP
    columns = min(columns, n)
    grid = np.full((-(-n // columns) * height + GAP, columns * width + GAP, 3), 96, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = GAP + i // columns * height, GAP + i % columns * width
        if i in outlined:
            grid[top - GAP : top + height, left - GAP : left + width] = YELLOW
        grid[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return grid


def save_samples(
    path: Path,
    samples: np.ndarray,
    image_shape: Sequence[int] | None,
    real: np.ndarray | None = None,
    columns: int = 10,
    contrast: bool = False,
    outlined: Iterable[int] = (),
) -> None:
    """A PNG of samples (n, features): a grid of images; without an image shape a drawing of p_g, beside p_data.

    contrast  whether the images are contrast-normalised and not in [0, 1]
    outlined  the numbers of images with a yellow frame
    """
    png = io.BytesIO()
    if image_shape is not None:
        load_matplotlib()
        from matplotlib.image import imsave

        images = displayable(samples) if contrast else samples
        grid = image_grid(images, tuple(image_shape), columns, outlined)
        imsave(png, grid, format="png", metadata={"Software": "minigan"})
    else:
        _draw_distribution(png, samples, real)
    replace_file(Path(path), png.getbuffer())


def _draw_distribution(png: io.BytesIO, samples: np.ndarray, real: np.ndarray | None) -> None:
    """The first one or two features of samples of p_g (n, features), over those of p_data if they are given."""
    load_matplotlib()
    from matplotlib.figure import Figure

    flat = samples.shape[1] == 1
    figure = Figure(figsize=(6, 4) if flat else (6, 6), layout="constrained")
    axes = figure.add_subplot()
    drawn = [(samples, GREEN, "p_g")] + ([] if real is None else [(real, "black", "p_data")])
    if flat:
        low, high = min(x.min() for x, *_ in drawn), max(x.max() for x, *_ in drawn)
        bins = np.linspace(low, high, 60).tolist()
        for x, colour, label in drawn:
            axes.hist(x[:, 0], bins, density=True, histtype="step", color=colour, label=label)
        axes.set(xlabel="x", ylabel="density")
    else:
        for x, colour, label in reversed(drawn):
            axes.scatter(x[:, 0], x[:, 1], s=6, color=colour, alpha=0.4, linewidths=0, label=label)
        axes.set(xlabel="x1", ylabel="x2", aspect="equal")
    axes.legend(loc="upper right", markerscale=1 if flat else 3)
    figure.savefig(png, format="png", dpi=100, metadata={"Software": "minigan"})
