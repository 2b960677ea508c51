"""A picture as a viewer shows it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minigan.data.images import load_image_folder
from minigan.data.picture import PictureOptions
from minigan.errors import DataWarning

RANDOM = np.random.default_rng(0)
ORIENTATION = 0x0112
# What undoes what a camera did, by the number that EXIF has for it.
TURNS = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: np.rot90(x),
}


def pixels(*shape) -> np.ndarray:
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def only(folder: Path, **options) -> np.ndarray:
    """The pictures of a folder, (n, *image_shape)."""
    data = load_image_folder(folder, PictureOptions(**options))
    return data.train.reshape(len(data.train), *data.image_shape)


def png(width: int, height: int, depth: int, colour: int, body: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG by its definition; body is the rows, each after a filter's byte."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    chunks = b"".join(chunk(*pair) for pair in (*more, (b"IDAT", zlib.compress(body)), (b"IEND", b"")))
    return b"\x89PNG\r\n\x1a\n" + head + chunks


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("suffix", ["png", "tiff", "webp", "jpg"])
def test_a_picture_is_turned_as_its_exif_says(tmp_path, orientation, suffix):
    stored = np.kron(pixels(3, 2), np.ones((8, 8), np.uint8))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"lossless": True} if suffix == "webp" else {"quality": 100} if suffix == "jpg" else {}
    Image.fromarray(stored).save(tmp_path / f"a.{suffix}", exif=exif, **options)
    shown = only(tmp_path)[0]
    shown = shown if shown.ndim == 2 else shown[..., 0]
    expected = TURNS[orientation](stored)
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).max() <= 2


def test_upright_and_turned_pictures_are_of_one_size(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.fromarray(pixels(6, 8, 3)).save(tmp_path / "a.jpg", exif=exif)
    Image.fromarray(pixels(8, 6, 3)).save(tmp_path / "b.jpg")
    assert only(tmp_path).shape == (2, 8, 6, 3)


def test_transparency_is_laid_over_the_background(tmp_path):
    grey, alpha = pixels(4, 3), pixels(4, 3)
    alpha[0], alpha[1] = 0, 255
    Image.fromarray(np.dstack([grey, alpha])).save(tmp_path / "a.png")
    for background, value in (("white", 255), ("black", 0), ("#808080", 128)):
        shown = only(tmp_path, background=background)[0]
        expected = (grey * (alpha / 255) + value * (1 - alpha / 255)).round()
        assert shown.shape == (4, 3) and np.abs(shown - expected).max() <= 1
        assert (shown[0] == value).all() and (shown[1] == grey[1]).all()
    assert (only(tmp_path, background="red")[0, 0] == (255, 0, 0)).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA"])
def test_a_shape_that_is_in_the_alpha_channel_alone(tmp_path, mode):
    alpha = np.zeros((8, 8), np.uint8)
    alpha[2:5, 1:7] = 255
    suffix = "tiff" if mode == "PA" else "png"
    black = Image.fromarray(np.dstack([np.zeros_like(alpha)] * 3 + [alpha]))
    black.convert(mode).save(tmp_path / f"a.{suffix}")
    shown = only(tmp_path)[0]
    shown = shown if shown.ndim == 2 else shown.max(axis=-1)
    np.testing.assert_array_equal(shown, 255 - alpha)


# Colour types 0 grey, 2 RGB, 3 palette; tRNS makes one value, one colour or some entries transparent.
KEYED = {
    "grey of 8 bits": png(2, 1, 8, 0, b"\0\x07\x32", (b"tRNS", b"\0\x07")),
    "grey of 1 bit": png(2, 1, 1, 0, b"\0\x40", (b"tRNS", b"\0\0")),
    "RGB": png(2, 1, 8, 2, b"\0\x07\x07\x07\x32\x32\x32", (b"tRNS", b"\0\x07\0\x07\0\x07")),
    "palette": png(2, 1, 8, 3, b"\0\0\1", (b"PLTE", b"\x07\x07\x07\x32\x32\x32"), (b"tRNS", b"\0")),
    "palette of 1 bit": png(2, 1, 1, 3, b"\0\x40", (b"PLTE", b"\x07\x07\x07\x32\x32\x32"), (b"tRNS", b"\0")),
}


@pytest.mark.parametrize("content", KEYED.values(), ids=KEYED.keys())
def test_a_transparent_value_shows_the_background(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    for background, value in (("white", 255), ("black", 0)):
        shown = only(tmp_path, background=background)[0].reshape(2, -1)
        assert (shown[0] == value).all() and (shown[1] == shown[1, 0]).all() and shown[1, 0] in (0x32, 255)


@pytest.mark.parametrize("colour, channels", [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_a_png_of_16_bits_is_refused_in_every_mode(tmp_path, refused, colour, channels):
    (tmp_path / "a.png").write_bytes(png(2, 2, 16, colour, (b"\0" + bytes(range(4 * channels))) * 2))
    refused(lambda: load_image_folder(tmp_path), "a.png", "16", "8 bits a channel")


@pytest.mark.parametrize("name, magic", [("a.ppm", b"P6"), ("a.pgm", b"P5")])
def test_other_pictures_of_16_bits_are_refused_too(tmp_path, refused, name, magic):
    (tmp_path / name).write_bytes(magic + b" 2 2 65535\n" + bytes(range(8 * (3 if magic == b"P6" else 1))))
    refused(lambda: load_image_folder(tmp_path), name, "8 bits a channel")


def test_sixteen_bits_a_pixel_are_not_sixteen_a_channel(tmp_path):
    """A BMP of 5 + 5 + 5 bits."""
    head = struct.pack("<2sIHHI", b"BM", 62, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 0, 4, 0, 0, 0, 0)
    (tmp_path / "a.bmp").write_bytes(head + struct.pack("<HH", 0x7FFF, 0))
    np.testing.assert_array_equal(only(tmp_path)[0], [[[255] * 3, [0] * 3]])


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_few_bits_fill_the_whole_range(tmp_path, depth):
    """Grey of 1, 2 and 4 bits: the largest value is white."""
    (tmp_path / "a.png").write_bytes(png(2, 1, depth, 0, bytes([0, 0xFF << (8 - depth) & 0xFF])))
    np.testing.assert_array_equal(only(tmp_path)[0], [[255, 0]])


def test_cmyk_is_shown_in_rgb(tmp_path):
    Image.new("CMYK", (4, 4), (0, 255, 255, 0)).save(tmp_path / "a.tiff")
    assert (only(tmp_path)[0] == (255, 0, 0)).all()


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tiff"])
def test_of_an_animation_the_first_frame_is_taken_and_that_is_said(tmp_path, suffix):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("black", "white")]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    with pytest.warns(DataWarning, match=f"a.{suffix}: has several frames, of which the first"):
        assert not only(tmp_path).any()


@pytest.mark.parametrize("suffix", ["webp", "tiff", "avif", "ppm", "tga", "jp2", "qoi", "pcx", "sgi", "dds", "jfif"])
def test_what_else_pillow_reads(tmp_path, suffix):
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    Image.fromarray(flat).save(tmp_path / f"a.{suffix}")
    assert np.abs(only(tmp_path)[0].astype(int) - flat).max() <= 3


@pytest.mark.parametrize("format", ["WEBP", "PNG", "TIFF", "GIF", "AVIF"])
def test_the_content_decides_and_not_the_name(tmp_path, format):
    Image.new("RGB", (8, 8), "white").save(tmp_path / "a.jpg", format)
    assert (only(tmp_path) == 255).all()


def test_content_that_is_no_picture_is_shown(tmp_path, refused):
    (tmp_path / "a.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    refused(lambda: load_image_folder(tmp_path), "a.jpg", "ftypheic", "no picture to Pillow")


def test_formats_that_pillow_gives_to_other_programs_are_not_read(tmp_path, refused):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.eps")
    refused(lambda: load_image_folder(tmp_path), "no pictures, but 1 .eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.png")
    refused(lambda: load_image_folder(tmp_path), "a.png", "no picture to Pillow")


def test_every_picture_is_resized(tmp_path):
    for name, shape in (("a.png", (8, 8)), ("b.png", (20, 31, 3))):
        Image.fromarray(np.full(shape, 77, np.uint8)).save(tmp_path / name)
    shown = only(tmp_path, size="4x6")
    assert shown.shape == (2, 4, 6, 3) and (shown == 77).all()


@pytest.mark.parametrize(
    "options", [{"size": "8"}, {"size": "0x8"}, {"size": "8x-8"}, {"size": "axb"}, {"background": "whte"}]
)
def test_options_that_are_none(refused, options):
    ((name, value),) = options.items()
    refused(lambda: PictureOptions(**options), f"{name} {value}")
