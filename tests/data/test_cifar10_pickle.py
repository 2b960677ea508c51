"""CIFAR-10's Python version: what is read of a pickle, what it may not ask for, and how it can be broken."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from cifar10_files import array, integer, pickled, pictures, planes, short, write

from minigan.data.cifar10 import load_cifar10

MIB = 1 << 20


def test_the_pickle_of_these_tests_is_what_python_reads(tmp_path):
    """Python's own unpickler makes the array of it, so the tests below speak of the real format."""
    batch = pickle.loads(pickled(planes(2)), encoding="bytes")
    assert batch[b"labels"] == [0, 1]
    np.testing.assert_array_equal(batch[b"data"], planes(2).reshape(2, 3072))


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
