"""A folder of pictures."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minigan.data import PictureOptions, load
from minigan.data.images import load_image_folder
from minigan.errors import DataWarning

MIB = 1 << 20
RANDOM = np.random.default_rng(0)


def grey(height=4, width=3) -> np.ndarray:
    return RANDOM.integers(0, 256, (height, width), dtype=np.uint8)


def colour(height=4, width=3) -> np.ndarray:
    return RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def test_grey_pictures_in_the_order_of_their_names(tmp_path):
    pictures = {name: grey() for name in ("b.png", "a.bmp", "c.PNG")}
    for name, pixels in pictures.items():
        save(tmp_path / name, pixels)
    data = load_image_folder(tmp_path)
    assert data.name == tmp_path.name and data.image_shape == (4, 3)
    np.testing.assert_array_equal(data.train, [pictures[n].ravel() for n in ("a.bmp", "b.png", "c.PNG")])


def test_one_picture_in_colour_makes_all_of_them_so(tmp_path):
    one, two = grey(), colour()
    save(tmp_path / "1.png", one)
    save(tmp_path / "2.png", two)
    data = load_image_folder(tmp_path)
    assert data.image_shape == (4, 3, 3)
    np.testing.assert_array_equal(data.train.reshape(2, 4, 3, 3), [np.repeat(one[..., None], 3, axis=2), two])


@pytest.mark.parametrize("suffix", ["png", "jpg", "jpeg", "bmp", "gif"])
def test_formats(tmp_path, suffix):
    flat = np.full((8, 8, 3), (200, 100, 50), np.uint8)
    save(tmp_path / f"a.{suffix}", flat)
    data = load_image_folder(tmp_path)
    assert data.image_shape == (8, 8, 3)
    assert np.abs(data.train.reshape(8, 8, 3).astype(int) - flat).max() <= 3


@pytest.mark.parametrize("mode, image_shape", [("1", (4, 3)), ("LA", (4, 3)), ("P", (4, 3, 3)), ("RGBA", (4, 3, 3))])
def test_modes(tmp_path, mode, image_shape):
    Image.fromarray(colour()).convert(mode).save(tmp_path / "a.png")
    assert load_image_folder(tmp_path).image_shape == image_shape


def test_other_files_subfolders_and_hidden_files_do_not_count(tmp_path):
    save(tmp_path / "a.png", grey())
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "._a.png").write_bytes(b"a Macintosh's own notes")
    (tmp_path / "folder.png").mkdir()
    save(tmp_path / "folder.png" / "b.png", grey())
    with pytest.warns(DataWarning) as said:
        assert len(load_image_folder(tmp_path).train) == 1
    assert ["1 of 2 files" in str(line.message) for line in said] == [True, False]


def test_no_pictures(tmp_path, refused):
    refused(lambda: load_image_folder(tmp_path), tmp_path, "no pictures", ".png, .jpg, .jpeg, .bmp, .gif")
    refused(lambda: load_image_folder(tmp_path / "none"), "none", "No such file")


def test_another_size_names_the_file(tmp_path, refused):
    save(tmp_path / "a.png", grey(4, 3))
    save(tmp_path / "b.png", grey(4, 3))
    save(tmp_path / "c.png", grey(3, 4))
    refused(lambda: load_image_folder(tmp_path), "c.png", "4 x 3", "3 x 4", "a.png")


def test_sixteen_bits_are_refused(tmp_path, refused):
    save(tmp_path / "a.png", grey().astype(np.uint16))
    refused(lambda: load_image_folder(tmp_path), "a.png", "8 bits")


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif"])
def test_broken_pictures_name_the_file(tmp_path, refused, suffix):
    buffer = io.BytesIO()
    Image.fromarray(colour(40, 30)).save(buffer, {"jpg": "jpeg"}.get(suffix, suffix))
    whole = buffer.getvalue()
    path = tmp_path / f"a.{suffix}"
    for content in (b"", b"text", whole[:10], whole[: len(whole) // 2]):
        path.write_bytes(content)
        refused(lambda: load_image_folder(tmp_path), path, "cannot be read")
    for _ in range(40):
        content = bytearray(whole)
        content[RANDOM.integers(len(whole))] ^= 1 << RANDOM.integers(8)
        path.write_bytes(bytes(content))
        # Most formats carry no checksum over the pixels, so a flip may go unseen.
        try:
            load_image_folder(tmp_path)
        except ValueError:
            refused(lambda: load_image_folder(tmp_path), path)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [12_000, 60_000])
def test_a_picture_that_claims_to_be_huge_allocates_nothing(tmp_path, refused, peak, side):
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    save(tmp_path / "a.png", grey())
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"x"))
    assert peak(lambda: refused(lambda: load_image_folder(tmp_path), "b.png")) < 2 * MIB


def test_what_takes_few_bytes_is_not_refused(tmp_path):
    for suffix in ("png", "gif", "bmp", "jpg"):
        folder = tmp_path / suffix
        folder.mkdir()
        Image.new("1" if suffix == "png" else "L", (3000, 2000)).save(folder / f"a.{suffix}", optimize=True)
        assert load_image_folder(folder).image_shape[:2] == (2000, 3000)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_runs_that_claim_a_huge_picture_allocate_nothing(tmp_path, refused, peak):
    """A BMP in run lengths may skip rows, and Pillow makes zeros of them."""
    head = struct.pack("<2sIHHI", b"BM", 62, 0, 0, 62)
    head += struct.pack("<IiiHHIIiiII", 40, 12_000, 12_000, 1, 8, 1, 8, 0, 0, 2, 0)
    (tmp_path / "a.bmp").write_bytes(head + bytes(8) + b"\0\2\xff\xff" * 2)
    assert peak(lambda: refused(lambda: load_image_folder(tmp_path), "a.bmp", "12000 x 12000")) < MIB


def test_damage_that_decoding_does_not_see(tmp_path, refused):
    """A PNG whose pixels are all there before its checksums are: only those tell."""
    path = save(tmp_path / "a.png", grey(5, 7))
    whole = path.read_bytes()
    start = whole.index(b"IDAT") + 4
    end = whole.index(b"IEND") - 8
    for position in range(start, end + 4):
        content = bytearray(whole)
        content[position] ^= 4
        path.write_bytes(bytes(content))
        refused(lambda: load_image_folder(tmp_path), path)


@pytest.mark.parametrize("above", ["", "train"])
def test_class_folders_are_one_data_set_in_the_order_of_their_names(tmp_path, above):
    pictures = {name: grey() for name in ("1/a.png", "0/b.png", "0/a.png", "10/a.png")}
    for name, pixels in pictures.items():
        (tmp_path / above / name).parent.mkdir(parents=True, exist_ok=True)
        save(tmp_path / above / name, pixels)
    expected = [pictures[name].ravel() for name in ("0/a.png", "0/b.png", "1/a.png", "10/a.png")]
    np.testing.assert_array_equal(load_image_folder(tmp_path).train, expected)
    np.testing.assert_array_equal(load(str(tmp_path)).train, expected)


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("training", "validation", "testing"), ("train", "valid", "test")]
)
@pytest.mark.parametrize("below", ["", "0"])
def test_folders_for_training_validation_and_testing(tmp_path, names, below):
    pictures = {name: grey() for name in names}
    for name, pixels in pictures.items():
        (tmp_path / name / below).mkdir(parents=True)
        save(tmp_path / name / below / "a.png", pixels)
    data = load_image_folder(tmp_path)
    for part, name in zip((data.train, data.validation, data.test), names):
        np.testing.assert_array_equal(part, [pictures[name].ravel()])


def test_one_picture_in_colour_makes_all_parts_so(tmp_path):
    for name, pixels in (("train", grey()), ("test", colour())):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "a.png", pixels)
    assert load_image_folder(tmp_path).image_shape == (4, 3, 3)


def test_test_pictures_alone_are_not_trained_on(tmp_path, refused):
    (tmp_path / "test").mkdir()
    save(tmp_path / "test" / "a.png", grey())
    refused(lambda: load_image_folder(tmp_path), tmp_path, "no training pictures", "train")


def test_what_is_passed_over_is_said(tmp_path):
    for name in ("a.png", "train/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save(tmp_path / name, grey())
    for number in range(30):
        (tmp_path / "train" / f"{number}.heic").write_bytes(b"ftypheic")
    with pytest.warns(DataWarning, match="1 of 31 files are pictures; passed over: 30 .heic"):
        load_image_folder(tmp_path / "train")
    with pytest.warns(DataWarning, match="passed over: 1 .png, 30 .heic|passed over: 30 .heic, 1 .png"):
        load_image_folder(tmp_path)


def test_a_corrupt_picture_is_named_or_skipped_and_counted(tmp_path, refused):
    for name in "abcd":
        save(tmp_path / f"{name}.png", grey())
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[:-20])
    (tmp_path / "c.png").write_bytes(b"")
    refused(lambda: load_image_folder(tmp_path), "b.png", "cannot be read")
    with pytest.warns(DataWarning, match="2 of 4 pictures cannot be read and are passed over: .*b.png.*c.png"):
        assert len(load_image_folder(tmp_path, PictureOptions(skip_unreadable=True)).train) == 2
    for name in "ad":
        (tmp_path / f"{name}.png").write_bytes(b"")
    with pytest.warns(DataWarning):
        refused(lambda: load_image_folder(tmp_path, PictureOptions(skip_unreadable=True)), "none of 4 pictures")


def test_skipped_pictures_leave_the_parts_as_they_are(tmp_path):
    pixels = {}
    for name in ("train/a", "train/b", "val/a", "val/b", "test/a"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pixels[name] = grey()
        save(tmp_path / f"{name}.png", pixels[name])
    for name in ("train/a", "val/b"):
        (tmp_path / f"{name}.png").write_bytes(b"")
    with pytest.warns(DataWarning, match="2 of 5"):
        data = load_image_folder(tmp_path, PictureOptions(skip_unreadable=True))
    for part, name in ((data.train, "train/b"), (data.validation, "val/a"), (data.test, "test/a")):
        np.testing.assert_array_equal(part, [pixels[name].ravel()])
