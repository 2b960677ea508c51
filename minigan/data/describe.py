"""What a checkpoint says of the data, so that a run goes on with what it began with."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from minigan.data.dataset import Dataset, check_examples
from minigan.data.examples import as_rows, in_pictures
from minigan.data.labels import Classes, DescribedLabels, are_described
from minigan.data.mixtures import Mixture
from minigan.data.ranges import are_bytes
from minigan.data.standardise import Standard, is_standard
from minigan.errors import DataError


class Description(TypedDict, total=False):
    """What `describe` says; of data without a name nothing."""

    name: str
    dtype: str
    shape: list[int]
    image_shape: list[int] | None
    sha256: str
    contrast: float
    standard: dict[str, list[float]]
    labels: DescribedLabels


def is_description(described: Any) -> bool:
    """Whether this, read from a checkpoint's JSON, can be what `describe` made; or {}, of data that have no name."""
    if not isinstance(described, dict) or not described:
        return described == {}
    shape, contrast = described.get("image_shape"), described.get("contrast", 1.0)
    return (
        isinstance(described.get("name"), str)
        and (shape is None or isinstance(shape, list) and len(shape) in (2, 3))
        and all(type(side) is int and side >= 1 for side in shape or ())
        and type(contrast) in (int, float)
        and 0 < contrast < float("inf")
        and not {"contrast", "standard"} <= described.keys()
        and ("standard" not in described or is_standard(described["standard"]))
        and ("labels" not in described or are_described(described["labels"]))
    )


def describe(data: Dataset | Mixture) -> Description:
    """Name, dtype, shape, image shape (or None) and SHA-256 of the training examples; of a mixture, of its centres and
    deviation in one vector.

    Adds `contrast` (the L2 norm given to each image), `standard` (the features' means and deviations) and `labels` (the
    classes, and how many examples each has) only where they play a part.
    """
    if isinstance(data, Dataset):
        content = np.ascontiguousarray(data.train)
    else:
        content = np.append(data.centres, data.deviation)  # flat
    described: Description = {
        "name": data.name,
        "dtype": str(content.dtype),
        "shape": list(content.shape),
        "image_shape": list(data.image_shape) if data.image_shape else None,
        "sha256": hashlib.sha256(content.data).hexdigest(),
    }
    if isinstance(data, Dataset) and data.contrast is not None:
        described["contrast"] = data.contrast
    if isinstance(data, Dataset) and data.standard is not None:
        described["standard"] = data.standard.to_json()
    if isinstance(data, Dataset) and data.labels is not None:
        described["labels"] = data.labels.to_json()
    return described


def standard_of(described: Description) -> Standard | None:
    """The means and deviations by which the data described so are standardised, or None."""
    return Standard.from_json(described["standard"]) if "standard" in described else None


def classes_of(described: Description) -> Classes | None:
    """The classes that both players are told, or None."""
    if "labels" not in described:
        return None
    return Classes(tuple(described["labels"]["classes"]), tuple(described["labels"]["counts"]))


def scaled_as(described: Description, values: ArrayLike, dtype: DTypeLike) -> np.ndarray:
    """Examples scaled as the training data described so: values as `dataset_of` takes them, to (n, F).

    Whole numbers are scaled as bytes are; floats are in the units that samples have.  Raises DataError for NaN, for
    whole numbers where the data were floats, and for floats that are bytes by their values, where they were bytes.
    """
    rows = as_rows("x", in_pictures("x", values))
    check_examples("x", rows)
    x, trained_on = Dataset("x", rows), described.get("dtype")
    kind = np.asarray(values).dtype.kind
    if kind in "iu" and trained_on not in (None, "uint8"):
        raise DataError(f"x: whole numbers, and the training data are {trained_on}: expected floats in their units")
    contrast, standard = described.get("contrast"), standard_of(described)
    if kind == "f":
        if trained_on == "uint8" and contrast is None and are_bytes(x.train):
            raise DataError("x: floats that are whole numbers up to 255, expected [0, 1] (divide by 255), or uint8")
        contrast = None
    return replace(x, contrast=contrast, standard=standard).scaled(x.train, dtype)


def nameless(described: Description) -> dict[str, object]:
    """A description of data without their name: the same data may have got another one."""
    return {key: value for key, value in described.items() if key != "name"}
