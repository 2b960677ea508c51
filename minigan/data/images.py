"""A folder of pictures, all of one size: grey if all of them are, otherwise in colour."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from minigan.data.dataset import Dataset
from minigan.data.reading import naming
from minigan.errors import DataError

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".gif": "GIF"}
# Pixels that a byte can stand for at the most: deflate's 1032 bytes of 8, LZW's codes of 12 bits for 4096, a run of 255
# in 2 bytes, a block of 64 in a bit.
DENSEST = {"PNG": 8 * 1032, "GIF": 4096, "BMP": 128, "JPEG": 1024}
GREY = ("1", "L", "LA")
COLOUR = ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")


def find_images(folder: str | Path) -> list[Path]:
    """The pictures right in the folder, in the order of their names; hidden files do not count."""
    with naming(folder):
        found = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in FORMATS)
    return [path for path in found if not path.name.startswith(".") and os.path.isfile(path)]


def load_image_folder(folder: str | Path) -> Dataset:
    """Pictures of 8 bits a channel; of an animation the first frame, of transparency nothing is kept.

    Raises DataError for a folder without pictures, a picture of another size or depth, and one that cannot be read.
    """
    paths = find_images(folder)
    if not paths:
        raise DataError(f"{folder}: no pictures, expected {', '.join(FORMATS)} files")
    mode, size = common_form(paths)
    pixels = bytearray()
    for path in paths:
        with naming(path), open_image(path) as image:
            pixels += (image if image.mode == mode else image.convert(mode)).tobytes()
    shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], 3)
    rows = np.frombuffer(pixels, dtype=np.uint8).reshape(len(paths), -1)
    return Dataset(Path(folder).resolve().name, rows, image_shape=shape)


def common_form(paths: list[Path]) -> tuple[str, tuple[int, int]]:
    """The mode to convert to, "L" or "RGB", and the one size (W, H); decodes nothing."""
    modes, sizes = [], []
    for path in paths:
        with naming(path), open_image(path) as image:
            modes.append(image.mode)
            sizes.append(image.size)
            room = DENSEST.get(image.format, DENSEST["JPEG"]) * os.path.getsize(path)
            if image.width * image.height > room:
                claim = f"{image.width} x {image.height} pixels"
                raise DataError(f"{path}: truncated, its header says {claim}, expected no more than it can hold")
            # Decoding a PNG does not look at its checksums; the other formats have none.
            image.verify()
        if modes[-1] not in GREY + COLOUR:
            raise DataError(f"{path}: pixels of mode {modes[-1]}, expected 8 bits a channel, grey or colour")
        if sizes[-1] != sizes[0]:
            here, first = ("{} x {}".format(*size) for size in (sizes[-1], sizes[0]))
            raise DataError(f"{path}: {here} pixels, expected {first} as in {paths[0].name}")
    return "L" if set(modes) <= set(GREY) else "RGB", sizes[0]


def open_image(path: Path):
    from PIL import Image

    return Image.open(path, formats=sorted(set(FORMATS.values())))
