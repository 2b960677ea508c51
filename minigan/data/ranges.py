"""Advice on data that a network does not learn well from: bytes as floats, features of different scales."""

from __future__ import annotations

import numpy as np

from minigan.data.dataset import Dataset
from minigan.data.mixtures import Mixture

FAR_APART = 100.0
"""From this quotient of their root mean squares on, features differ by orders of magnitude."""
LINEAR = "linear as the last layer of --generator"
EVERYTHING = (-np.inf, np.inf)
DARK = 64
"""Above this, pictures are of 8 bits."""


def are_bytes(x: np.ndarray) -> bool:
    """Whether floats (n, F) look like bytes: whole numbers of 0..255, some above 1."""
    return bool(x.min() >= 0 and 1 < x.max() <= 255 and (x == np.rint(x)).all())


def out_of_reach(data: Dataset | Mixture, last: object) -> str:
    """What to say of data that leave the range of G's last layer: theirs, and what was expected; nothing otherwise.

    last  a layer, or its class; `range`, where it has one, says what it makes
    """
    reach = getattr(last, "range", EVERYTHING)
    if reach == EVERYTHING or isinstance(data, Dataset) and data.within(*reach):
        return ""
    interval, name = "[{:g}, {:g}]".format(*reach), getattr(last, "__name__", type(last).__name__).lower()
    said = f"values outside {interval}, and the generator ends in a {name}"
    if not isinstance(data, Dataset) or data.contrast is not None or data.standard is not None:
        return f"{said}; expected {LINEAR}"
    low, high, apart = data.train.min(), data.train.max(), far_apart(data)
    said += f": from {low:.4g} to {high:.4g}"
    if reach != (0, 1):
        return f"{said}; expected {LINEAR}, or {interval}"
    if 0 <= low and high <= 255 and (data.image_shape or are_bytes(data.train) or not apart):
        return f"{said}; expected [0, 1] (divide by {255 if high > DARK else high:.4g}), or {LINEAR}"
    if -1 <= low and high <= 1:
        return f"{said}; expected [0, 1] (add 1 and divide by 2), or {LINEAR}"
    return f"{said}; {apart}, and {LINEAR} is expected" if apart else f"{said}; expected {LINEAR}, or [0, 1]"


def far_apart(data: Dataset | Mixture) -> str:
    """That features of floats differ by orders of magnitude, and what helps; nothing where they do not."""
    if not isinstance(data, Dataset) or data.standard is not None or data.contrast is not None:
        return ""
    if data.in_unit_interval:
        return ""
    squares = np.einsum("ij,ij->j", data.train, data.train, dtype=np.float64)
    sizes = np.sqrt(squares[squares > 0] / len(data.train))
    if not len(sizes) or sizes.max() < FAR_APART * sizes.min():
        return ""
    found = f"from {sizes.min():.3g} to {sizes.max():.3g}"
    return f"its features differ by orders of magnitude, {found}; try --standardise (Dataset.standardised)"
