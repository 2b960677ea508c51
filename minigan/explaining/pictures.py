"""An array as a picture, a histogram and a few numbers.

Every pixel of a picture is one entry, rounded to 256 colours: of an array that is too large every s-th row and column.
Where an array has both signs, blue is below 0, red above, white 0, of the colours that all kinds of colour vision tell
apart; where it has none below 0, it goes from white, its smallest, over blue to its largest, which is nearly black.
What lives among pixels is shown as pictures, a row or a column each, and what lives in the plane as points.
"""

from __future__ import annotations

import base64
import io
from typing import Any, Literal

import numpy as np

from minigan.files.colours import BLUE, VERMILLION

MOST, MOST_TILES, MOST_POINTS, COLUMNS, WRAP, BINS = 112, 40, 512, 10, 50, 41
GAP, NARROW = 1, 4
WHITE, GREY = (255, 255, 255), 127
Pixels = Literal["rows", "columns"] | None
"""whether each row of an array lies in the space of pictures, or each column, or neither"""


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:], 16)


def between(low: tuple[int, int, int], high: tuple[int, int, int], n: int) -> np.ndarray:
    """n colours from one to the other."""
    return np.linspace(low, high, n)


DIVERGING = np.concatenate([between(rgb(BLUE), WHITE, 128), between(WHITE, rgb(VERMILLION), 129)[1:]]).astype(np.uint8)
"""(256, 3): index 127 is 0"""
SEQUENTIAL = np.concatenate([between(WHITE, rgb(BLUE), 160), between(rgb(BLUE), (0, 20, 40), 97)[1:]]).astype(np.uint8)
GREYS = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def statistics(array: np.ndarray) -> dict[str, Any]:
    """Smallest, largest, mean and deviation of the finite entries, how many are 0, and how many are not finite."""
    finite = array[np.isfinite(array)].astype(np.float64)
    numbers = finite if finite.size else np.zeros(1)
    return {
        "min": float(numbers.min()),
        "max": float(numbers.max()),
        "mean": float(numbers.mean()),
        "deviation": float(numbers.std()),
        "zeros": int((array == 0).sum()),
        "not_finite": int(array.size - finite.size),
        "size": int(array.size),
    }


def histogram(array: np.ndarray) -> dict[str, Any]:
    """{low, high, counts} of the finite entries, in bins of one width."""
    finite = array[np.isfinite(array)].astype(np.float64)
    counts, edges = np.histogram(finite if finite.size else np.zeros(1), BINS)
    return {"low": float(edges[0]), "high": float(edges[-1]), "counts": counts.tolist()}


def picture(
    array: np.ndarray,
    pixels: Pixels = None,
    shape: tuple[int, ...] = (),
    bright: bool = False,
    at: np.ndarray | None = None,
) -> dict[str, Any] | None:
    """The picture of an array (n,) or (n, m); None where one entry is all that it has.

    pixels  with `shape`, (H, W) or (H, W, 3): which of its axes is a picture
    bright  whether its numbers are brightness in [0, 1], and not signed
    at      (n, 2) where each row is in the plane, if it is anywhere

    kind "heat": `rows` and `columns` are the numbers of those shown, a column a line where it is `turned`; a vector is
    wrapped, `wrap` entries a line.
    kind "pictures": tiles of `tile` pixels, `across` of them a line, GAP between; `items` are the numbers of the rows
    or columns shown.
    kind "points": (x, y) of the first rows; of derivatives also `arrows`, against which they point.
    """
    values = np.nan_to_num(array.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    if array.size < 2:
        return None
    if at is not None:
        points = {"kind": "points", "points": at[:MOST_POINTS].astype(np.float64).tolist()}
        return points | ({} if at is array else {"arrows": (-values[:MOST_POINTS]).tolist()})
    if pixels is not None:
        rows = values if pixels == "rows" else values.T
        return tiles(np.atleast_2d(rows), shape, bright, "rows" if pixels == "rows" or array.ndim == 1 else "columns")
    if array.ndim == 1 or 1 in array.shape:
        return wrapped(values.ravel())
    rows, columns = (np.arange(0, n, -(-n // MOST)) for n in array.shape)
    index, scale, colours = coloured(values[np.ix_(rows, columns)])
    turned = len(rows) > NARROW * len(columns)
    found = {"kind": "heat", "rows": rows.tolist(), "columns": columns.tolist(), "turned": turned, **scale}
    return found | {"png": png(np.ascontiguousarray(index.T) if turned else index, colours)}


def wrapped(vector: np.ndarray) -> dict[str, Any]:
    """A vector, line by line."""
    index, scale, colours = coloured(vector[: MOST * WRAP])
    width = min(len(index), WRAP)
    lines = np.full((-(-len(index) // width), width), GREY if colours is DIVERGING else 0, np.uint8)
    lines.ravel()[: len(index)] = index
    return {"kind": "heat", "wrap": width, **scale, "png": png(lines, colours)}


def tiles(rows: np.ndarray, shape: tuple[int, ...], bright: bool, along: str) -> dict[str, Any]:
    """Rows (n, H W C) as pictures side by side."""
    items = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_TILES)).astype(int))
    chosen = rows[items][:, : int(np.prod(shape))].reshape(len(items), *shape)
    if bright:
        index, scale, colours = (
            np.round(255 * np.clip(chosen, 0, 1)).astype(np.uint8),
            {"white": 1.0, "scale": 1.0},
            GREYS,
        )
    elif len(shape) == 3:
        largest = float(np.abs(chosen).max()) or 1.0
        scale = {"white": largest, "scale": largest}
        index, colours = np.round(255 * (chosen / largest + 1) / 2).astype(np.uint8), GREYS
    else:
        index, scale, colours = coloured(chosen)
    height, width = shape[:2]
    across = min(COLUMNS, len(items))
    lines = -(-len(items) // across)
    blank = GREY if colours is not SEQUENTIAL else 0
    sheet = np.full((lines * (height + GAP) - GAP, across * (width + GAP) - GAP, *shape[2:]), blank, np.uint8)
    for i, tile in enumerate(index):
        top, left = i // across * (height + GAP), i % across * (width + GAP)
        sheet[top : top + height, left : left + width] = tile
    told = {"kind": "pictures", "tile": [height, width, *shape[2:]], "across": across, "items": items.tolist()}
    return told | {"along": along, **scale, "png": png(sheet, colours)}


def coloured(values: np.ndarray) -> tuple[np.ndarray, dict[str, float], np.ndarray]:
    """Indices of colours; `white` and `scale`, the numbers of white and of the strongest colour; the colours."""
    low, high = float(values.min()), float(values.max())
    if low < 0:
        scale = max(-low, high)
        index = np.round(127 + np.where(values > 0, 128, 127) * values / scale)
        return index.astype(np.uint8), {"white": 0.0, "scale": scale}, DIVERGING
    white = low if low < high else 0.0
    scale = high if high > white else 1.0
    index = np.round(255 * (values - white) / (scale - white))
    return index.astype(np.uint8), {"white": white, "scale": scale}, SEQUENTIAL


def png(index: np.ndarray, colours: np.ndarray) -> str:
    """A PNG, as an address."""
    from PIL import Image

    image = Image.fromarray(index)
    if index.ndim == 2:
        image.putpalette(colours.tobytes())
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
