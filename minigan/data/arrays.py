"""The user's own arrays: .npy, or .npz with "train" and perhaps "validation", "test" and "y", the labels of "train".

Nothing is ever unpickled.

The body is read here and not by `np.load`, which allocates what a header claims before it looks for the bytes.  A large
.npy is not read but mapped, so that it may be larger than the memory; the file has to stay as it is meanwhile.
"""

from __future__ import annotations

import os
import zipfile
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from minigan.data.dataset import DTYPES, Dataset
from minigan.data.examples import dataset_of
from minigan.data.labels import Labels
from minigan.data.reading import naming, read_promised
from minigan.errors import DataError, shortened

ZIP_MAGIC = b"PK"
WIDEST = 8
LARGE = 1 << 28
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def load_array(path: str | Path, labels: bool = False) -> Dataset:
    """A file with arrays as `minigan.data.examples` takes them; its kind is told by its first bytes.

    labels  whether to read "y" too

    Raises DataError for another shape, dtype or key, for NaN, and for a truncated file or another format.
    """
    with naming(path), open(path, "rb") as file:
        packed = file.read(2) == ZIP_MAGIC
        file.seek(0)
        if packed:
            arrays = read_npz(file, path, ("train",), ("validation", "test", *["y"] * labels))
        else:
            arrays = {"train": read_npy(file, path, os.fstat(file.fileno()).st_size)}
    data = dataset_of(Path(path).name, arrays["train"], arrays.get("validation"), arrays.get("test"), path)
    if not labels:
        return data
    if "y" not in arrays:
        raise DataError(f"{path}: no labels, expected an .npz with them as 'y' beside 'train'")
    return replace(data, labels=Labels.of(f"{path}: 'y'", arrays["y"]))


def load_part(path: str | Path, name: str) -> np.ndarray:
    """The array of this name in an .npz beside its "train", as rows (n, F) that a `Dataset` takes.

    Raises DataError where there is none, and as `load_array` does.
    """
    with naming(path), open(path, "rb") as file:
        arrays = read_npz(file, path, ("train",), (name,))
        if name not in arrays:
            raise DataError(f"{path}: no array {shortened(repr(name))} in it, expected one for --part")
        return dataset_of(Path(path).name, arrays["train"], test=arrays[name], source=path).test  # type: ignore[return-value]  # given


READS = {".npy": load_array, ".npz": load_array}
"""the suffixes by which `minigan.data.load` finds it"""


def read_npz(
    file: IO[bytes], path: str | Path, needed: tuple[str, ...], others: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """The arrays of these names, `others` as far as they are there; where one is needed, a single array is that."""
    with zipfile.ZipFile(file) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")}
        if len(needed) == len(members) == 1:
            members = {needed[0]: members.popitem()[1]}
        if not members.keys() >= set(needed):
            keys = shortened(", ".join(repr(key) for key in sorted(members))) or "none"
            expected = " and ".join(map(repr, needed)) + " or a single array" * (len(needed) == 1)
            raise DataError(f"{path}: keys {keys}, expected {expected}")
        arrays = {}
        for part in (*needed, *others):
            if part in members:
                # Other packings `zipfile` unpacks at once, even beyond the size that the header promises.
                if (packing := archive.getinfo(members[part]).compress_type) not in PACKINGS:
                    raise DataError(f"{path}: {part} packed by zip's method {packing}, expected 0 or 8 as NumPy writes")
                with archive.open(members[part]) as stream:
                    arrays[part] = read_npy(stream, f"{path}: {members[part]}")
    return arrays


def read_npy(stream: IO[bytes], path: str | Path, size: int | None = None) -> np.ndarray:
    """One array of numbers, in any byte order; bool and float16 are still themselves.

    size  of the whole file where the stream is one; of `LARGE` bytes or more it is mapped where nothing is to convert
    """
    version = npy.read_magic(stream)
    if version != (1, 0):
        raise DataError(f"{path}: .npy format {version[0]}.{version[1]}, expected 1.0 as of plain numbers")
    shape, fortran_order, dtype = npy.read_array_header_1_0(stream)
    if dtype.kind not in "biuf" or dtype.itemsize > WIDEST:
        raise DataError(f"{path}: dtype {dtype}, expected uint8 (0 to 255), bool or a float of 16, 32 or 64 bits")
    if not shape or min(shape) < 1:
        raise DataError(f"{path}: shape {shape}, expected at least one example and one feature")
    promised = prod(shape) * dtype.itemsize
    if size is not None and size >= LARGE and size - stream.tell() == promised and not fortran_order:
        if dtype.isnative and dtype.name in DTYPES:
            return np.memmap(stream, dtype, "r", stream.tell(), shape).view(np.ndarray)
    content = read_promised(stream, promised, path)
    return np.frombuffer(content, dtype=dtype).reshape(shape, order="F" if fortran_order else "C")
