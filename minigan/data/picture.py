"""One picture as a viewer shows it: upright, over a background, with 8 bits a channel."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minigan.data.reading import naming
from minigan.errors import DataError
from minigan.options.config import Config

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

# Pixels that a byte can stand for at the most: deflate's 1032 bytes of 8, LZW's codes of 12 bits for 4096, a run of 255
# in 2 bytes, a block of 64 in a bit.  Of other formats Pillow's own limit holds.
DENSEST = {"PNG": 8 * 1032, "GIF": 4096, "BMP": 128, "JPEG": 1024, "MPO": 1024}
GREY = ("1", "L", "LA", "La")
COLOUR = ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
NO_PICTURES = ("EPS", "WMF", "MPEG", "BUFR", "GRIB", "HDF5", "IPTC")
"""What Pillow lists too: it gives them to other programs, or cannot decode them."""
SIXTEEN_BITS = re.compile(r"\b[A-Z]+;16[BLN]")
SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")


@dataclass(frozen=True)
class PictureOptions:
    """How pictures are read.

    size             "HxW", what each is resized to; None for as it is
    background       the colour that shows through where a picture is transparent, as Pillow names colours
    skip_unreadable  whether to go on without those that cannot be read

    Raises DataError for a size or a colour that cannot be understood.
    """

    size: str | None = None
    background: str = "white"
    skip_unreadable: bool = False

    def __post_init__(self) -> None:
        if self.size is not None and not SIZE.fullmatch(self.size):
            raise DataError(f"--size {self.size}: expected HEIGHTxWIDTH in pixels, such as 32x32")
        if self.background != "white":
            self.colour()

    @classmethod
    def of(cls, config: Config) -> PictureOptions:
        """Those among the options of a run."""
        return cls(config.size, config.background, config.skip_unreadable)

    def height_and_width(self) -> tuple[int, int] | None:
        """What `size` says."""
        if self.size is None:
            return None
        height, width = map(int, self.size.split("x"))
        return height, width

    def colour(self) -> tuple[int, int, int]:
        """What `background` says: (red, green, blue)."""
        from PIL import ImageColor

        try:
            return ImageColor.getrgb(self.background)[:3]
        except ValueError:
            raise DataError(f"--background {self.background}: expected a colour: white, black, '#ffcc00'") from None


@cache
def formats() -> tuple[dict[str, str], list[str]]:
    """Pillow's formats of pictures: {".png": "PNG", ...}, and those that are told by their first bytes."""
    from PIL import Image

    named = Image.registered_extensions()
    known = {name: accept for name, (_, accept) in Image.OPEN.items() if name not in NO_PICTURES}
    suffixes = {suffix: name for suffix, name in named.items() if name in known}
    return suffixes, sorted(name for name, accept in known.items() if accept is not None)


@contextmanager
def open_image(path: Path) -> Iterator[ImageFile]:
    """A picture, in the format that its content has.  Raises DataError for content of no known format."""
    from PIL import Image, UnidentifiedImageError

    suffixes, by_content = formats()
    # Given the name, Pillow maps a TIFF that is not packed, and shuffles the pixels of one that is to be turned.
    with open(path, "rb") as file:
        try:
            image = Image.open(file, formats=sorted({*by_content, suffixes[path.suffix.lower()]}))
        except UnidentifiedImageError:
            file.seek(0)
            start = file.read(12)
            content = f"content that begins with {start!r} is no picture to Pillow" if start else "an empty file"
            raise DataError(f"{path}: cannot be read ({content}), expected a whole picture") from None
        except Image.DecompressionBombError:
            most = f"{2 * Image.MAX_IMAGE_PIXELS:,} pixels at most"  # type: ignore[operator]  # None raises nothing
            raise DataError(f"{path}: too large, expected {most} (resize it before)") from None
        with image:
            yield image


def read_picture(path: Path, options: PictureOptions) -> tuple[np.ndarray, bool]:
    """The pixels, (H, W) or (H, W, 3) uint8, and whether the file has more frames than this, its first one.

    Turned as its EXIF says, transparency laid over the background, resized.  Raises DataError for a picture that cannot
    be read, and for more than 8 bits a channel, which would be cut.
    """
    with naming(path), open_image(path) as image:
        room = DENSEST.get(image.format or "")
        if room is not None and image.width * image.height > room * os.path.getsize(path):
            claim = f"{image.width} x {image.height} pixels"
            raise DataError(f"{path}: truncated, its header says {claim}, expected no more than it can hold")
        # Decoding a PNG does not look at its checksums; the other formats have none.
        image.verify()
    with naming(path), open_image(path) as image:
        if bits := deeper(image):
            raise DataError(f"{path}: pixels of {bits}, expected 8 bits a channel, grey or colour")
        several = getattr(image, "is_animated", False) and image.format != "MPO"
        shown = as_shown(image, options.colour())
        if size := options.height_and_width():
            from PIL import Image

            shown = shown.resize(size[::-1], Image.Resampling.LANCZOS)
        return np.asarray(shown), several


def deeper(image: ImageFile) -> str | None:
    """What the pixels are that 8 bits a channel cannot hold: also where Pillow would cut them to 8; or None."""
    if image.mode not in GREY + COLOUR:
        return f"mode {image.mode} (16 bits or more)"
    for codec, _, _, arguments in image.tile:
        most = arguments[-1] if codec.startswith("ppm") and isinstance(arguments, tuple) else 255
        if codec == "SGI16" or SIXTEEN_BITS.search(str(arguments)) or most > 255:
            return "16 bits a channel"
    return None


def as_shown(image: Image, background: tuple[int, int, int]) -> Image:
    """A picture of Pillow's turned upright, over the background, in mode L or RGB."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    grey = image.mode in GREY
    if image.has_transparency_data:
        if image.mode in ("La", "RGBa"):  # of which Pillow knows one way out
            image = image.convert(f"{image.mode[:-1]}A")
        canvas = Image.new("RGBA", image.size, background)
        canvas.alpha_composite(image.convert("RGBA"))
        image, grey = canvas.convert("RGB"), grey and len(set(background)) == 1
    return image.convert("L" if grey else "RGB")
