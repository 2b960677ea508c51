"""A folder of pictures, or of subfolders of them, all of one size: grey if all of them are, otherwise in colour."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from minigan.data.dataset import Dataset
from minigan.data.labels import Labels
from minigan.data.picture import PictureOptions, formats, read_picture
from minigan.data.reading import naming, own_name
from minigan.errors import DataError, DataWarning

PARTS = (("train", "training"), ("validation", "valid", "val"), ("test", "testing"))
"""What subfolders for training, validation and testing are called."""
NAMED = 3


def entries(folder: Path) -> list[Path]:
    """What is right in a folder, in the order of the names; hidden files do not count."""
    with naming(folder):
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def subfolders(folder: Path) -> list[Path]:
    """The folders right in a folder, as far as they may be looked into."""
    return [path for path in entries(folder) if os.path.isdir(path) and os.access(path, os.R_OK | os.X_OK)]


def find_images(folder: str | Path) -> list[Path]:
    """The pictures right in a folder; where there are none, those right in its subfolders, class after class."""
    suffixes, folder = formats()[0], Path(folder)
    below = (path for sub in subfolders(folder) for path in entries(sub))
    for paths in (entries(folder), below):
        if found := [path for path in paths if path.suffix.lower() in suffixes and os.path.isfile(path)]:
            return found
    return []


def find_parts(folder: str | Path) -> list[list[Path]]:
    """The pictures for training, for validation and for testing; the last two may be none.

    Of folders `train`, `validation` and `test` in the folder, or else all for training.  Raises DataError where there
    are some of these folders, but no training pictures.
    """
    inside = {path.name: path for path in subfolders(Path(folder))}
    parts = [[path for name in names if name in inside for path in find_images(inside[name])] for names in PARTS]
    if parts[0] or not any(parts):
        return parts if parts[0] else [find_images(folder), [], []]
    raise DataError(f"{folder}: no training pictures, expected them in a folder train beside the others")


def load_image_folder(folder: str | Path, options: PictureOptions = PictureOptions(), labels: bool = False) -> Dataset:
    """The pictures of `find_parts`; of an animation the first frame.

    labels  whether to keep which class folder each training picture is in

    Raises DataError for a folder without pictures, a picture of another size or depth, and one that cannot be read,
    unless those are to be skipped.  Warns, DataWarning, of what was passed over.
    """
    parts = find_parts(folder)
    paths = [path for part in parts for path in part]
    if not paths:
        others = kinds_of(path for path in entries(Path(folder)) if os.path.isfile(path))
        expected = ".png, .jpg, .jpeg, .bmp, .gif or what else Pillow reads"
        raise DataError(f"{folder}: no pictures{others and f', but {others}'}, expected {expected}")
    pixels, kept = read_all(paths, options)
    say_what_was_not_read(Path(folder), paths)
    first, second = np.searchsorted(kept, np.cumsum([len(part) for part in parts])[:-1])
    if not first:
        raise DataError(f"{folder}: no training picture can be read, expected some")
    rows = pixels.reshape(len(pixels), -1)
    validation, test = (part if len(part) else None for part in (rows[first:second], rows[second:]))
    classes = class_folders(Path(folder), [paths[number] for number in kept[:first]]) if labels else None
    return Dataset(own_name(Path(folder)), rows[:first], validation, test, pixels.shape[1:], labels=classes)


def class_folders(folder: Path, paths: list[Path]) -> Labels:
    """The names of the folders that pictures are in.  Raises DataError where these are not one a class."""
    within = {path.parent for path in paths}
    if within <= {folder, *(folder / name for name in PARTS[0])}:
        raise DataError(f"{folder}: no labels, expected its pictures in a folder a class")
    return Labels.of(folder, [path.parent.name for path in paths])


def read_all(paths: list[Path], options: PictureOptions) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of one size, (n, H, W) or (n, H, W, 3) uint8, and which of the paths they are of, (n,)."""
    pixels: np.ndarray | None = None
    kept: list[int] = []
    unread, animated = [], []
    for number, path in enumerate(paths):
        try:
            picture, several = read_picture(path, options)
        except DataError as error:
            if not options.skip_unreadable:
                raise
            unread.append(str(error))
            continue
        if pixels is None:
            pixels = np.empty((len(paths), *picture.shape), np.uint8)
        if picture.shape[:2] != pixels.shape[1:3]:
            here, first = (f"{shape[1]} x {shape[0]}" for shape in (picture.shape, pixels.shape[1:]))
            wanted = f"expected {first} as in {paths[kept[0]].name}, or --size HxW for all"
            raise DataError(f"{path}: {here} pixels, {wanted}")
        if picture.ndim > pixels.ndim - 1:
            pixels = np.repeat(pixels[..., None], 3, axis=3)
        pixels[len(kept)] = picture if picture.ndim == pixels.ndim - 1 else picture[..., None]
        kept.append(number)
        animated += [path] if several else []
    if unread:
        warn(f"{len(unread)} of {len(paths)} pictures cannot be read and are passed over: {'; '.join(unread[:NAMED])}")
    if pixels is None:
        raise DataError(f"{paths[0].parent}: none of {len(paths)} pictures can be read, expected some")
    if animated:
        others = f", as of {len(animated) - 1} more" if len(animated) > 1 else ""
        warn(f"{animated[0]}: has several frames, of which the first is taken{others}")
    return pixels[: len(kept)], np.array(kept)


def say_what_was_not_read(folder: Path, paths: list[Path]) -> None:
    """Warn of files and pictures that lie beside those read."""
    folders, read = {folder, *(path.parent for path in paths)}, set(paths)
    beside = [path for name in sorted(folders) for path in entries(name) if path not in read and os.path.isfile(path)]
    if beside:
        warn(f"{folder}: {len(read)} of {len(read) + len(beside)} files are pictures; passed over: {kinds_of(beside)}")
    inside = {sub for path in paths for sub in path.parents}
    if unread := [sub.name for sub in subfolders(folder) if sub not in inside and find_images(sub)]:
        warn(f"{folder}: pictures in its folders are passed over: {', '.join(unread[:NAMED])}")


def kinds_of(paths: Iterable[Path]) -> str:
    """How many files there are of the commonest suffixes, in words: "30 .heic, 1 .txt"."""
    counts = Counter(path.suffix.lower() or "without a suffix" for path in paths)
    return ", ".join(f"{n} {suffix}" for suffix, n in counts.most_common(NAMED))


def warn(text: str) -> None:
    warnings.warn(text, DataWarning, stacklevel=4)
