"""Labels of every kind of data that has them, and one clear line where they are missing or wrong."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from cifar10_files import planes, write_folder
from PIL import Image

from minigan.data import load
from minigan.data.idx import read_idx_labels

RANDOM = np.random.default_rng(0)


def idx(magic: int, values: np.ndarray, *sizes: int) -> bytes:
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + values.astype(np.uint8).tobytes()


def write_idx(folder: Path, n: int, labels: bytes | None, name: str = "train-labels-idx1-ubyte") -> Path:
    """n images of 2 x 3 and a file of labels."""
    folder.mkdir(exist_ok=True)
    pixels = RANDOM.integers(0, 256, (n, 2, 3))
    (folder / "train-images-idx3-ubyte").write_bytes(idx(0x803, pixels, n, 2, 3))
    if labels is not None:
        (folder / name).write_bytes(labels)
    return folder


@pytest.mark.parametrize(
    "name, pack", [("train-labels-idx1-ubyte.gz", gzip.compress), ("train-labels.idx1-ubyte", bytes)]
)
def test_those_of_idx_files_are_of_the_training_images(tmp_path, name, pack):
    given = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8])
    data = load(str(write_idx(tmp_path / "own", 12, pack(idx(0x801, given, 12)), name)), labels=True)
    assert data.labels is not None and len(data.train) == 10
    assert [data.labels.classes.names[number] for number in data.labels.numbers] == given[:10].tolist()
    assert data.labels.classes.names == (1, 2, 3, 4, 5, 6, 9) and data.labels.classes.counts == (2, 1, 2, 1, 2, 1, 1)
    np.testing.assert_array_equal(data.labels.one_hot(), np.array(data.labels.classes.names) == given[:10, None])


BROKEN = {
    "missing": (None, "no labels of its training images"),
    "of other images": (idx(0x801, np.zeros(11), 11), "11 labels, expected 12"),
    "images": (idx(0x803, np.zeros(12), 12, 1, 1), "a file of images"),
    "another magic": (idx(0x802, np.zeros(12), 12), "expected IDX labels"),
    "truncated": (idx(0x801, np.zeros(11), 12), "truncated"),
    "no header": (b"\0\0\x08\1\0", "expected an IDX header of 8"),
    "none": (idx(0x801, np.zeros(0), 0), "at least one label"),
    "trailing": (idx(0x801, np.zeros(13), 12), "trailing data"),
    "a promise": (idx(0x801, np.zeros(1), 2**31), "more than it can hold"),
}


@pytest.mark.parametrize("content, said", BROKEN.values(), ids=BROKEN)
def test_broken_files_of_labels_and_only_where_they_are_asked_for(tmp_path, refused, content, said):
    folder = write_idx(tmp_path / "own", 12, content)
    refused(lambda: load(str(folder), labels=True), said)
    assert load(str(folder)).labels is None


def test_mnists_labels(mnist_folder):
    labels = load(str(mnist_folder), labels=True).labels
    assert labels.classes.names == tuple(range(10)) and labels.numbers[:5].tolist() == [5, 0, 4, 1, 9]
    assert labels.classes.counts == (4932, 5678, 4968, 5101, 4859, 4506, 4951, 5175, 4842, 4988)
    name = next(mnist_folder.glob("t10k-labels*"))
    assert read_idx_labels(name)[:4].tolist() == [7, 2, 1, 0]


@pytest.mark.parametrize("form", ["cifar-10-batches-bin", "cifar-10-batches-py"])
def test_those_of_cifar10_by_their_names(tmp_path, form):
    folder = write_folder(tmp_path / form, form, {"data_batch_1": planes(12), "data_batch_2": planes(8, 1)})
    labels = load(str(folder), labels=True).labels
    assert labels.numbers.tolist() == [i % 10 for i in range(12)] + [0, 1, 2, 3]
    assert labels.classes.names[:4] == ("airplane", "automobile", "bird", "cat")


def test_a_pickle_without_labels(tmp_path, refused):
    folder = write_folder(tmp_path / "own", "cifar-10-batches-py", {"data_batch_1": planes(6)})
    path = folder / "data_batch_1"
    path.write_bytes(path.read_bytes().replace(b"labels", b"babels"))
    refused(lambda: load(str(folder), labels=True), "0 labels of its 6 training images")
    assert load(str(folder)).labels is None


def test_class_folders(tmp_path, refused):
    for name, n in {"cat": 3, "ant": 2}.items():
        (tmp_path / "train" / name).mkdir(parents=True)
        for i in range(n):
            Image.fromarray(RANDOM.integers(0, 256, (4, 3), dtype=np.uint8)).save(
                tmp_path / "train" / name / f"{i}.png"
            )
    (tmp_path / "test").mkdir()
    Image.fromarray(np.zeros((4, 3), np.uint8)).save(tmp_path / "test" / "a.png")
    labels = load(str(tmp_path), labels=True).labels
    assert labels.classes.names == ("ant", "cat") and labels.numbers.tolist() == [0, 0, 1, 1, 1]
    refused(lambda: load(str(tmp_path / "train" / "cat"), labels=True), "a folder a class")


def test_class_folders_of_which_a_picture_is_passed_over(tmp_path):
    from minigan.data import PictureOptions

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(2):
            Image.fromarray(np.full((4, 3), 9, np.uint8)).save(tmp_path / name / f"{i}.png")
    (tmp_path / "a" / "0.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="passed over"):
        data = load(str(tmp_path), pictures=PictureOptions(skip_unreadable=True), labels=True)
    assert data.labels.numbers.tolist() == [0, 1, 1]


def test_an_npz_with_y(tmp_path, refused):
    x, y = RANDOM.random((6, 4)), np.array([2, 0, 2, 2, 0, 0])
    np.savez(tmp_path / "own.npz", train=x, y=y, test=x[:2])
    labels = load(str(tmp_path / "own.npz"), labels=True).labels
    assert labels.classes.names == (0, 2) and labels.numbers.tolist() == [1, 0, 1, 1, 0, 0]
    assert load(str(tmp_path / "own.npz")).labels is None
    np.savez(tmp_path / "without.npz", train=x)
    np.savez(tmp_path / "short.npz", train=x, y=y[:-1])
    np.savez(tmp_path / "between.npz", train=x, y=y + 0.5)
    np.save(tmp_path / "one.npy", x)
    refused(lambda: load(str(tmp_path / "without.npz"), labels=True), "no labels", "'y' beside 'train'")
    refused(lambda: load(str(tmp_path / "one.npy"), labels=True), "no labels", "'y' beside 'train'")
    refused(lambda: load(str(tmp_path / "short.npz"), labels=True), "5 labels, expected 6")
    refused(lambda: load(str(tmp_path / "between.npz"), labels=True), "'y'", "expected whole numbers or texts")


def test_digits_and_what_has_no_labels(tmp_path, refused):
    assert load("digits", labels=True).labels.numbers[:4].tolist() == [0, 1, 2, 3]
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    for source in ("ring", "tfd", str(tmp_path / "a.csv")):
        refused(lambda source=source: load(source, labels=True), "condition labels: there are none", "expected MNIST")
