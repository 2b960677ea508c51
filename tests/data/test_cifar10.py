"""CIFAR-10: what is read of a folder or an archive, where it is found, and every way in which it can be broken."""

from __future__ import annotations

import gzip
import tarfile

import numpy as np
import pytest
from cifar10_files import FORMS, binary, pack_members, pictures, planes, write, write_archive, write_folder

from minigan.data.cifar10 import find_cifar10, load_cifar10

MIB = 1 << 20
TRAINING = [f"data_batch_{i}" for i in range(1, 6)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("writer, name", [(write_folder, "folder"), (write_archive, "any-name.tar.gz")])
def test_each_form(tmp_path, form, writer, name):
    batches = {batch: planes(2, seed) for seed, batch in enumerate([*TRAINING, "test_batch"])}
    data = load_cifar10(writer(tmp_path / name, form, batches))
    rows = np.concatenate([pictures(batches[batch]) for batch in TRAINING])
    assert data.name == "cifar10" and data.image_shape == (32, 32, 3) and data.train.dtype == np.uint8
    np.testing.assert_array_equal(data.train, rows[:8])
    np.testing.assert_array_equal(data.validation, rows[8:])
    np.testing.assert_array_equal(data.test, pictures(batches["test_batch"]))


def test_colours_and_rows_are_where_a_picture_has_them(tmp_path):
    stored = np.zeros((5, 3, 32, 32), np.uint8)
    stored[0, :, 3, 7] = 10, 20, 30
    data = load_cifar10(write_folder(tmp_path, "cifar-10-batches-bin", {"data_batch_1": stored}))
    assert data.train[0].reshape(32, 32, 3)[3, 7].tolist() == [10, 20, 30]
    assert data.train.sum() == 60


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("there", [["data_batch_1"], ["data_batch_4", "data_batch_2"], ["data_batch_5", "test_batch"]])
def test_missing_batches_are_left_out(tmp_path, form, there):
    batches = {batch: planes(10, seed) for seed, batch in enumerate(there)}
    data = load_cifar10(write_folder(tmp_path, form, batches))
    rows = np.concatenate([pictures(batches[batch]) for batch in TRAINING if batch in there])
    fifth = len(rows) // 5
    np.testing.assert_array_equal(data.train, rows[:-fifth])
    np.testing.assert_array_equal(data.validation, rows[-fifth:])
    assert (data.test is None) == ("test_batch" not in there)


def test_fewer_than_five_images_leave_none_for_validation(tmp_path):
    data = load_cifar10(write_folder(tmp_path, "cifar-10-batches-bin", {"data_batch_1": planes(4)}))
    assert len(data.train) == 4 and data.validation is None


def test_batches_of_different_lengths(tmp_path):
    batches = {"data_batch_1": planes(3), "data_batch_2": planes(7), "test_batch": planes(1)}
    data = load_cifar10(write_folder(tmp_path, "cifar-10-batches-bin", batches))
    assert (len(data.train), len(data.validation), len(data.test)) == (8, 2, 1)


def test_what_is_found_and_in_which_order(tmp_path):
    assert find_cifar10(tmp_path) is None
    inside = tmp_path / "cifar10"
    inside.mkdir()
    one = {"data_batch_1": planes(1)}
    paths = [write_archive(inside / "cifar-10-python.tar.gz", "cifar-10-batches-py", one)]
    assert find_cifar10(tmp_path) == find_cifar10(inside) == paths[-1]
    paths.append(write_archive(inside / "cifar-10-binary.tar.gz", "cifar-10-batches-bin", one))
    assert find_cifar10(tmp_path) == paths[-1]
    for form in ("cifar-10-batches-py", "cifar-10-batches-bin"):
        paths.append(write_folder(inside / form, form, one))
        assert find_cifar10(tmp_path) == find_cifar10(inside) == find_cifar10(paths[-1]) == paths[-1]
    assert all(len(load_cifar10(path).train) == 1 for path in paths)


def test_a_binary_batch_goes_before_the_same_one_pickled(tmp_path):
    for form, seed in (("cifar-10-batches-py", 1), ("cifar-10-batches-bin", 2)):
        write_folder(tmp_path, form, {"data_batch_1": planes(1, seed)})
    np.testing.assert_array_equal(load_cifar10(tmp_path).train, pictures(planes(1, 2)))


@pytest.mark.parametrize("form", FORMS)
def test_no_training_batch(tmp_path, refused, form):
    folder = write_folder(tmp_path / "folder", form, {"test_batch": planes(1)})
    archive = write_archive(tmp_path / "x.tar.gz", form, {"test_batch": planes(1)})
    for path in (folder, archive, pack_members(tmp_path / "y.tar.gz", {"other.txt": b"hello"})):
        refused(lambda: load_cifar10(path), path, "no training images", "data_batch_1.bin")


@pytest.mark.parametrize("name", ["data_batch_3.bin", "test_batch.bin"])
@pytest.mark.parametrize("length", [0, 1, 3072, 3074, 2 * 3073 - 1])
def test_a_binary_batch_of_another_length(tmp_path, refused, name, length):
    write(tmp_path / "data_batch_1.bin", binary(planes(2)))
    path = write(tmp_path / name, binary(planes(3))[:length])
    refused(lambda: load_cifar10(tmp_path), path, f"{length} bytes", "3073")
    path = pack_members(tmp_path / "x.tar.gz", {f"folder/{name}": binary(planes(3))[:length]})
    refused(lambda: load_cifar10(path), path, name, f"{length} bytes", "3073")


def test_a_label_that_is_none(tmp_path, refused):
    content = bytearray(binary(planes(3)))
    content[3073] = 10
    path = write(tmp_path / "data_batch_1.bin", content)
    refused(lambda: load_cifar10(tmp_path), path, "label 10", "0 to 9")


@pytest.mark.parametrize("name", ["data_batch_1.bin", "data_batch_1"])
def test_a_batch_that_is_far_too_large_is_not_read_whole(tmp_path, refused, peak, name):
    with open(tmp_path / name, "wb") as file:
        file.truncate(3073 << 20)
    message = "more than 50331648 bytes", "10,000 images"
    assert peak(lambda: refused(lambda: load_cifar10(tmp_path), tmp_path / name, *message)) < 80 * MIB


@pytest.mark.parametrize("form", FORMS)
def test_a_broken_archive(tmp_path, refused, form):
    whole = write_archive(tmp_path / "whole.tar.gz", form, {"data_batch_1": planes(4)}).read_bytes()
    unpacked = gzip.decompress(whole)
    path = tmp_path / "x.tar.gz"
    for content in (
        b"",
        b"<html>404</html>",
        gzip.compress(b"hello" * 1000),
        whole[: len(whole) // 2],
        whole[:-8],
        whole[:-1],
        whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:],
        gzip.compress(unpacked[:5000]),
        unpacked,
    ):
        write(path, content)
        refused(lambda: load_cifar10(path), path)


def test_a_member_that_is_no_file_does_not_count(tmp_path, refused):
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.LNKTYPE):
            entry = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    refused(lambda: load_cifar10(tmp_path / "x.tar.gz"), "x.tar.gz", "no training images")


def test_a_batch_that_cannot_be_opened(tmp_path, refused):
    refused(lambda: load_cifar10(tmp_path / "none"), tmp_path / "none", "no training images")


def test_the_real_batch(cifar10_folder):
    """The first image is a frog, label 6, whose upper left pixel is (59, 62, 63), the one to its right (43, 46, 45)."""
    data = load_cifar10(cifar10_folder)
    content = (cifar10_folder / "data_batch_1.bin").read_bytes()
    assert content[0] == 6
    assert data.image_shape == (32, 32, 3) and len(data.train) + len(data.validation) == 10_000 * (
        len(list(cifar10_folder.glob("data_batch_*.bin")))
    )
    first = data.train[0].reshape(32, 32, 3)
    assert first[0, :2].tolist() == [[59, 62, 63], [43, 46, 45]]
    for row, column in ((0, 0), (5, 17), (31, 31)):
        offset = 1 + 32 * row + column
        assert first[row, column].tolist() == [content[offset], content[offset + 1024], content[offset + 2048]]
    last = 3073 * 7999 + 1
    assert data.train[7999].tobytes()[0::3] == content[last : last + 1024]
    test = (cifar10_folder / "test_batch.bin").read_bytes()
    assert data.test[0].tobytes()[2::3] == test[1 + 2048 : 1 + 3072]
    assert len(data.test) == len(test) // 3073
