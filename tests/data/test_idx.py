"""IDX files: what is read, and every way in which a file can be broken."""

from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

import minigan.data.idx
from minigan.data.idx import load_mnist, read_idx_images

TRAIN_SHA256 = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
TEST_SHA256 = "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
MIB = 1 << 20


def images(n=5, height=3, width=4, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, height, width), dtype=np.uint8)


def idx(pixels: np.ndarray, magic=0x803, sizes=None) -> bytes:
    return struct.pack(">IIII", magic, *(sizes or pixels.shape)) + pixels.tobytes()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["a-idx3-ubyte", "a-idx3-ubyte.gz"])
def test_images_come_back_whatever_the_name_says(tmp_path, pack, name):
    pixels = images()
    read = read_idx_images(write(tmp_path / name, pack(idx(pixels))))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, pixels)


def test_a_gzip_file_of_two_members_is_one(tmp_path):
    content = idx(images())
    path = write(tmp_path / "x.gz", gzip.compress(content[:30]) + gzip.compress(content[30:]))
    np.testing.assert_array_equal(read_idx_images(path), images())


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
class TestBrokenContent:
    def check(self, tmp_path, refused, content, *parts):
        path = write(tmp_path / "broken", content)
        refused(lambda: read_idx_images(path), path, *parts)

    def test_labels(self, tmp_path, refused, pack):
        labels = struct.pack(">II", 0x801, 3) + bytes([1, 2, 3])
        self.check(tmp_path, refused, pack(labels), "a file of labels", "0x00000801", "0x00000803")

    @pytest.mark.parametrize("magic", [0, 0x802, 0x804, 0x903, 0x03080000, 0xFFFFFFFF])
    def test_another_magic(self, tmp_path, refused, pack, magic):
        self.check(tmp_path, refused, pack(idx(images(), magic)), f"0x{magic:08x}", "0x00000803")

    @pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 15])
    def test_a_part_of_a_header(self, tmp_path, refused, pack, length):
        self.check(tmp_path, refused, pack(idx(images())[:length]), f"{length} bytes", "header of 16")

    @pytest.mark.parametrize("missing", [1, 12, 60])
    def test_missing_pixels(self, tmp_path, refused, pack, missing):
        self.check(tmp_path, refused, pack(idx(images())[:-missing]), "truncated")

    @pytest.mark.parametrize("trailing", [1, 5000])
    def test_trailing_bytes(self, tmp_path, refused, pack, trailing):
        self.check(tmp_path, refused, pack(idx(images()) + bytes(trailing)), "trailing data", "60 bytes")

    @pytest.mark.parametrize("sizes", [(0, 3, 4), (5, 0, 4), (5, 3, 0), (0, 0, 0)])
    def test_zero_sizes(self, tmp_path, refused, pack, sizes):
        self.check(tmp_path, refused, pack(idx(images(), sizes=sizes)), "at least one")

    @pytest.mark.parametrize("sizes", [(2**32 - 1,) * 3, (2**32 - 1, 16, 16), (2**24, 256, 256), (1, 2**31, 2)])
    def test_absurd_sizes_allocate_nothing(self, tmp_path, refused, peak, pack, sizes):
        content = pack(idx(images(), sizes=sizes))
        assert peak(lambda: self.check(tmp_path, refused, content, "truncated", sizes[0])) < MIB

    def test_a_page_of_html(self, tmp_path, refused, pack):
        self.check(tmp_path, refused, pack(b"<!DOCTYPE html><html>404</html>"), "a web page (HTML)")


def test_a_promise_that_gzip_could_keep_grows_with_what_is_there(tmp_path, refused, peak):
    noise = np.random.default_rng(0).bytes(MIB // 4)
    content = struct.pack(">IIII", 0x803, 200 * MIB, 1, 1) + noise
    path = write(tmp_path / "x.gz", gzip.compress(content))
    assert peak(lambda: refused(lambda: read_idx_images(path), path, "truncated", len(noise), 200 * MIB)) < 4 * MIB


def test_a_gzip_bomb_is_read_no_further_than_promised(tmp_path, refused, peak):
    path = write(tmp_path / "x.gz", gzip.compress(idx(images()) + bytes(64 * MIB), compresslevel=1))
    assert peak(lambda: refused(lambda: read_idx_images(path), path, "trailing data")) < MIB


def test_reading_takes_little_more_than_the_pixels(tmp_path, peak):
    pixels = np.zeros((1000, 100, 100), dtype=np.uint8)
    path = write(tmp_path / "x.gz", gzip.compress(idx(pixels), compresslevel=1))
    assert peak(lambda: read_idx_images(path)) < 1.5 * pixels.nbytes


def test_corrupt_gzip(tmp_path, refused):
    good = gzip.compress(idx(images(50, 20, 20)))
    for content in (
        good[: len(good) // 2],
        good[:-8],
        good[:-4],
        good[:5],
        good[:2],
        good[:2] + b"\x07" + good[3:],
        good + b"garbage",
        good[:-8] + bytes([good[-8] ^ 1]) + good[-7:],
        good[:40] + bytes(40) + good[80:],
    ):
        path = write(tmp_path / "x.gz", content)
        refused(lambda: read_idx_images(path), path)


def test_no_flip_of_a_gzip_file_goes_unseen_or_ends_in_another_error(tmp_path, refused):
    good, random = gzip.compress(idx(images(20, 6, 6))), np.random.default_rng(0)
    for position in range(0, len(good), 3):
        content = bytearray(good)
        content[position] ^= 1 << random.integers(8)
        path = write(tmp_path / "x.gz", bytes(content))
        # Bytes 4 to 9 of the header are a time and two marks that are not read; others may change what is skipped.
        try:
            np.testing.assert_array_equal(read_idx_images(path), images(20, 6, 6))
        except ValueError:
            refused(lambda: read_idx_images(path), path)


def test_a_missing_file_and_a_folder(tmp_path, refused):
    refused(lambda: read_idx_images(tmp_path / "none"), tmp_path / "none", "No such file")
    refused(lambda: read_idx_images(tmp_path), tmp_path, "cannot be read")


@pytest.mark.parametrize("separator", ["-", "."])
@pytest.mark.parametrize("suffix, pack", [("", bytes), (".gz", gzip.compress)])
def test_load_mnist_by_any_of_the_names(tmp_path, separator, suffix, pack):
    train, test = images(13), images(7, seed=1)
    write(tmp_path / f"train-images{separator}idx3-ubyte{suffix}", pack(idx(train)))
    write(tmp_path / f"t10k-images{separator}idx3-ubyte{suffix}", pack(idx(test)))
    data = load_mnist(tmp_path)
    assert data.name == tmp_path.name and data.image_shape == (3, 4)
    np.testing.assert_array_equal(data.train, train[:11].reshape(11, 12))
    np.testing.assert_array_equal(data.validation, train[11:].reshape(2, 12))
    np.testing.assert_array_equal(data.test, test.reshape(7, 12))


@pytest.mark.parametrize("folder, name", [("fashion", "fashion"), ("mnist", "own mnist"), ("Fashion/raw", "Fashion")])
def test_other_images_under_mnists_names_are_called_by_their_folder(tmp_path, folder, name):
    (tmp_path / folder).mkdir(parents=True)
    write(tmp_path / folder / "train-images-idx3-ubyte", idx(images(13)))
    assert load_mnist(tmp_path / folder).name == name


def test_mnists_name_is_given_by_content(tmp_path, monkeypatch):
    train, test = images(13), images(7, seed=1)
    write(tmp_path / "train-images-idx3-ubyte", idx(train))
    hashes = {"train": hashlib.sha256(idx(train)).hexdigest(), "t10k": hashlib.sha256(idx(test)).hexdigest()}
    monkeypatch.setattr(minigan.data.idx, "MNIST", hashes)
    assert load_mnist(tmp_path).name == "mnist"
    write(tmp_path / "t10k-images-idx3-ubyte", gzip.compress(idx(test)))
    assert load_mnist(tmp_path).name == "mnist"
    write(tmp_path / "t10k-images-idx3-ubyte", gzip.compress(idx(test[:6])))
    assert load_mnist(tmp_path).name != "mnist"


def test_a_large_file_is_split_at_50000(tmp_path):
    train = np.arange(50_003, dtype=np.uint8).reshape(-1, 1, 1)
    write(tmp_path / "train-images-idx3-ubyte", idx(train))
    data = load_mnist(tmp_path)
    assert len(data.train) == 50_000 and data.test is None
    np.testing.assert_array_equal(data.validation, train[50_000:, 0])


def test_a_file_of_50000_keeps_a_sixth_and_one_of_five_keeps_none(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    write(path, idx(np.zeros((50_000, 1, 1), np.uint8)))
    assert len(load_mnist(tmp_path).validation) == 50_000 // 6
    write(path, idx(images(5)))
    assert load_mnist(tmp_path).validation is None
    assert len(load_mnist(tmp_path).train) == 5


def test_images_of_two_sizes_are_refused(tmp_path, refused):
    write(tmp_path / "train-images-idx3-ubyte", idx(images()))
    write(tmp_path / "t10k-images-idx3-ubyte", idx(images(5, 4, 3)))
    refused(lambda: load_mnist(tmp_path), "t10k-images-idx3-ubyte", "4 x 3", "3 x 4")


def test_no_training_images(tmp_path, refused):
    write(tmp_path / "t10k-images-idx3-ubyte", idx(images()))
    refused(lambda: load_mnist(tmp_path), tmp_path, "train-images-idx3-ubyte", "train-images.idx3-ubyte.gz")
    refused(lambda: load_mnist(tmp_path / "none"), tmp_path / "none", "train-images-idx3-ubyte")


def test_labels_in_the_images_place(tmp_path, refused):
    write(tmp_path / "train-images-idx3-ubyte", struct.pack(">II", 0x801, 3) + bytes(3))
    refused(lambda: load_mnist(tmp_path), "train-images-idx3-ubyte", "a file of labels")


def test_the_real_files(mnist_folder):
    data = load_mnist(mnist_folder)
    assert (data.train.shape, data.validation.shape, data.test.shape) == ((50_000, 784), (10_000, 784), (10_000, 784))
    assert data.name == "mnist" and data.image_shape == (28, 28) and data.train.dtype == np.uint8
    train = hashlib.sha256(struct.pack(">IIII", 0x803, 60_000, 28, 28))
    train.update(data.train)
    train.update(data.validation)
    assert train.hexdigest() == TRAIN_SHA256
    test = hashlib.sha256(struct.pack(">IIII", 0x803, 10_000, 28, 28))
    test.update(data.test)
    assert test.hexdigest() == TEST_SHA256
    means = data.means()
    assert means.min() == 0 and means.mean() == pytest.approx(0.13066, abs=1e-3)
