"""Finding a data set by its name or at a path."""

from __future__ import annotations

import gzip
import struct
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minigan import data
from minigan.data import DataError, PictureOptions, load
from minigan.data.tfd import CONVERSION
from minigan.errors import DataWarning

IDX = struct.pack(">IIII", 0x803, 12, 2, 2) + bytes(range(48))


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(files=None):
        raise DataError("would download, expected not to")

    monkeypatch.setattr(data, "download_mnist", refuse)
    monkeypatch.setattr(data, "download_cifar10", refuse)
    monkeypatch.delenv("MINIGAN_DATA", raising=False)


def mnist_in(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(IDX))
    return folder


def cifar10_in(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data_batch_1.bin").write_bytes(bytes(10 * 3073))
    return folder


def cifar10_archive(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(cifar10_in(folder / "unpacked"), "cifar-10-batches-bin")
    return path


def tfd_in(folder: Path, name="TFD_48x48.npz") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / name, images=np.zeros((6, 3, 3), np.uint8), folds=np.arange(30).reshape(6, 5) % 2)
    return folder / name


@pytest.mark.parametrize("name", ["digits", "gaussian", "ring", "grid"])
def test_what_is_embedded(name):
    assert load(name).name == name


def test_an_unknown_name(refused):
    refused(lambda: load("faces"), "data faces: not found", "digits, mnist, cifar10, tfd, gaussian, ring, grid")


@pytest.mark.filterwarnings("ignore:--data mnist")
@pytest.mark.parametrize("subfolder", ["", "mnist"])
def test_mnist_in_minigan_data(tmp_path, monkeypatch, subfolder):
    mnist_in(tmp_path / subfolder)
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path))
    assert load("mnist").train.shape == (10, 4)


@pytest.mark.filterwarnings("ignore:--data mnist")
def test_mnist_is_downloaded_where_minigan_data_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "download_mnist", lambda files: mnist_in(tmp_path / "cache"))
    assert load("mnist").train.shape == (10, 4)
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path / "other"))
    assert load("mnist").train.shape == (10, 4)


@pytest.mark.parametrize("subfolder", ["", "cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"])
def test_cifar10_in_minigan_data_and_at_a_path(tmp_path, monkeypatch, subfolder):
    cifar10_in(tmp_path / subfolder)
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path))
    for source in ("cifar10", str(tmp_path), str(tmp_path / subfolder)):
        assert load(source).train.shape == (8, 3072)


def test_cifar10_is_downloaded_where_minigan_data_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "download_cifar10", lambda: cifar10_archive(tmp_path / "cache").parent)
    assert load("cifar10").train.shape == (8, 3072)
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path / "other"))
    assert load("cifar10").name == "cifar10"


def test_a_path_to_the_archive_of_cifar10(tmp_path):
    assert load(str(cifar10_archive(tmp_path))).train.shape == (8, 3072)


@pytest.mark.parametrize("subfolder", ["", "tfd"])
@pytest.mark.parametrize("name", ["TFD_48x48.npz", "TFD_96x96.npz"])
def test_tfd_in_minigan_data_and_at_a_path(tmp_path, monkeypatch, subfolder, name):
    path = tfd_in(tmp_path / subfolder, name)
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path))
    for source in ("tfd", str(tmp_path), str(path)):
        assert load(source).train.shape == (3, 9)


def test_matlabs_format_is_told_how_it_is_converted(tmp_path, refused):
    (tmp_path / "faces.MAT").write_bytes(b"MATLAB 5.0 MAT-file")
    refused(lambda: load(str(tmp_path / "faces.MAT")), "faces.MAT", "MATLAB's format", CONVERSION)


def test_tfd_is_not_public(tmp_path, monkeypatch, refused):
    refused(lambda: load("tfd"), "data tfd", "not public", "TFD_48x48.npz", "MINIGAN_DATA", CONVERSION)
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path))
    refused(lambda: load("tfd"), "data tfd", "not public")


def test_contrast_normalisation():
    normalised, plain = load("digits", 55.0), load("digits")
    assert normalised.contrast == 55 and plain.contrast is None
    np.testing.assert_array_equal(normalised.train, plain.train)


@pytest.mark.parametrize("name", ["gaussian", "ring", "grid"])
def test_a_density_has_no_contrast(refused, name):
    refused(lambda: load(name, 55.0), "contrast 55.0", name)


def test_a_minigan_data_that_is_no_folder(tmp_path, monkeypatch, refused):
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path / "none"))
    refused(lambda: load("mnist"), f"MINIGAN_DATA={tmp_path / 'none'}")


@pytest.mark.parametrize("subfolder", ["", "mnist"])
def test_a_path_to_idx_files(tmp_path, subfolder):
    mnist_in(tmp_path / subfolder)
    assert load(str(tmp_path)).train.shape == (10, 4)


@pytest.mark.parametrize("layout", ["MNIST/raw", "FashionMNIST/raw", "raw"])
def test_torchvisions_layout_is_found_from_its_root(tmp_path, layout):
    mnist_in(tmp_path / layout)
    assert load(str(tmp_path)).train.shape == (10, 4)


@pytest.mark.filterwarnings("ignore:--data mnist")
def test_of_several_sets_in_torchvisions_layout_mnist_is_mnist(tmp_path, monkeypatch, refused):
    for layout in ("FashionMNIST/raw", "KMNIST/raw"):
        mnist_in(tmp_path / layout)
    refused(lambda: load(str(tmp_path)), "FashionMNIST and KMNIST are there")
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path))
    refused(lambda: load("mnist"), "would download")
    mnist_in(tmp_path / "MNIST" / "raw")
    assert load("mnist").name == "own MNIST"


def test_other_pictures_for_mnist_are_said_to_be(tmp_path, monkeypatch):
    mnist_in(tmp_path)
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path))
    with pytest.warns(DataWarning, match="^data mnist: its files hold other pictures"):
        load("mnist")


@pytest.mark.parametrize("name", ["digits", "ring"])
def test_a_name_beside_a_folder_of_that_name_says_which(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    Image.fromarray(np.full((4, 3), 99, np.uint8)).save(tmp_path / name / "a.png")
    with pytest.warns(DataWarning, match=f"^data {name}: the data set of that name is taken; .* data ./{name}"):
        assert load(name).name == name
    here = load(f"./{name}")
    assert here.image_shape == (4, 3) and here.name == ("own digits" if name == "digits" else name)


@pytest.mark.parametrize("source", ["digits", "ring", "a.npy"])
@pytest.mark.parametrize("options", [{"size": "4x4"}, {"background": "black"}, {"skip_unreadable": True}])
def test_options_of_pictures_are_for_folders_of_them(tmp_path, refused, source, options):
    np.save(tmp_path / "a.npy", np.ones((3, 4)))
    source = str(tmp_path / source) if "." in source else source
    refused(lambda: load(source, pictures=PictureOptions(**options)), "folder of pictures", f"data {source}")


def test_a_folder_of_other_files_names_their_kinds(tmp_path, refused):
    for name in ("a.heic", "b.heic", "c.txt"):
        (tmp_path / name).write_bytes(b"x")
    refused(lambda: load(str(tmp_path)), "unknown kind of data (2 .heic, 1 .txt)")


def test_a_path_to_test_images_alone_says_what_is_missing(tmp_path, refused):
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(IDX)
    refused(lambda: load(str(tmp_path)), tmp_path, "no training images")


def test_a_path_to_pictures(tmp_path):
    Image.fromarray(np.zeros((4, 3), np.uint8)).save(tmp_path / "a.png")
    assert load(str(tmp_path)).image_shape == (4, 3)


@pytest.mark.parametrize("name, save", [("a.npy", np.save), ("a.npz", np.savez), ("A.NPY", np.save)])
def test_a_path_to_an_array(tmp_path, name, save):
    with open(tmp_path / name, "wb") as file:
        save(file, np.ones((3, 4)))
    assert load(str(tmp_path / name)).name == name


def test_a_path_from_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.save(tmp_path / "a.npy", np.ones((3, 4)))
    assert load("~/a.npy").name == "a.npy"


def test_a_path_to_nothing(tmp_path, refused, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what "" stands for
    for path in (tmp_path / "none.npy", tmp_path / "none", ""):
        refused(lambda: load(path), "not found" if path else "unknown kind", "pictures", ".npy")


@pytest.mark.parametrize("name", ["a.tsv", "a.npy.txt", "train-images-idx3-ubyte", "other.tar.gz", "data_batch_1.bin"])
def test_a_path_to_another_kind_of_file(tmp_path, refused, name):
    (tmp_path / name).write_bytes(IDX)
    refused(lambda: load(str(tmp_path / name)), name, "MNIST or CIFAR-10 files", "pictures", ".npy, .npz")


def test_a_format_is_one_module_that_says_its_suffix(tmp_path, monkeypatch):
    (tmp_path / "bits.py").write_text("""
import numpy as np
from minigan.data.examples import dataset_of

def load_bits(path):
    return dataset_of(path.name, 1.0 * np.unpackbits(np.fromfile(path, np.uint8)).reshape(-1, 8))

READS = {".bits": load_bits}
""")
    (tmp_path / "own.BITS").write_bytes(bytes([1, 255]))
    monkeypatch.setattr(data, "__path__", [*data.__path__, str(tmp_path)])
    monkeypatch.setattr(data, "READERS", data.readers())
    try:
        assert load(str(tmp_path / "own.BITS")).train.tolist() == [[0] * 7 + [1], [1] * 8]
    finally:
        sys.modules.pop("minigan.data.bits")


def test_every_suffix_is_named_where_a_file_is_refused(tmp_path, refused):
    refused(lambda: load(str(tmp_path / "none")), *data.READERS)


def test_a_path_to_an_empty_folder(tmp_path, refused):
    refused(lambda: load(str(tmp_path)), tmp_path, "MNIST or CIFAR-10 files", "pictures", ".npy, .npz")


def test_a_folder_that_holds_two_sets(tmp_path, refused):
    (tmp_path / "TFD_48x48.npz").write_bytes(b"")
    (tmp_path / "cifar-10-batches-bin").mkdir()
    (tmp_path / "cifar-10-batches-bin" / "data_batch_1.bin").write_bytes(b"")
    refused(lambda: load(str(tmp_path)), tmp_path, "CIFAR-10 and TFD are there", "the folder of one")
