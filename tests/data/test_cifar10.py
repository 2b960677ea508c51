"""CIFAR-10's three forms, written here from their definition, and every way in which they can be broken."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from minigan.data.cifar10 import find_cifar10, load_cifar10

MIB = 1 << 20
TRAINING = [f"data_batch_{i}" for i in range(1, 6)]


def planes(n: int, seed: int = 0) -> np.ndarray:
    """Images as they are stored: (n, 3, 32, 32)."""
    return np.random.default_rng(seed).integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)


def pictures(stored: np.ndarray) -> np.ndarray:
    """The rows that have to come of them: (n, 32 32 3)."""
    return np.moveaxis(stored, 1, 3).reshape(len(stored), 3072)


def binary(stored: np.ndarray) -> bytes:
    return b"".join(bytes([i % 10]) + image.tobytes() for i, image in enumerate(stored))


def short(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode()


def integer(number: int) -> bytes:
    return b"J" + struct.pack("<i", number)


def array(content: bytes, shape: tuple[int, ...], kind: str = "u1", by_columns: bool = False) -> bytes:
    """The opcodes with which Python 2's pickle wrote a NumPy array."""
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + integer(0) + b"\x85" + short("b") + b"\x87R"
    dtype = b"cnumpy\ndtype\n" + short(kind) + integer(0) + integer(1) + b"\x87R"
    dtype += b"(" + integer(3) + short("|") + b"NNN" + integer(-1) + integer(-1) + integer(0) + b"tb"
    sizes = b"(" + b"".join(map(integer, shape)) + b"t"
    state = integer(1) + sizes + dtype + (b"\x88" if by_columns else b"\x89")
    return made + b"(" + state + b"T" + struct.pack("<I", len(content)) + content + b"tb"


def pickled(stored: np.ndarray, data: bytes | None = None, key: str = "data") -> bytes:
    """A batch of the Python version, as Python 2 wrote it."""
    labels = b"](" + b"".join(b"K" + bytes([i % 10]) for i in range(len(stored))) + b"e"
    items = short("batch_label") + short("training batch 1 of 5") + short("labels") + labels
    items += short(key) + (data or array(stored.tobytes(), (len(stored), 3072))) + short("filenames") + b"]"
    return b"\x80\x02}(" + items + b"u."


FORMS = {"cifar-10-batches-bin": (".bin", binary), "cifar-10-batches-py": ("", pickled)}


def write_folder(folder: Path, form: str, batches: dict[str, np.ndarray]) -> Path:
    suffix, pack = FORMS[form]
    folder.mkdir(parents=True, exist_ok=True)
    for name, stored in batches.items():
        (folder / f"{name}{suffix}").write_bytes(pack(stored))
    return folder


def write_archive(path: Path, form: str, batches: dict[str, np.ndarray]) -> Path:
    suffix, pack = FORMS[form]
    members = {f"{form}/{name}{suffix}": pack(stored) for name, stored in batches.items()}
    members |= {f"{form}/batches.meta.txt": b"airplane\n", f"{form}/readme.html": b"<html>"}
    return pack_members(path, members)


def pack_members(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_the_pickle_of_these_tests_is_what_python_reads(tmp_path):
    """Python's own unpickler makes the array of it, so the tests below speak of the real format."""
    batch = pickle.loads(pickled(planes(2)), encoding="bytes")
    assert batch[b"labels"] == [0, 1]
    np.testing.assert_array_equal(batch[b"data"], planes(2).reshape(2, 3072))


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


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("encoding", ["bytes", "latin1"])
@pytest.mark.parametrize("order", "CF")
def test_batches_that_others_pickled_again(tmp_path, protocol, encoding, order):
    """As NumPy 2 names its functions, and as Python 3 keeps bytes; with 10,000 file names, as they come."""
    rows = np.asarray(planes(10).reshape(10, 3072), order=order)
    batch = {"batch_label": "training batch 1 of 5", "labels": [0] * 10_000, "data": rows}
    batch["filenames"] = [f"leptodactylus_pentadactylus_s_{i:06}.png" for i in range(10_000)]
    if encoding == "bytes":
        batch = {key.encode(): value for key, value in batch.items()}
        batch[b"batch_label"] = batch[b"batch_label"].encode()
        batch[b"filenames"] = [name.encode() for name in batch[b"filenames"]]
    write(tmp_path / "data_batch_1", pickle.dumps(batch, protocol=protocol))
    data = load_cifar10(tmp_path)
    np.testing.assert_array_equal(np.concatenate([data.train, data.validation]), pictures(planes(10)))


def test_a_whole_batch_below_protocol_3_is_not_too_large(tmp_path):
    """Its bytes are kept as UTF-8, in which half of them take two."""
    rows = np.full((10_000, 3072), 255, np.uint8)
    rows[:, ::2] = 7
    write(tmp_path / "data_batch_1", pickle.dumps({b"data": rows}, protocol=2))
    assert load_cifar10(tmp_path).train.shape == (8000, 3072)


@pytest.mark.parametrize("arguments", [("a", "utf-8"), ("a", "zlib"), (b"a", "latin1"), ("\u0100", "latin1")])
def test_bytes_as_texts_are_read_by_one_encoding_alone(tmp_path, refused, arguments):
    class Asks:
        def __reduce__(self):
            import _codecs

            return _codecs.encode, arguments

    path = write(tmp_path / "data_batch_1", pickle.dumps({"data": Asks()}, protocol=2))
    refused(lambda: load_cifar10(tmp_path), path)


def test_an_array_stored_by_columns(tmp_path):
    stored = planes(2)
    by_columns = array(stored.reshape(2, 3072).tobytes(order="F"), (2, 3072), by_columns=True)
    write(tmp_path / "data_batch_1", pickled(stored, by_columns))
    np.testing.assert_array_equal(load_cifar10(tmp_path).train, pictures(stored))


def test_what_is_found_and_in_which_order(tmp_path):
    assert find_cifar10(tmp_path) is None
    inside = tmp_path / "cifar10"
    inside.mkdir()
    one = {"data_batch_1": planes(1)}
    places = [write_archive(inside / "cifar-10-python.tar.gz", "cifar-10-batches-py", one)]
    assert find_cifar10(tmp_path) == find_cifar10(inside) == places[-1]
    places.append(write_archive(inside / "cifar-10-binary.tar.gz", "cifar-10-batches-bin", one))
    assert find_cifar10(tmp_path) == places[-1]
    for form in ("cifar-10-batches-py", "cifar-10-batches-bin"):
        places.append(write_folder(inside / form, form, one))
        assert find_cifar10(tmp_path) == find_cifar10(inside) == find_cifar10(places[-1]) == places[-1]
    assert all(len(load_cifar10(place).train) == 1 for place in places)


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


class Trap:
    """Unpickling it in earnest would remove a folder."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __reduce__(self):
        return Path.rmdir, (self.folder,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_asks_for_anything_else_is_refused_and_does_nothing(tmp_path, refused, protocol):
    trap = tmp_path / "trap"
    trap.mkdir()
    for content in (Trap(trap), {b"data": Trap(trap)}, {b"data": [Trap(trap)]}):
        path = write(tmp_path / "data_batch_1", pickle.dumps(content, protocol))
        refused(lambda: load_cifar10(tmp_path), path, "it asks for")
        assert trap.is_dir()


@pytest.mark.parametrize("name", ["posix system", "builtins eval", "numpy load", "numpy.core.multiarray fromfile"])
def test_names_are_refused_even_beside_those_that_are_known(tmp_path, refused, name):
    module, function = name.split()
    asked = f"c{module}\n{function}\n".encode() + short("true") + b"\x85R"
    path = write(tmp_path / "data_batch_1", pickled(planes(1), asked))
    refused(lambda: load_cifar10(tmp_path), path, f"{module}.{function}")


STORED = planes(2).tobytes()
OTHER_PICKLES = {
    "a list": pickle.dumps([1, 2], 2),
    "a number": pickle.dumps(7, 2),
    "no data": pickled(planes(2), key="pixels"),
    "data of text": pickle.dumps({b"data": "text"}, 3),
    "no state": b"\x80\x02}" + short("data") + b"cnumpy\nndarray\n" + integer(2) + b"\x85Rs.",
    "a name instead of an array": b"\x80\x02}" + short("data") + b"cnumpy\nndarray\ns.",
    "CIFAR-10's width less one": pickled(planes(2), array(STORED[: 2 * 3071], (2, 3071))),
    "three axes": pickled(planes(2), array(STORED, (2, 3, 1024))),
    "no image": pickled(planes(0), array(b"", (0, 3072))),
    "fewer bytes than the shape": pickled(planes(2), array(STORED[:-1], (2, 3072))),
    "more bytes than the shape": pickled(planes(2), array(STORED, (1, 3072))),
    "a negative shape": pickled(planes(2), array(STORED, (-2, 3072))),
    "floats": pickled(planes(2), array(STORED, (2, 3072), "f4")),
    "objects": pickled(planes(2), array(STORED, (2, 3072), "O8")),
}


@pytest.mark.parametrize("content", OTHER_PICKLES.values(), ids=OTHER_PICKLES.keys())
def test_another_pickle(tmp_path, refused, content):
    path = write(tmp_path / "data_batch_1", content)
    refused(lambda: load_cifar10(tmp_path), path, "another pickle", "b'data'", "3072")


BROKEN_PICKLES = {
    "empty": b"",
    "html": b"<!DOCTYPE html><html>404</html>",
    "noise": np.random.default_rng(5).bytes(2000),
    "cut": pickled(planes(2))[:-40],
    "cut in the bytes": pickled(planes(2))[:3000],
    "no stop": pickled(planes(2))[:-1],
    "calls a number": b"\x80\x02K\x01)R.",
    "empty stack": b"\x80\x02R.",
}


@pytest.mark.parametrize("content", BROKEN_PICKLES.values(), ids=BROKEN_PICKLES.keys())
def test_a_broken_pickle(tmp_path, refused, content):
    path = write(tmp_path / "data_batch_1", content)
    refused(lambda: load_cifar10(tmp_path), path)


@pytest.mark.parametrize(
    "claim",
    [
        b"K\x01r\xff\xff\xff\x7f.",
        b"K\x01p4000000000\n.",
        b"B\xff\xff\xff\x7fx.",
        b"\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
        b"T\xff\xff\xff\x7fx.",
        b"\x95" + struct.pack("<Q", 1 << 40) + b"N.",
    ],
)
def test_a_pickle_that_claims_too_much_allocates_nothing(tmp_path, refused, peak, claim):
    path = write(tmp_path / "data_batch_1", b"\x80\x04" + claim)
    assert peak(lambda: refused(lambda: load_cifar10(tmp_path), path)) < 40 * MIB


def test_no_flip_in_a_pickle_ends_in_another_error(tmp_path, refused):
    whole, random = pickled(planes(1)), np.random.default_rng(0)
    head = whole.index(b"T" + struct.pack("<I", 3072)) + 5
    for position in [*range(head), *range(head + 3072, len(whole))]:
        content = bytearray(whole)
        content[position] ^= 1 << random.integers(8)
        path = write(tmp_path / "data_batch_1", bytes(content))
        # Much of such a pickle is not looked at: labels, file names, an array's version.
        try:
            np.testing.assert_array_equal(load_cifar10(tmp_path).train, pictures(planes(1)))
        except ValueError:
            refused(lambda: load_cifar10(tmp_path), path)


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
